/**
 * A message as the JSON that Apache Kafka's generated converters make of it, for tools that print records: every field of
 * the version, in the order of the schema; a tagged one only where it differs from its default; bytes in base64.
 */
import { type Field, inRange, type Message, type Shape } from '@ottla/protocol'
import { doubleText } from './format.ts'

/** JSON to stand for the bytes of a field, or null: they stay bytes. */
export type BytesReader = (field: string, bytes: Uint8Array) => string | null

export function messageJson(schema: Message, version: number, value: object, readBytes?: BytesReader): string {
  return structJson(schema.fields, version, value as Fields, readBytes)
}

type Fields = Readonly<Record<string, unknown>>

function structJson(fields: Shape, version: number, value: Fields, readBytes?: BytesReader): string {
  const parts: string[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (!inRange(field.versions, version)) continue
    if (inRange(field.tagged, version) && isDefault(field, value[name])) continue
    parts.push(`${JSON.stringify(name)}:${fieldJson(name, field, version, value[name], readBytes)}`)
  }
  return `{${parts.join(',')}}`
}

function fieldJson(name: string, field: Field, version: number, value: unknown, readBytes?: BytesReader): string {
  if (value === null) return 'null'
  switch (field.kind) {
    case 'string':
    case 'uuid':
      return JSON.stringify(value)
    case 'bytes': {
      const bytes = value as Uint8Array
      return readBytes?.(name, bytes) ?? `"${Buffer.from(bytes).toString('base64')}"`
    }
    case 'records':
      return '""'
    case 'float64':
      return doubleText(value as number)
    case 'array': {
      const items = (value as unknown[]).map(item => fieldJson(name, field.element!, version, item, readBytes))
      return `[${items.join(',')}]`
    }
    case 'struct':
      return structJson(field.fields!, version, value as Fields, readBytes)
    default:
      return String(value)
  }
}

function isDefault(field: Field, value: unknown): boolean {
  if (field.defaultValue === null || value === null) return value === field.defaultValue
  if (field.kind === 'array' || field.kind === 'bytes') return (value as { length: number }).length === 0
  if (field.kind !== 'struct') return value === field.defaultValue
  return Object.entries(field.fields!).every(([name, inner]) => isDefault(inner, (value as Fields)[name]))
}
