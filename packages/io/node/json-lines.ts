/**
 * Log lines as JSON, one object each, written by pino. It is loaded when the first logger with that format is made: loading
 * it takes some 30 ms, and a broker that logs as text, or not at all, starts in 200.
 */
import { createRequire } from 'node:module'
import type { pino } from 'pino'
import { jsonFields, type LogLine } from '../log-format.ts'

export interface LineStream {
  write(text: string): boolean
}

/** `{"level":"info","time":"2026-11-21T06:55:00.123Z","topic":"orders","message":"topic created"}` */
export function jsonLines(stream: LineStream): (line: LogLine) => void {
  const load = createRequire(import.meta.url)
  const make = load('pino') as typeof pino
  let timeMs = 0
  const logger = make(
    {
      // The machine and the process are known to whoever collects lines; levels are decided before.
      base: null,
      level: 'debug',
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(timeMs).toISOString()}"`,
      formatters: { level: level => ({ level }) },
    },
    stream as pino.DestinationStream,
  )
  return line => {
    timeMs = line.timeMs
    logger[line.level](jsonFields(line.fields), line.message)
  }
}
