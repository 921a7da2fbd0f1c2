/** The part of a logger that does not depend on where its lines go: level, children, merged fields. */
import type { Clock, LogFields, Logger, LogLevel } from './io.ts'
import { LEVELS, type LogLine } from './log-format.ts'

const NO_FIELDS: LogFields = {}

export interface LoggerOptions {
  readonly clock: Clock
  /** Lines below this level are not made. */
  readonly level: LogLevel
  readonly write: (line: LogLine) => void
}

export class LineLogger implements Logger {
  readonly #options: LoggerOptions
  readonly #fields: LogFields

  constructor(options: LoggerOptions, fields: LogFields = NO_FIELDS) {
    this.#options = options
    this.#fields = fields
  }

  isEnabled(level: LogLevel): boolean {
    return LEVELS[level] >= LEVELS[this.#options.level]
  }

  debug(message: string, fields?: LogFields): void {
    this.#log('debug', message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#log('info', message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#log('warn', message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#log('error', message, fields)
  }

  child(fields: LogFields): Logger {
    return new LineLogger(this.#options, { ...this.#fields, ...fields })
  }

  #log(level: LogLevel, message: string, fields: LogFields = NO_FIELDS): void {
    if (!this.isEnabled(level)) return
    const { clock, write } = this.#options
    write({ timeMs: clock.now(), level, message, fields: { ...this.#fields, ...fields } })
  }
}
