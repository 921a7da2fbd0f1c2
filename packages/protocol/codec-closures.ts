/**
 * The codec for hosts that forbid generated code: each (schema, version) becomes a tree of closures when it is first
 * used. Some six times slower than generated code, with the same results, and with one thing more: when a message is
 * broken it says in which field. So it also gets the message that the generated code has refused, to say why.
 */
import { ProtocolError } from './errors.ts'
import type { Reader } from './reader.ts'
import type { Field, Message, Records, Shape } from './schema.ts'
import { defaultMaker, SchemaVersion } from './schema-version.ts'
import type { Writer } from './writer.ts'

type Struct = Record<string, unknown>
type Read = (reader: Reader) => unknown
type Write = (writer: Writer, value: unknown) => void

const MAX_STRING_BYTES = 0x7fff

/** Throws a ProtocolError that names message, version, field and position. */
export function closureDecoder(schema: Message, version: number): (reader: Reader) => object {
  const at = new SchemaVersion(schema, version)
  const read = structReader(at, schema.fields)
  return reader => {
    try {
      return read(reader) as object
    } catch (error) {
      throw explained(error, at.title)
    }
  }
}

/** Throws a ProtocolError, a TypeError or a RangeError that names message, version and field. */
export function closureEncoder(schema: Message, version: number): (writer: Writer, value: object) => void {
  const at = new SchemaVersion(schema, version)
  const write = structWriter(at, schema.fields)
  return (writer, value) => {
    try {
      write(writer, value)
    } catch (error) {
      throw explained(error, at.title)
    }
  }
}

// --------------------------------------------------------------------------------------------------------- decoding

function structReader(at: SchemaVersion, shape: Shape): Read {
  const steps = Object.entries(shape).map(([name, field]) => ({
    name,
    // Tagged fields come last: until then they have their defaults, so that every object has one shape.
    read: at.isPlain(field) ? fieldReader(at, field) : defaultMaker(field),
  }))
  const readTags = at.isFlexible ? tagsReader(at, shape) : null
  return reader => {
    const result: Struct = {}
    let i = 0
    try {
      for (; i < steps.length; i++) result[steps[i]!.name] = steps[i]!.read(reader)
    } catch (error) {
      throw inside(error, steps[i]!.name)
    }
    readTags?.(reader, result)
    return result
  }
}

function tagsReader(at: SchemaVersion, shape: Shape): (reader: Reader, into: Struct) => void {
  const known = new Map(at.tagged(shape).map(([name, field]) => [field.tag, { name, read: fieldReader(at, field) }]))
  return (reader, into) => {
    for (let left = reader.uvarint(); left > 0; left--) {
      const tag = reader.uvarint()
      const size = reader.uvarint()
      const end = reader.position + size
      const field = known.get(tag)
      try {
        if (!field || size > reader.remaining) reader.slice(size)
        else into[field.name] = field.read(reader)
        if (reader.position !== end) throw malformed(`tag ${tag} is not of the size that it says`, reader)
      } catch (error) {
        throw inside(error, field?.name ?? `(tag ${tag})`)
      }
    }
  }
}

function fieldReader(at: SchemaVersion, field: Field): Read {
  const { kind } = field
  switch (kind) {
    case 'bool':
      return reader => reader.int8() !== 0
    case 'struct':
      return nullableStructReader(at, field)
    case 'string':
    case 'bytes':
    case 'records':
    case 'array':
      return sizedReader(at, field)
    default:
      return reader => reader[kind]()
  }
}

function nullableStructReader(at: SchemaVersion, field: Field): Read {
  const read = structReader(at, field.fields!)
  if (!at.isNullable(field)) return read
  const marker = at.nullMarker(field)
  return reader => (reader.int8() <= marker ? null : read(reader))
}

/** Strings, bytes and arrays: a length, which may say null, and then so many. */
function sizedReader(at: SchemaVersion, field: Field): Read {
  const readLength = lengthReader(at, field)
  const nullable = at.isNullable(field)
  const readRest = restReader(at, field)
  return reader => {
    const length = readLength(reader)
    if (length < 0) {
      if (nullable) return null
      throw malformed('null, which it can not be', reader)
    }
    if (length > reader.remaining)
      throw malformed(`announces ${length}, but only ${reader.remaining} bytes follow`, reader)
    return readRest(reader, length)
  }
}

