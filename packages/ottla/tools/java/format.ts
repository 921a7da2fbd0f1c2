/** `String.format` as far as the tools need it, their tables, and dates and durations as they read them. */
import { ToolError } from './errors.ts'

/** Left-aligned columns, each with a space behind it but for the last: `%-15s %-10s %s`. */
export function columns(widths: readonly number[], cells: readonly (string | number)[]): string {
  return cells.map((cell, i) => String(cell).padEnd(widths[i] ?? 0)).join(' ')
}

/** The width that the longest of `texts` needs, and no less than `least`. */
export function widthOf(least: number, texts: Iterable<string>): number {
  let width = least
  for (const text of texts) width = Math.max(width, text.length)
  return width
}

/** Columns that are as wide as their widest cell, a tab behind each. */
export function prettyTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headers.map((header, i) =>
    widthOf(
      header.length,
      rows.map(row => row[i]!),
    ),
  )
  return [headers, ...rows].map(row => `${row.map((cell, i) => `${cell.padEnd(widths[i]!)}\t`).join('')}\n`).join('')
}

/** `2026-01-31T12:00:00.000`, in UTC unless it says otherwise, in milliseconds since 1970. */
export function parseDateTime(text: string): number {
  const match = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}(Z|[+-]\d{2}(?::?\d{2})?)?$/.exec(text)
  if (!text.includes('T'))
    throw new ToolError(
      "java.text.ParseException: Error parsing timestamp. It does not contain a 'T' according to ISO8601 format",
    )
  const zone = match?.[1] ?? 'Z'
  const bare = match ? text.slice(0, text.length - (match[1]?.length ?? 0)) : text
  const value = match ? Date.parse(bare + (zone.length === 3 ? `${zone}:00` : zone)) : Number.NaN
  if (Number.isNaN(value))
    throw new ToolError(`java.text.ParseException: Unparseable date: "${/[Z+]|T.*-/.test(text) ? text : `${text}Z`}"`)
  return value
}

const DURATION = /^([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+(?:[.,]\d{0,9})?)S)?)?$/i

/** ISO 8601 as `PT1H30M` or `P2D`, in milliseconds. */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text)
  if (!match || /T$/i.test(text) || /P$/i.test(text))
    throw new ToolError('Text cannot be parsed to a Duration', 'java.time.format.DateTimeParseException')
  const [days, hours, minutes, seconds] = [match[2], match[4], match[5], match[6]?.replace(',', '.')].map(part =>
    Number(part ?? 0),
  )
  const ms = days! * 86_400_000 + hours! * 3_600_000 + minutes! * 60_000 + Math.trunc(seconds! * 1000)
  return match[1] === '-' ? -ms : ms
}

/** `Double.toString()` of what the tools print. */
export function doubleText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity'
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string]
    return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
  }
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
