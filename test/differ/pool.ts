/** The symbols that have come up so far in a run, by kind. */
import type { Draw } from './draw.ts'
import { show } from './plan.ts'
import type { Outcome } from './side.ts'

const SYMBOL = /\$([a-z]+):\d+\.\d+/g

export class Pool {
  readonly #byKind = new Map<string, string[]>()

  add(outcome: Outcome): void {
    for (const [symbol, kind] of show(outcome).matchAll(SYMBOL)) {
      const known = this.#byKind.get(kind!) ?? []
      if (!known.includes(symbol)) known.push(symbol)
      this.#byKind.set(kind!, known)
    }
  }

  /** One of them; `otherwise` if there is none, or now and then. */
  draw<T>(kind: string, draw: Draw, otherwise: T): string | T {
    const known = this.#byKind.get(kind) ?? []
    return known.length === 0 || draw.isWild() ? otherwise : draw.one(known)
  }
}
