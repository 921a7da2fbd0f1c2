/** What the verifiable tools print: an event a line, as JSON. And how they are stopped: by a signal, which they tell of. */

import type { ToolContext } from './context.ts'
import { doubleText } from './java/format.ts'

export class Events {
  readonly #context: ToolContext

  constructor(context: ToolContext) {
    this.#context = context
  }

  /** `doubles`: numbers that Java would print with a point, at the end. */
  tell(
    name: string,
    fields: Readonly<Record<string, unknown>> = {},
    doubles: Readonly<Record<string, number>> = {},
  ): void {
    const text = JSON.stringify({ timestamp: Date.now(), name, ...fields })
    const more = Object.entries(doubles).map(([key, value]) => `,${JSON.stringify(key)}:${doubleText(value)}`)
    this.#context.print(`${text.slice(0, -1)}${more.join('')}}`)
  }
}

/** As a shell has it of a JVM that a signal has ended. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const
type StopSignal = keyof typeof EXIT_CODES

/** Runs until it is done, or told by a signal to stop; the exit code. `onSignal`: at once when it comes. */
export async function untilStopped(
  work: (signal: AbortSignal) => Promise<void>,
  onSignal?: () => void,
): Promise<number> {
  const stop = new AbortController()
  let code = 0
  const listen = (name: StopSignal) => {
    const listener = (): void => {
      code = EXIT_CODES[name]
      onSignal?.()
      stop.abort()
    }
    process.once(name, listener)
    return () => process.off(name, listener)
  }
  const ends = (Object.keys(EXIT_CODES) as StopSignal[]).map(listen)
  try {
    await work(stop.signal)
  } finally {
    for (const end of ends) end()
  }
  return code
}
