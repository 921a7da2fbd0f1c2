/** The part of a logger that does not depend on where its lines go: levels, children, merged fields. */
import type { Clock, LogFields, Logger, LogLevel, LogLevels, LogThreshold } from './io.ts'
import { LEVELS, type LogLine } from './log-format.ts'

const NO_FIELDS: LogFields = {}
const ROOT = 'root'
const THRESHOLDS: Readonly<Record<LogThreshold, number>> = {
  trace: Number.NEGATIVE_INFINITY,
  ...LEVELS,
  fatal: Number.POSITIVE_INFINITY,
}

export interface LoggerOptions {
  readonly clock: Clock
  /** Of the root. */
  readonly level: LogLevel
  readonly write: (line: LogLine) => void
}

class Thresholds implements LogLevels {
  readonly #set: Map<string, LogThreshold>
  readonly #names = new Set([ROOT])
  /** Of each name that was asked for, until one is set anew. */
  readonly #effective = new Map<string, LogThreshold>()

  constructor(root: LogThreshold) {
    this.#set = new Map([[ROOT, root]])
  }

  of(name: string): LogThreshold {
    let threshold = this.#effective.get(name)
    if (!threshold) {
      threshold = this.#inherited(name)
      this.#effective.set(name, threshold)
    }
    return threshold
  }

  /** Of `a.b.c`: its own, or that of `a.b`, of `a`, of the root. */
  #inherited(name: string): LogThreshold {
    for (let rest = name; ; ) {
      const own = this.#set.get(rest)
      if (own) return own
      const dot = rest.lastIndexOf('.')
      if (dot < 0) return this.#set.get(ROOT)!
      rest = rest.slice(0, dot)
    }
  }

  add(name: string): void {
    this.#names.add(name)
  }

  all(): ReadonlyMap<string, LogThreshold> {
    return new Map([...this.#names].map(name => [name, this.of(name)]))
  }

  set(name: string, threshold: LogThreshold): void {
    this.#set.set(name, threshold)
    this.#effective.clear()
  }

  unset(name: string): void {
    if (name === ROOT) throw new Error('the root logger has to have a level')
    this.#set.delete(name)
    this.#effective.clear()
  }
}

export class LineLogger implements Logger {
  readonly #options: LoggerOptions
  readonly #thresholds: Thresholds
  readonly #name: string
  readonly #fields: LogFields

  constructor(
    options: LoggerOptions,
    thresholds: Thresholds = new Thresholds(options.level),
    name = ROOT,
    fields: LogFields = NO_FIELDS,
  ) {
    this.#options = options
    this.#thresholds = thresholds
    this.#name = name
    this.#fields = fields
  }

  get levels(): LogLevels {
    return this.#thresholds
  }

  isEnabled(level: LogLevel): boolean {
    return LEVELS[level] >= THRESHOLDS[this.#thresholds.of(this.#name)]
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
    return new LineLogger(this.#options, this.#thresholds, this.#name, { ...this.#fields, ...fields })
  }

  named(name: string): Logger {
    this.#thresholds.add(name)
    return new LineLogger(this.#options, this.#thresholds, name, this.#fields)
  }

  #log(level: LogLevel, message: string, fields: LogFields = NO_FIELDS): void {
    if (!this.isEnabled(level)) return
    const { clock, write } = this.#options
    write({ timeMs: clock.now(), level, message, fields: { ...this.#fields, ...fields } })
  }
}