function lengthReader(at: SchemaVersion, field: Field): (reader: Reader) => number {
  if (at.isCompact(field)) return reader => reader.uvarint() - 1
  return field.kind === 'string' ? reader => reader.int16() : reader => reader.int32()
}

function restReader(at: SchemaVersion, field: Field): (reader: Reader, length: number) => unknown {
  if (field.kind === 'array') return elementsReader(at, field)
  if (field.kind !== 'string') return (reader, length) => reader.slice(length)
  return (reader, length) => {
    if (length > MAX_STRING_BYTES) throw malformed(`a string of ${length} bytes`, reader)
    return reader.text(length)
  }
}

function elementsReader(at: SchemaVersion, field: Field): (reader: Reader, length: number) => unknown[] {
  const readElement = fieldReader(at, field.element!)
  return (reader, length) => {
    reader.elementsLeft -= length
    if (reader.elementsLeft < 0)
      throw new ProtocolError('ERR_TOO_LARGE', `${length} elements more than may be (before byte ${reader.position})`)
    const elements: unknown[] = []
    try {
      while (elements.length < length) elements.push(readElement(reader))
    } catch (error) {
      throw inside(error, `[${elements.length}]`)
    }
    return elements
  }
}

// --------------------------------------------------------------------------------------------------------- encoding

function structWriter(at: SchemaVersion, shape: Shape): Write {
  const refused = at.unsupported(shape).map(([name, field]) => ({ name, differs: differsFromDefault(field) }))
  const steps = Object.entries(shape)
    .filter(([, field]) => at.isPlain(field))
    .map(([name, field]) => ({ name, write: fieldWriter(at, field), otherwise: defaultMaker(field)() }))
  const writeTags = at.isFlexible ? tagsWriter(at, shape) : null
  return (writer, value) => {
    const struct = value as Struct
    for (const { name, differs } of refused) if (differs(struct[name])) throw inside(unsupported(), name)
    let i = 0
    try {
      for (; i < steps.length; i++) {
        const { name, write, otherwise } = steps[i]!
        const given = struct[name]
        write(writer, given === undefined ? otherwise : given)
      }
    } catch (error) {
      throw inside(error, steps[i]!.name)
    }
    writeTags?.(writer, struct)
  }
}

function tagsWriter(at: SchemaVersion, shape: Shape): (writer: Writer, value: Struct) => void {
  const steps = at.tagged(shape).map(([name, field]) => ({
    name,
    tag: field.tag,
    write: fieldWriter(at, field),
    differs: differsFromDefault(field),
  }))
  return (writer, value) => {
    const present = steps.filter(({ name, differs }) => differs(value[name]))
    writer.uvarint(present.length)
    for (const { name, tag, write } of present) {
      const start = writer.position
      try {
        write(writer, value[name])
      } catch (error) {
        throw inside(error, name)
      }
      writer.closeTag(tag, start)
    }
  }
}

function fieldWriter(at: SchemaVersion, field: Field): Write {
  const { kind } = field
  switch (kind) {
    case 'bool':
      return (writer, value) => writer.int8(value ? 1 : 0)
    case 'rawInt64':
      return (writer, value) => writer.rawInt64(value as bigint)
    case 'uuid':
      return (writer, value) => writer.uuid(value as string)
    case 'struct':
      return nullableStructWriter(at, field)
    case 'string':
    case 'bytes':
    case 'records':
    case 'array':
      return sizedWriter(at, field)
    default:
      return (writer, value) => writer[kind](value as number)
  }
}

function nullableStructWriter(at: SchemaVersion, field: Field): Write {
  const write = structWriter(at, field.fields!)
  if (!at.isNullable(field)) return (writer, value) => write(writer, notNull(value))
  const marker = at.nullMarker(field)
  return (writer, value) => {
    writer.int8(value === null ? marker : 1)
    if (value !== null) write(writer, value)
  }
}

