/**
 * A second opinion for tests: walks the schema for each message, slowly, and shares nothing with the compilers but the
 * primitives of Reader and Writer.
 */
import type { Reader } from '../reader.ts'
import { type Field, inRange, type Message, type Shape } from '../schema.ts'
import type { Writer } from '../writer.ts'

type Struct = Record<string, unknown>

/** A fresh default value. */
export function defaultOf(field: Field): unknown {
  if (field.defaultValue === null) return null
  if (field.kind === 'array') return []
  if (field.kind !== 'struct') return field.defaultValue
  return Object.fromEntries(Object.entries(field.fields!).map(([name, inner]) => [name, defaultOf(inner)]))
}

export class Interpreter {
  readonly #schema: Message
  readonly #version: number
  readonly #isFlexible: boolean

  constructor(schema: Message, version: number) {
    this.#schema = schema
    this.#version = version
    this.#isFlexible = inRange(schema.flexible, version)
  }

  decode(reader: Reader, shape: Shape = this.#schema.fields): Struct {
    const result: Struct = {}
    for (const [name, field] of Object.entries(shape))
      result[name] = this.#where(field) === 'body' ? this.#read(reader, field) : defaultOf(field)
    for (let left = this.#isFlexible ? reader.uvarint() : 0; left > 0; left--) {
      const tag = reader.uvarint()
      const bytes = reader.uvarint()
      const known = Object.entries(shape).find(([, field]) => field.tag === tag && this.#where(field) === 'tags')
      if (known) result[known[0]] = this.#read(reader, known[1], true)
      else reader.slice(bytes)
    }
    return result
  }

  encode(writer: Writer, value: Struct, shape: Shape = this.#schema.fields): void {
    const fields = Object.entries(shape).map(([name, field]) => {
      return { field, value: value[name] === undefined ? defaultOf(field) : value[name] }
    })
    for (const { field, value } of fields) if (this.#where(field) === 'body') this.#write(writer, field, value)
    if (!this.#isFlexible) return
    const tagged = fields
      .filter(({ field, value }) => this.#where(field) === 'tags' && !equal(value, defaultOf(field)))
      .sort((a, b) => a.field.tag - b.field.tag)
    writer.uvarint(tagged.length)
    for (const { field, value } of tagged) {
      const start = writer.position
      this.#write(writer, field, value, true)
      writer.closeTag(field.tag, start)
    }
  }

  #where(field: Field): 'body' | 'tags' | 'nowhere' {
    if (!inRange(field.versions, this.#version)) return 'nowhere'
    return inRange(field.tagged, this.#version) && this.#isFlexible ? 'tags' : 'body'
  }

  #isCompact(field: Field): boolean {
    return field.flexible ? inRange(field.flexible, this.#version) : this.#isFlexible
  }

  #read(reader: Reader, field: Field, inTag = false): unknown {
    const { kind } = field
    if (kind === 'bool') return reader.int8() !== 0
    if (kind === 'struct') {
      const isNull = inRange(field.nullable, this.#version) && reader.int8() !== 1
      return isNull ? null : this.decode(reader, field.fields!)
    }
    if (kind !== 'string' && kind !== 'bytes' && kind !== 'records' && kind !== 'array') return reader[kind]()
    const length =
      this.#isCompact(field) || inTag ? reader.uvarint() - 1 : reader[kind === 'string' ? 'int16' : 'int32']()
    if (length < 0) return null
    if (kind === 'string') return reader.text(length)
    return kind === 'array' ? Array.from({ length }, () => this.#read(reader, field.element!)) : reader.slice(length)
  }

  #write(writer: Writer, field: Field, value: unknown, inTag = false): void {
    const { kind } = field
    if (kind === 'bool') writer.int8(Number(value))
    else if (kind === 'struct') {
      if (inRange(field.nullable, this.#version)) writer.int8(value === null ? (inTag ? 0 : -1) : 1)
      if (value !== null) this.encode(writer, value as Struct, field.fields!)
    } else if (kind === 'string' || kind === 'bytes' || kind === 'records' || kind === 'array') {
      const content = kind === 'string' && value !== null ? Buffer.from(value as string) : (value as unknown[] | null)
      const length = content?.length ?? -1
      if (this.#isCompact(field) || inTag) writer.uvarint(length + 1)
      else writer[kind === 'string' ? 'int16' : 'int32'](length)
      if (kind === 'array') for (const element of content ?? []) this.#write(writer, field.element!, element)
      else if (content) writer.raw(content as unknown as Uint8Array)
    } else writer[kind](value as never)
  }
}

function equal(a: unknown, b: unknown): boolean {
  const text = (value: unknown) =>
    JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner))
  return text(a) === text(b)
}
