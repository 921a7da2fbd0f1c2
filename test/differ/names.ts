/**
 * What one broker calls things in one run, and what a plan calls them: symbols for the ids that it made up, `~` for the
 * run's own prefix.
 */
import { makeBytes } from './bytes.ts'
import { isMade, type Value } from './plan.ts'

const SYMBOL = /\$([a-z]+):\d+\.\d+/g

/** What stands for an id that no answer has brought, as when its step has been left out. */
const NOBODY: Readonly<Record<string, string | number>> = {
  topic: 'bm9ib2R5IGtub3dzIG1lIQ',
  producer: 987_654_321,
  session: 123_456_789,
}

export class Names {
  readonly prefix: string
  readonly #actual = new Map<string, string | number>()
  readonly #symbols = new Map<string | number, string>()
  #step = 0
  #count = 0

  constructor(prefix: string) {
    this.prefix = prefix
  }

  /** New symbols are the answer's to this step from now on. */
  begin(step: number, alreadyNamed = 0): void {
    this.#step = step
    this.#count = alreadyNamed
  }

  known(actual: string | number): string | undefined {
    return this.#symbols.get(actual)
  }

  symbol(actual: string | number, kind: string): string {
    const known = this.#symbols.get(actual)
    if (known) return known
    const symbol = `$${kind}:${this.#step}.${this.#count++}`
    this.#symbols.set(actual, symbol)
    this.#actual.set(symbol, actual)
    return symbol
  }

  /** Text of the broker as it stands in a plan. */
  ownWords(text: string): string {
    return text.replaceAll(this.prefix, '~')
  }

  /** A plan's value as this broker is to get it. */
  resolve(value: Value): unknown {
    if (typeof value === 'string') return this.#resolveText(value)
    if (value === null || typeof value !== 'object') return value
    if (Array.isArray(value)) return value.map(item => this.resolve(item as Value))
    const fields = Object.entries(value).map(([name, field]) => [name, this.resolve(field as Value)] as const)
    const resolved = Object.fromEntries(fields)
    return isMade(value) ? makeBytes(resolved) : resolved
  }

  #resolveText(text: string): string | number {
    if (!text.includes('$') && !text.includes('~')) return text
    const actual = (symbol: string, kind: string) => this.#actual.get(symbol) ?? NOBODY[kind] ?? 'nobody'
    const whole = new RegExp(`^${SYMBOL.source}$`).exec(text)
    if (whole) return actual(text, whole[1]!)
    return text.replaceAll(SYMBOL, (symbol, kind: string) => String(actual(symbol, kind))).replaceAll('~', this.prefix)
  }
}
