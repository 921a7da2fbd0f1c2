/** What commander leaves to be parsed. */
import { InvalidArgumentError } from 'commander'
import { CommandError, ExitCode } from './output.ts'

/** Where `ottla start` serves, and where all other commands look, if nobody says otherwise. */
export const DEFAULT_SERVER = '127.0.0.1:9092'

/** For options that may be repeated. */
export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value]
}

/** Parses an integer in [min, max]. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text)
    if (!/^-?\d+$/.test(text) || value < min || value > max) {
      const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`
      throw new InvalidArgumentError(`It has to be a whole number ${range}.`)
    }
    return value
  }
}

const MAX_PORT = 65_535

/** `9404`, `0.0.0.0:9404`, `:9404` for every address, `[::1]:9404`. */
export function listener(text: string): { host: string; port: number } {
  const [, host = '127.0.0.1', port] = /^(?:(\[[^\]]*\]|[^:]*):)?(\d+)$/.exec(text) ?? []
  if (port === undefined || Number(port) > MAX_PORT)
    throw new InvalidArgumentError('It has to be a port, or a host and a port as 0.0.0.0:9404.')
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** `key=value` each; a value may have more equal signs. */
export function keyValues(pairs: readonly string[], option: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) throw new CommandError(`${option} '${pair}': it has to be key=value`, ExitCode.usage)
    values.set(pair.slice(0, at), pair.slice(at + 1))
  }
  return values
}

/** `30s`, `15m`, `2h`, `7d`, or ISO 8601 as `PT1H30M`, in milliseconds. */
export function duration(text: string): number {
  const simple = /^(\d+)(ms|s|m|h|d)$/.exec(text)
  const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
  if (simple) return Number(simple[1]) * units[simple[2] as keyof typeof units]
  const iso = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text)
  if (!iso || text === 'P' || text.endsWith('T'))
    throw new InvalidArgumentError('It has to be a duration as 30s, 15m, 2h, 7d or PT1H30M.')
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = iso.slice(1).map(part => Number(part ?? 0))
  return days * units.d + hours * units.h + minutes * units.m + seconds * units.s
}

/** Milliseconds since 1970, or a date as `2026-01-31` or `2026-01-31T12:00:00Z`. */
export function moment(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isNaN(value))
    throw new InvalidArgumentError('It has to be a date as 2026-01-31T12:00:00Z, or milliseconds since 1970.')
  return value
}
