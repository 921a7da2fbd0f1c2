/**
 * How a log line looks. Text, for people:
 *
 *     2026-11-21T06:55:00.123Z INFO  topic created topic=orders partitions=3
 *
 * and JSON, one object a line, for machines, which pino writes (node/json-lines.ts). Values come from peers too: whatever could end a line or pass for another
 * field is escaped.
 */
import type { LogFields, LogLevel } from './io.ts'

export interface LogLine {
  readonly timeMs: number
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

export const LEVELS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

const COLORS: Readonly<Record<LogLevel, string>> = { debug: '90', info: '32', warn: '33', error: '31' }
const NEEDS_QUOTES = /[\s"=\p{C}]/u
const NOT_SHOWN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu
const MAX_CAUSES = 5

/** Ends with a newline. An error's stack follows on lines of its own, indented. */
export function textLine(line: LogLine, color: boolean): string {
  const level = line.level.toUpperCase().padEnd(5)
  const head = color ? `\x1b[${COLORS[line.level]}m${level}\x1b[39m` : level
  let text = `${new Date(line.timeMs).toISOString()} ${head} ${oneLine(line.message)}`
  let stacks = ''
  for (const [name, value] of Object.entries(line.fields)) {
    if (value === undefined) continue
    const shown = color ? `\x1b[2m${name}=\x1b[22m` : `${name}=`
    text += ` ${shown}${textValue(value instanceof Error ? value.message : value)}`
    if (value instanceof Error) stacks += stackText(value)
  }
  return `${text}\n${stacks}`
}

const OWN_NAMES: ReadonlySet<string> = new Set(['time', 'level', 'message'])

/** What JSON can say of the fields. One that is named as one of the line's own gets a `_` in front. */
export function jsonFields(fields: LogFields): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) object[OWN_NAMES.has(name) ? `_${name}` : name] = jsonValue(value)
  return object
}

function textValue(value: string | number | boolean | bigint | null): string {
  if (typeof value !== 'string') return String(value)
  return value === '' || NEEDS_QUOTES.test(value) ? quoted(value) : value
}

/** JSON escapes what is below a space; the rest of what a terminal obeys or hides is escaped here. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(NOT_SHOWN, escapeCharacter)
}

function escapeCharacter(character: string): string {
  return character
    .split('')
    .map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}

function oneLine(message: string): string {
  return message.search(NOT_SHOWN) >= 0 ? quoted(message) : message
}

function stackText(error: Error): string {
  let text = ''
  let prefix = ''
  for (let current: unknown = error, depth = 0; current instanceof Error && depth < MAX_CAUSES; depth++) {
    const lines = `${prefix}${current.stack ?? `${current.name}: ${current.message}`}`.split('\n')
    text += lines.map(part => `    ${oneLine(part)}\n`).join('')
    prefix = 'caused by: '
    current = current.cause
  }
  return text
}

function jsonValue(value: LogFields[string], depth = 0): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (!(value instanceof Error)) return value
  const { name, message, stack, cause } = value
  const code = 'code' in value && typeof value.code === 'string' ? value.code : undefined
  const inner = cause instanceof Error && depth < MAX_CAUSES ? jsonValue(cause, depth + 1) : undefined
  return { name, message, code, stack, cause: inner }
}
