/** Log lines to stderr or a given stream. A stream that does not keep up loses lines, and is told how many. */
import type { Clock, Logger, LogLevel } from '../io.ts'
import { type LogLine, textLine } from '../log-format.ts'
import { LineLogger } from '../logger.ts'
import { jsonLines } from './json-lines.ts'

export interface NodeLoggerOptions {
  /** Default 'info'. */
  readonly level?: LogLevel
  /** Default 'text'. */
  readonly format?: 'text' | 'json'
  /** Default: stderr. */
  readonly stream?: LogStream
  /** Default: on a terminal, unless the environment has a NO_COLOR that is not empty. */
  readonly color?: boolean
}

/** What is needed of a `stream.Writable`. */
export interface LogStream {
  write(text: string): boolean
  readonly writableLength?: number
  readonly isTTY?: boolean
}

const MAX_WAITING_BYTES = 1024 * 1024

export function nodeLogger(clock: Clock, options: NodeLoggerOptions = {}): Logger {
  const { level = 'info', format = 'text', stream = process.stderr } = options
  const color = options.color ?? (stream.isTTY === true && !process.env.NO_COLOR)
  const text = (line: LogLine): boolean => stream.write(textLine(line, color))
  const show = format === 'json' ? jsonLines(stream) : text
  let dropped = 0
  const write = (line: LogLine): void => {
    if ((stream.writableLength ?? 0) > MAX_WAITING_BYTES) {
      dropped++
      return
    }
    if (dropped > 0) {
      const fields = { count: dropped }
      dropped = 0
      show({ timeMs: line.timeMs, level: 'warn', message: 'log lines dropped: the stream is slow', fields })
    }
    show(line)
  }
  return new LineLogger({ clock, level, write })
}
