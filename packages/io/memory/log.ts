/** Log lines kept in memory, the newest ones, for a test to look at. */
import type { Clock, Logger, LogLevel } from '../io.ts'
import { type LogLine, textLine } from '../log-format.ts'
import { LineLogger } from '../logger.ts'

const MAX_LINES = 10_000

export class MemoryLog {
  readonly logger: Logger
  readonly #lines: LogLine[] = []

  constructor(clock: Clock, level: LogLevel = 'info') {
    this.logger = new LineLogger({ clock, level, write: line => this.#add(line) })
  }

  get lines(): readonly LogLine[] {
    return this.#lines
  }

  /** As a terminal would show them, without colours. */
  toString(): string {
    return this.#lines.map(line => textLine(line, false)).join('')
  }

  #add(line: LogLine): void {
    this.#lines.push(line)
    if (this.#lines.length >= 2 * MAX_LINES) this.#lines.splice(0, MAX_LINES)
  }
}