function sizedWriter(at: SchemaVersion, field: Field): Write {
  const nullable = at.isNullable(field)
  const writeLength = lengthWriter(at, field)
  const write = contentWriter(at, field, writeLength)
  return (writer, value) => {
    if (value === null && nullable) writeLength(writer, -1)
    else write(writer, notNull(value))
  }
}

function lengthWriter(at: SchemaVersion, field: Field): (writer: Writer, length: number) => void {
  if (at.isCompact(field)) return (writer, length) => writer.uvarint(length + 1)
  return field.kind === 'string' ? (writer, length) => writer.int16(length) : (writer, length) => writer.int32(length)
}

function contentWriter(at: SchemaVersion, field: Field, writeLength: (writer: Writer, length: number) => void): Write {
  switch (field.kind) {
    case 'string':
      return at.isCompact(field)
        ? (writer, value) => writer.compactString(value as string)
        : (writer, value) => writer.string(value as string)
    case 'array':
      return elementsWriter(fieldWriter(at, field.element!), writeLength)
    case 'bytes':
      return (writer, value) => {
        writeLength(writer, (value as Uint8Array).length)
        writer.raw(value as Uint8Array)
      }
    default:
      return (writer, value) => {
        const slices = Array.isArray(value) ? (value as Uint8Array[]) : [value as Records & Uint8Array]
        writeLength(
          writer,
          slices.reduce((sum, slice) => sum + slice.length, 0),
        )
        for (const slice of slices) writer.slice(slice)
      }
  }
}

function elementsWriter(write: Write, writeLength: (writer: Writer, length: number) => void): Write {
  return (writer, value) => {
    const elements = value as readonly unknown[]
    writeLength(writer, elements.length)
    let i = 0
    try {
      for (; i < elements.length; i++) write(writer, elements[i])
    } catch (error) {
      throw inside(error, `[${i}]`)
    }
  }
}

/** Whether a value, which may be undefined, is another than the default. */
function differsFromDefault(field: Field): (value: unknown) => boolean {
  const { kind, defaultValue } = field
  if (defaultValue === null) return value => value !== undefined && value !== null
  if (kind === 'array' || kind === 'bytes' || kind === 'records')
    return value => value !== undefined && (value === null || (value as { length: number }).length > 0)
  if (kind !== 'struct') return value => value !== undefined && value !== defaultValue
  const inner = Object.entries(field.fields!).map(([name, f]) => ({ name, differs: differsFromDefault(f) }))
  return value =>
    value !== undefined && (value === null || inner.some(({ name, differs }) => differs((value as Struct)[name])))
}

function notNull(value: unknown): unknown {
  if (value === null) throw new TypeError('null, which it can not be')
  return value
}

// ----------------------------------------------------------------------------------------------------------- errors

/** On its way out through the fields: each adds its name. */
class FieldError extends Error {
  path: string

  constructor(path: string, cause: unknown) {
    super('in a field', { cause })
    this.path = path
  }
}

function inside(error: unknown, name: string): FieldError {
  if (!(error instanceof FieldError)) return new FieldError(name, error)
  error.path = error.path.startsWith('[') ? `${name}${error.path}` : `${name}.${error.path}`
  return error
}

function explained(error: unknown, title: string): unknown {
  const [where, cause] =
    error instanceof FieldError ? [`${title}: ${error.path}: `, error.cause] : [`${title}: `, error]
  if (cause instanceof ProtocolError) return new ProtocolError(cause.code, where + cause.message, { cause })
  if (cause instanceof TypeError) return new TypeError(where + cause.message, { cause })
  if (cause instanceof RangeError) return new RangeError(where + cause.message, { cause })
  return error
}

function malformed(what: string, reader: Reader): ProtocolError {
  return new ProtocolError('ERR_MALFORMED', `${what} (before byte ${reader.position})`)
}

function unsupported(): ProtocolError {
  return new ProtocolError('ERR_UNSUPPORTED_VERSION', 'not in this version, so it has to be left at its default')
}
