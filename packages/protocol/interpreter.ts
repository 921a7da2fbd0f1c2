/**
 * The codec without code generation: walks the schema for each message. Some fifty times slower than what codec.ts
 * compiles; for hosts that forbid generated code, and as the second opinion in the codec's tests.
 */
import { ProtocolError } from './errors.ts'
import type { Reader } from './reader.ts'
import { type Field, inRange, type Message, type Records, type Shape } from './schema.ts'
import type { Writer } from './writer.ts'

type Struct = Record<string, unknown>

const NO_BYTES = new Uint8Array(0)
const MAX_STRING_BYTES = 0x7fff

/** One version of one message. */
class Interpreter {
  readonly #version: number
  readonly #flexible: boolean

  constructor(schema: Message, version: number) {
    this.#version = version
    this.#flexible = inRange(schema.flexible, version)
  }

  decode(reader: Reader, shape: Shape): Struct {
    const result: Struct = {}
    for (const [name, field] of Object.entries(shape)) {
      const isPlain = this.#isPresent(field) && !this.#isTagged(field)
      result[name] = isPlain ? this.#read(reader, field, name) : defaultOf(field)
    }
    if (!this.#flexible) return result
    const tagged = this.#tagged(shape)
    for (let left = reader.uvarint(); left > 0; left--) {
      const tag = reader.uvarint()
      const size = reader.uvarint()
      const end = reader.position + size
      if (size > reader.remaining) throw malformed('a tagged field goes past the end')
      const [name, field] = tagged.find(([, f]) => f.tag === tag) ?? []
      if (field) result[name!] = this.#read(reader, field, name!)
      else reader.slice(size)
      if (reader.position !== end) throw malformed(`${name} is not of the size of its tag`)
    }
    return result
  }

  encode(writer: Writer, shape: Shape, value: Struct): void {
    for (const [name, field] of Object.entries(shape)) {
      const given = value[name] === undefined ? defaultOf(field) : value[name]
      if (this.#isPresent(field)) {
        if (!this.#isTagged(field)) this.#write(writer, field, given, name)
      } else if (!field.ignorable && differs(given, field)) {
        throw new ProtocolError(
          'ERR_UNSUPPORTED_VERSION',
          `field ${name} can't be left at its default, and this version lacks it`,
        )
      }
    }
    if (!this.#flexible) return
    const tagged = this.#tagged(shape).filter(
      ([name, field]) => value[name] !== undefined && differs(value[name], field),
    )
    writer.uvarint(tagged.length)
    for (const [name, field] of tagged) {
      const start = writer.position
      this.#write(writer, field, value[name], name)
      writer.closeTag(field.tag, start)
    }
  }

  #isPresent(field: Field): boolean {
    return inRange(field.versions, this.#version)
  }

  #isTagged(field: Field): boolean {
    return this.#flexible && inRange(field.tagged, this.#version)
  }

  #isCompact(field: Field): boolean {
    return field.flexible ? inRange(field.flexible, this.#version) : this.#flexible
  }

  #tagged(shape: Shape): [string, Field][] {
    return Object.entries(shape)
      .filter(([, field]) => this.#isPresent(field) && this.#isTagged(field))
      .sort(([, a], [, b]) => a.tag - b.tag)
  }

  #read(reader: Reader, field: Field, name: string): unknown {
    const nullable = inRange(field.nullable, this.#version)
    switch (field.kind) {
      case 'bool':
        return reader.int8() !== 0
      case 'struct':
        return nullable && reader.int8() < (this.#isTagged(field) ? 1 : 0) ? null : this.decode(reader, field.fields!)
      case 'string':
      case 'bytes':
      case 'records':
      case 'array': {
        const length = this.#isCompact(field)
          ? reader.uvarint() - 1
          : field.kind === 'string'
            ? reader.int16()
            : reader.int32()
        if (length < 0 && nullable) return null
        if (length < 0) throw malformed(`${name} is null`)
        if (length > reader.remaining) throw malformed(`${name} announces more than there is`)
        if (field.kind === 'array') return Array.from({ length }, () => this.#read(reader, field.element!, name))
        if (field.kind !== 'string') return reader.slice(length)
        if (length > MAX_STRING_BYTES) throw malformed(`${name} is too long`)
        return reader.text(length)
      }
      default:
        return reader[field.kind]()
    }
  }

  #write(writer: Writer, field: Field, value: unknown, name: string): void {
    const nullable = inRange(field.nullable, this.#version)
    if (value === null && !nullable) throw new TypeError(`field ${name} can't be null`)
    switch (field.kind) {
      case 'struct':
        if (nullable) writer.int8(value !== null ? 1 : this.#isTagged(field) ? 0 : -1)
        if (value !== null) this.encode(writer, field.fields!, value as Struct)
        return
      case 'string':
        if (value === null) this.#writeLength(writer, field, -1)
        else if (this.#isCompact(field)) writer.compactString(value as string)
        else writer.string(value as string)
        return
      case 'array': {
        const elements = value as readonly unknown[] | null
        this.#writeLength(writer, field, elements?.length ?? -1)
        for (const element of elements ?? []) this.#write(writer, field.element!, element, name)
        return
      }
      case 'bytes':
      case 'records': {
        const slices = value === null ? null : slicesOf(value as Records)
        this.#writeLength(writer, field, slices?.reduce((sum, slice) => sum + slice.length, 0) ?? -1)
        for (const slice of slices ?? []) writer.slice(slice)
        return
      }
      default:
        writeScalar(writer, field, value)
    }
  }

  #writeLength(writer: Writer, field: Field, length: number): void {
    if (this.#isCompact(field)) writer.uvarint(length + 1)
    else if (field.kind === 'string') writer.int16(length)
    else writer.int32(length)
  }
}

export function interpretDecode(schema: Message, version: number, reader: Reader): object {
  return new Interpreter(schema, version).decode(reader, schema.fields)
}

export function interpretEncode(schema: Message, version: number, value: object, writer: Writer): void {
  new Interpreter(schema, version).encode(writer, schema.fields, value as Struct)
}

function writeScalar(writer: Writer, field: Field, value: unknown): void {
  if (field.kind === 'bool') writer.int8(value ? 1 : 0)
  else if (field.kind === 'uuid') writer.uuid(value as string)
  else if (field.kind === 'rawInt64') writer.rawInt64(value as bigint)
  else if (field.kind === 'uint16') writer.int16(value as number)
  else if (field.kind === 'uint32') writer.int32(value as number)
  else writer[field.kind as 'int8' | 'int16' | 'int32' | 'int64' | 'float64'](value as number)
}

/** A fresh default value. */
export function defaultOf(field: Field): unknown {
  if (field.defaultValue === null) return null
  if (field.kind === 'array') return []
  if (field.kind === 'bytes' || field.kind === 'records') return NO_BYTES
  if (field.kind !== 'struct') return field.defaultValue
  return Object.fromEntries(Object.entries(field.fields!).map(([name, inner]) => [name, defaultOf(inner)]))
}

function differs(value: unknown, field: Field): boolean {
  if (value === undefined) return false
  if (field.defaultValue === null || value === null) return value !== field.defaultValue
  if (field.kind === 'struct') {
    return Object.entries(field.fields!).some(([name, inner]) => differs((value as Struct)[name], inner))
  }
  if (field.kind === 'array' || field.kind === 'bytes' || field.kind === 'records')
    return (value as { length: number }).length > 0
  return value !== field.defaultValue
}

function slicesOf(value: Records): readonly Uint8Array[] {
  return value instanceof Uint8Array ? [value] : value
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_MALFORMED', what)
}
