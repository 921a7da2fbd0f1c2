/**
 * From the text of a value to the value and back, as Kafka (that is: Java) reads and prints it. What is read must be
 * printed again for DescribeConfigs in Java's spelling: `+07` is `7`, `1e10` is `1.0E10`.
 */
import { type ConfigType, type ConfigValue, Password } from './definition.ts'

export interface ParsedValue {
  readonly value: ConfigValue
  /** Canonical: as Kafka prints the value. Of a password: the secret. */
  readonly text: string
}

/** What is wrong with a text: the end of a sentence that begins with it. */
export class BadValue {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** Java's `String.trim`: everything up to the space. */
export function trimJava(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 0x20) start++
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--
  return text.slice(start, end)
}

const INTEGERS = {
  short: { bits: 16n, is: 'not a short, a whole number from -32768 to 32767' },
  int: { bits: 32n, is: 'not an int, a whole number from -2147483648 to 2147483647' },
  long: { bits: 64n, is: 'not a long, a whole number of 64 bits' },
} as const

export function parseValue(type: ConfigType, raw: string): ParsedValue | BadValue {
  const text = trimJava(raw)
  switch (type) {
    case 'boolean': {
      const lower = text.toLowerCase()
      if (lower !== 'true' && lower !== 'false') return new BadValue("is neither 'true' nor 'false'")
      return { value: lower === 'true', text: lower }
    }
    case 'short':
    case 'int':
    case 'long':
      return parseInteger(text, type)
    case 'double': {
      const value = parseDouble(text)
      if (value === null) return new BadValue('is not a number')
      return { value, text: doubleText(value) }
    }
    case 'list': {
      const value = text === '' ? [] : text.split(/[ \t\n\v\f\r]*,[ \t\n\v\f\r]*/)
      return { value, text: value.join(',') }
    }
    case 'password':
      return { value: new Password(text), text }
    case 'class':
      if (!/^[\p{L}\p{N}_$.[;]+$/u.test(text)) return new BadValue('is not the name of a class')
      return { value: text, text }
    case 'string':
      return { value: text, text }
  }
}

function parseInteger(text: string, type: 'short' | 'int' | 'long'): ParsedValue | BadValue {
  const { bits, is } = INTEGERS[type]
  if (!/^[+-]?[0-9]+$/.test(text)) return new BadValue(`is ${is}`)
  const exact = BigInt(text.replace('+', ''))
  if (BigInt.asIntN(Number(bits), exact) !== exact) return new BadValue(`is ${is}`)
  return { value: integerValue(exact), text: exact.toString() }
}

/** A long that a number cannot hold exactly is more than anything can be counted to here. */
function integerValue(exact: bigint): number {
  const value = Number(exact)
  if (Number.isSafeInteger(value)) return value
  return value > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
}

const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?$/
const HEXADECIMAL = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)[fFdD]?$/

/** Java's `Double.parseDouble`. */
function parseDouble(text: string): number | null {
  if (DECIMAL.test(text)) return Number(text.replace(/[fFdD]$/, ''))
  if (/^[+-]?NaN$/.test(text)) return Number.NaN
  if (/^[+-]?Infinity$/.test(text)) return Number(text)
  const match = HEXADECIMAL.exec(text)
  if (!match || match[2]!.length + match[3]!.length === 0) return null
  const digits = Number.parseInt(match[2]! + match[3]!, 16)
  const value = digits * 2 ** (Number(match[4]) - 4 * match[3]!.length)
  return match[1] === '-' ? -value : value
}

/** Java's `Double.toString`. */
export function doubleText(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const magnitude = Math.abs(value)
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  if (magnitude === 0) return `${sign}0.0`
  const [digits, exponent] = magnitude.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power < -3 || power >= 7) return `${sign}${withPoint(digits)}E${power}`
  return `${sign}${withPoint(magnitude.toString())}`
}

function withPoint(digits: string): string {
  return digits.includes('.') ? digits : `${digits}.0`
}
