/** `SimpleDateFormat.format` in the local time zone and English, without weeks of the year. */
import { ToolError } from './errors.ts'

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const SHORT_NAME = 3
const KNOWN = /[A-Za-z]/
const WEEKS = /[wWY]/
const DAY_MS = 86_400_000

export type DateFormat = (ms: number) => string

const pad = (value: number, width: number): string => String(value).padStart(width, '0')
const named = (names: readonly string[], index: number, width: number): string =>
  width > SHORT_NAME ? names[index]! : names[index]!.slice(0, SHORT_NAME)

function zone(date: Date, separator: string, hoursOnly = false): string {
  const minutes = -date.getTimezoneOffset()
  const size = Math.abs(minutes)
  const hours = `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60), 2)}`
  return hoursOnly ? hours : `${hours}${separator}${pad(size % 60, 2)}`
}

function zoneName(date: Date, width: number): string {
  const style = width > SHORT_NAME ? 'long' : 'short'
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: style }).formatToParts(date)
  return parts.find(({ type }) => type === 'timeZoneName')!.value
}

function isoZone(date: Date, width: number): string {
  if (date.getTimezoneOffset() === 0) return 'Z'
  return zone(date, width === 3 ? ':' : '', width === 1)
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 1)
  return (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / DAY_MS + 1
}

const FIELDS: Readonly<Record<string, (date: Date, width: number) => string>> = {
  G: () => 'AD',
  y: (date, width) => (width === 2 ? pad(date.getFullYear() % 100, 2) : pad(date.getFullYear(), width)),
  M: (date, width) => (width < SHORT_NAME ? pad(date.getMonth() + 1, width) : named(MONTHS, date.getMonth(), width)),
  L: (date, width) => (width < SHORT_NAME ? pad(date.getMonth() + 1, width) : named(MONTHS, date.getMonth(), width)),
  d: (date, width) => pad(date.getDate(), width),
  D: (date, width) => pad(dayOfYear(date), width),
  F: (date, width) => pad(Math.ceil(date.getDate() / 7), width),
  E: (date, width) => named(DAYS, date.getDay(), width),
  u: (date, width) => pad(date.getDay() || 7, width),
  a: date => (date.getHours() < 12 ? 'AM' : 'PM'),
  H: (date, width) => pad(date.getHours(), width),
  k: (date, width) => pad(date.getHours() || 24, width),
  K: (date, width) => pad(date.getHours() % 12, width),
  h: (date, width) => pad(date.getHours() % 12 || 12, width),
  m: (date, width) => pad(date.getMinutes(), width),
  s: (date, width) => pad(date.getSeconds(), width),
  S: (date, width) => pad(date.getMilliseconds(), width),
  z: zoneName,
  Z: date => zone(date, ''),
  X: isoZone,
}

/** Letters stand for parts of the date, as often as they are repeated; what is in quotes, and all else, for itself. */
export function dateFormat(pattern: string): DateFormat {
  const parts: (string | ((date: Date) => string))[] = []
  for (const [text, quoted] of pattern.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'/g)) {
    const letter = text[0]!
    if (quoted !== undefined) parts.push(quoted === '' ? "'" : quoted.replaceAll("''", "'"))
    else if (letter === "'") throw new ToolError('Unterminated quote')
    else if (!KNOWN.test(letter)) parts.push(text)
    else if (WEEKS.test(letter)) throw new ToolError(`The pattern character '${letter}' is not supported yet`)
    else {
      const field = FIELDS[letter]
      if (!field) throw new ToolError(`Illegal pattern character '${letter}'`)
      parts.push(date => field(date, text.length))
    }
  }
  return ms => {
    const date = new Date(ms)
    return parts.map(part => (typeof part === 'string' ? part : part(date))).join('')
  }
}
