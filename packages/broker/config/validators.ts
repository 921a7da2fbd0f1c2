/**
 * What a value must be beyond its type. A validator describes itself as Kafka does, which the tests compare, and says
 * of a value what is wrong with it: the end of a sentence that begins with the value.
 */

import type { ConfigValue, Validator } from './definition.ts'
import { isBootstrapServer, parseVoter } from './quorum-voters.ts'

function validator(
  description: string,
  check: (value: ConfigValue) => string | null,
  dropsDuplicates = false,
): Validator {
  return { description, check, dropsDuplicates }
}

export function atLeast(min: number): Validator {
  return validator(`[${min},...]`, value => checkRange(value, min, Number.POSITIVE_INFINITY))
}

/** Both ends are in. */
export function between(min: number, max: number): Validator {
  return validator(`[${min},...,${max}]`, value => checkRange(value, min, max))
}

function checkRange(value: ConfigValue, min: number, max: number): string | null {
  if (typeof value !== 'number') return 'must be set'
  if (value < min) return `must be at least ${min}`
  if (value > max) return `must be no more than ${max}`
  return null
}

export const GZIP_LEVEL = validator('[1,...,9] or -1', value =>
  value === -1 ? null : checkRange(value, 1, 9) && 'must be 1 to 9, or -1 for the default level',
)

export function oneOf(...allowed: readonly string[]): Validator {
  return validator(`[${allowed.join(', ')}]`, value =>
    typeof value === 'string' && allowed.includes(value) ? null : `must be one of: ${allowed.join(', ')}`,
  )
}

export function oneOfIgnoringCase(...allowed: readonly string[]): Validator {
  return validator(`(case insensitive) [${allowed.join(', ')}]`, value =>
    typeof value === 'string' && allowed.includes(value.toUpperCase())
      ? null
      : `must be one of ${allowed.join(', ')}, in any case`,
  )
}

export const NON_NULL = validator('non-null string', value => (value === null ? 'must be set' : null))

export const NON_EMPTY_STRING = validator('non-empty string', value => (value === '' ? 'must not be empty' : null))

export interface ListRules {
  readonly empty: boolean
  readonly null?: boolean
}

/** Any entries, each once and none empty. */
export function listOfAny(rules: ListRules): Validator {
  return validator('', value => checkList(value, rules, null), true)
}

export function listOf(rules: ListRules, ...allowed: readonly string[]): Validator {
  return validator(`[${allowed.join(', ')}]`, value => checkList(value, rules, allowed), true)
}

function checkList(value: ConfigValue, rules: ListRules, allowed: readonly string[] | null): string | null {
  if (value === null) return rules.null ? null : 'must be set'
  const entries = value as readonly string[]
  const choice = allowed ? `: any of ${allowed.join(', ')}` : ''
  if (entries.length === 0) return rules.empty ? null : `must not be an empty list${choice}`
  if (entries.includes('')) return `must not have an empty entry${choice}`
  const wrong = allowed ? entries.find(entry => !allowed.includes(entry)) : undefined
  return wrong === undefined ? null : `has an entry '${wrong}' that is not one of ${allowed!.join(', ')}`
}

export const QUORUM_VOTERS = validator('non-empty list', value => {
  if (value === null) return 'must be set'
  const wrong = (value as readonly string[]).find(entry => parseVoter(entry) === null)
  return wrong === undefined ? null : `has an entry '${wrong}' that is not id@host:port`
})

export const BOOTSTRAP_SERVERS = validator('non-empty list', value => {
  if (value === null) return 'must be set'
  const wrong = (value as readonly string[]).find(entry => !isBootstrapServer(entry))
  return wrong === undefined ? null : `has an entry '${wrong}' that is not host:port`
})

export const THROTTLED_REPLICAS = validator('[partitionId]:[brokerId],[partitionId]:[brokerId],...', value => {
  if (value === null) return 'must be set'
  const entries = (value as readonly string[]).map(entry => entry.trim())
  const good = entries.every(entry => /^([0-9]+:[0-9]+)?$/.test(entry)) || entries.join('') === '*'
  return good ? null : "must be '*' or a list of partition:broker"
})

/** java.time.Duration's ISO 8601, of which days, hours, minutes and seconds are left. */
const DURATION =
  /^([-+]?)P(?:([-+]?\d+)D)?(?:T(?=[-+\d])(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+)(?:[.,](\d{0,9}))?S)?)?$/i

/** Milliseconds of 'PnDTnHnMn.nS'; null if that is not what it is. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text)
  if (!match || match.slice(2).every(part => part === undefined)) return null
  const [, sign, days, hours, minutes, seconds, fraction] = match
  const number = (part: string | undefined) => (part === undefined ? 0 : Number(part))
  const wholeMs = ((number(days) * 24 + number(hours)) * 60 + number(minutes)) * 60_000 + number(seconds) * 1000
  const fractionMs = fraction ? Math.trunc(Number(`0.${fraction}`) * 1000) : 0
  const ms = wholeMs + (seconds?.startsWith('-') ? -fractionMs : fractionMs)
  return sign === '-' ? -ms : ms
}

const BY_DURATION = 'by_duration:'

export const SHARE_AUTO_OFFSET_RESET = validator('[latest, earliest, by_duration:PnDTnHnMn.nS]', value => {
  if (value === null) return 'must be set'
  const text = value as string
  if (text === 'latest' || text === 'earliest') return null
  const durationMs = text.startsWith(BY_DURATION) ? parseDuration(text.slice(BY_DURATION.length)) : null
  return durationMs !== null && durationMs >= 0 ? null : "must be 'earliest', 'latest' or 'by_duration:PnDTnHnMn.nS'"
})
