/** The objects whose bytes Kafka's own classes wrote down: the same ones whenever they are made, for each schema and version. */
import { type Field, inRange, type Message, type Shape } from '../schema.ts'
import { defaultOf } from './interpreter.ts'

/**
 * `default`: nothing set. `full`: everything that the version has. `nulls`: the same, with null wherever it may be.
 * `tags`: as full, and in flexible versions every struct has two tagged fields that nobody knows.
 */
export const VARIANTS = ['default', 'full', 'nulls', 'tags'] as const
export type Variant = (typeof VARIANTS)[number]

export function goldenValue(schema: Message, version: number, variant: Variant): Record<string, unknown> {
  return new Maker(version, variant).struct(schema.fields)
}

class Maker {
  readonly #version: number
  readonly #variant: Variant
  #count = 0

  constructor(version: number, variant: Variant) {
    this.#version = version
    this.#variant = variant
  }

  struct(shape: Shape): Record<string, unknown> {
    return Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, this.#field(field)]))
  }

  #field(field: Field): unknown {
    if (this.#variant === 'default' || !inRange(field.versions, this.#version)) return defaultOf(field)
    if (this.#variant === 'nulls' && inRange(field.nullable, this.#version)) return null
    return this.#value(field)
  }

  #value(field: Field): unknown {
    const n = ++this.#count
    switch (field.kind) {
      case 'bool':
        return field.defaultValue === false
      case 'int8':
        return -100 + (n % 200)
      case 'int16':
        return -30_000 + ((n * 997) % 60_000)
      case 'uint16':
        return 65_535 - n
      case 'int32':
        return n % 2 === 0 ? -2_000_000_000 + n : 2_000_000_000 - n
      case 'uint32':
        return 4_294_967_295 - n
      case 'int64':
        return n % 2 === 0 ? -9_007_199_254_740_000 + n : 9_007_199_254_740_000 - n
      case 'rawInt64':
        return BigInt(n) - 9_223_372_036_854_775_000n
      case 'float64':
        return n + 0.5
      case 'string':
        return n % 7 === 0 ? `${'long text é'.repeat(20)}${n}` : `näme-€-😀-${n}`
      case 'uuid':
        return Buffer.from(Array.from({ length: 16 }, (_, i) => (n * 31 + i * 17) & 0xff)).toString('base64url')
      case 'bytes':
      case 'records':
        return Buffer.from(Array.from({ length: 5 + (n % 3) }, (_, i) => (n * 7 + i) & 0xff))
      case 'array':
        return [this.#value(field.element!), this.#value(field.element!)]
      case 'struct':
        return this.struct(field.fields!)
    }
  }
}

/** As Kafka's JSON converters read it: fields of the version only, bytes in base64. */
export function kafkaJson(shape: Shape, value: Record<string, unknown>, version: number): string {
  const entries = Object.entries(shape)
    .filter(([, field]) => inRange(field.versions, version))
    .map(([name, field]) => `${JSON.stringify(name)}:${fieldJson(field, value[name], version)}`)
  return `{${entries.join(',')}}`
}

function fieldJson(field: Field, value: unknown, version: number): string {
  if (value === null) return 'null'
  if (field.kind === 'struct') return kafkaJson(field.fields!, value as Record<string, unknown>, version)
  if (field.kind === 'array')
    return `[${(value as unknown[]).map(element => fieldJson(field.element!, element, version)).join(',')}]`
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (field.kind === 'float64') return (value as number).toFixed(1)
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}

/** Views and Buffers compare as plain arrays. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}
