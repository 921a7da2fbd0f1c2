/**
 * The compiler behind codec.ts: from a schema and a version to the source of an encoder or a decoder. `npm run codec --
 * Fetch 17` prints what comes out.
 *
 * A decoder keeps its position in a local variable and reads integers through a DataView that ends with the frame, so
 * that reading past it throws without a check of ours. An encoder calls the writer, whose methods V8 inlines.
 */
import { type Field, inRange, type Message, type Shape } from './schema.ts'

const NAME = /^[a-z]\w*$/i
/** Smallest and largest count of bytes that a varint of a length may take is the reader's to know; strings have a bound. */
const MAX_STRING_BYTES = 0x7fff
const TWO_32 = 4294967296

class Emitter {
  readonly schema: Message
  readonly version: number
  readonly isFlexible: boolean
  #lines: string[] = []
  #names = 0

  constructor(schema: Message, version: number) {
    this.schema = schema
    this.version = version
    this.isFlexible = inRange(schema.flexible, version)
  }

  line(text: string): void {
    this.#lines.push(text)
  }

  /** A variable that no other part of the function uses. */
  name(): string {
    return `v${this.#names++}`
  }

  /** Fields in wire order that this version has outside the tag section. */
  plain(shape: Shape): [string, Field][] {
    return Object.entries(shape).filter(([, field]) => this.isPresent(field) && !this.isTagged(field))
  }

  tagged(shape: Shape): [string, Field][] {
    return Object.entries(shape)
      .filter(([, field]) => this.isPresent(field) && this.isTagged(field))
      .sort(([, a], [, b]) => a.tag - b.tag)
  }

  isPresent(field: Field): boolean {
    return inRange(field.versions, this.version)
  }

  isTagged(field: Field): boolean {
    return this.isFlexible && inRange(field.tagged, this.version)
  }

  isNullable(field: Field): boolean {
    return inRange(field.nullable, this.version)
  }

  isCompact(field: Field): boolean {
    return field.flexible ? inRange(field.flexible, this.version) : this.isFlexible
  }

  source(direction: string): string {
    const { name } = this.schema
    return `'use strict'\n${this.#lines.join('\n')}\n//# sourceURL=codec/${name}.v${this.version}.${direction}.js`
  }
}

/** The default as an expression of a fresh value. */
function defaultExpression(field: Field): string {
  const { defaultValue, kind } = field
  if (defaultValue === null) return 'null'
  if (kind === 'array') return '[]'
  if (kind === 'bytes' || kind === 'records') return 'runtime.noBytes'
  if (kind === 'struct') {
    const inner = Object.entries(field.fields!).map(([name, f]) => `${name}: ${defaultExpression(f)}`)
    return `{ ${inner.join(', ')} }`
  }
  if (typeof defaultValue === 'bigint') return `${defaultValue}n`
  return JSON.stringify(defaultValue)
}

// --------------------------------------------------------------------------------------------------------- decoding

export function decodeSource(schema: Message, version: number): string {
  const e = new Emitter(schema, version)
  e.line('const { bytes, view } = reader')
  e.line('const size = bytes.length')
  e.line('let p = reader.position, n = 0')
  const result = decodeStruct(e, schema.fields, schema.name)
  e.line('reader.position = p')
  e.line(`return ${result}`)
  return e.source('decode')
}

function decodeStruct(e: Emitter, shape: Shape, path: string): string {
  const values = new Map<string, string>()
  for (const [name, field] of e.plain(shape)) values.set(name, decodeField(e, field, `${path}.${name}`))
  const tagged = e.tagged(shape)
  for (const [name, field] of tagged) {
    const variable = e.name()
    e.line(`let ${variable} = ${defaultExpression(field)}`)
    values.set(name, variable)
  }
  if (e.isFlexible) decodeTags(e, tagged, values, path)
  const entries = Object.entries(shape).map(([name, field]) => {
    if (!NAME.test(name)) throw new Error(`${path}: '${name}' is no name for a field`)
    return `${name}: ${values.get(name) ?? defaultExpression(field)}`
  })
  const result = e.name()
  e.line(`const ${result} = { ${entries.join(', ')} }`)
  return result
}

function decodeTags(e: Emitter, tagged: [string, Field][], values: Map<string, string>, path: string): void {
  const [count, tag, end] = [e.name(), e.name(), e.name()]
  decodeUvarint(e, 'n')
  e.line(`for (let ${count} = n; ${count} > 0; ${count}--) {`)
  decodeUvarint(e, 'n')
  e.line(`const ${tag} = n`)
  decodeUvarint(e, 'n')
  e.line(`const ${end} = p + n`)
  e.line(`if (${end} > size) runtime.malformed('a tagged field of ${path} past the end', p)`)
  if (tagged.length > 0) {
    e.line(`switch (${tag}) {`)
    for (const [name, field] of tagged) {
      e.line(`case ${field.tag}: {`)
      e.line(`${values.get(name)} = ${decodeField(e, field, `${path}.${name}`)}`)
      e.line(`if (p !== ${end}) runtime.malformed('${path}.${name} is not of the size of its tag', p)`)
      e.line('break }')
    }
    e.line('}')
  }
  e.line(`p = ${end}`)
  e.line('}')
}

/** Emits statements that read the field, and gives the expression of its value. */
function decodeField(e: Emitter, field: Field, path: string): string {
  switch (field.kind) {
    case 'bool':
      return decodeFixed(e, 1, 'view.getInt8(p) !== 0')
    case 'int8':
      return decodeFixed(e, 1, 'view.getInt8(p)')
    case 'int16':
      return decodeFixed(e, 2, 'view.getInt16(p)')
    case 'uint16':
      return decodeFixed(e, 2, 'view.getUint16(p)')
    case 'int32':
      return decodeFixed(e, 4, 'view.getInt32(p)')
    case 'uint32':
      return decodeFixed(e, 4, 'view.getUint32(p)')
    case 'rawInt64':
      return decodeFixed(e, 8, 'view.getBigInt64(p)')
    case 'float64':
      return decodeFixed(e, 8, 'view.getFloat64(p)')
    case 'int64': {
      const value = decodeFixed(e, 8, `view.getInt32(p) * ${TWO_32} + view.getUint32(p + 4)`)
      e.line(`if (!Number.isSafeInteger(${value})) runtime.malformed('${path}: an int64 outside ±(2^53 - 1)', p - 8)`)
      return value
    }
    case 'uuid':
      return decodeThroughReader(e, 'uuid()')
    case 'struct':
      return decodeNullableStruct(e, field, path)
    default:
      return decodeSized(e, field, path)
  }
}

function decodeFixed(e: Emitter, size: number, expression: string): string {
  const value = e.name()
  e.line(`const ${value} = ${expression}; p += ${size}`)
  return value
}

function decodeThroughReader(e: Emitter, call: string): string {
  const value = e.name()
  e.line(`reader.position = p; const ${value} = reader.${call}; p = reader.position`)
  return value
}

/** Into `into`, which must be declared. One byte is by far the most common. */
function decodeUvarint(e: Emitter, into: string): void {
  e.line(
    `${into} = bytes[p]; if (${into} < 128) p++; else { reader.position = p; ${into} = reader.uvarint(); p = reader.position }`,
  )
}

function decodeNullableStruct(e: Emitter, field: Field, path: string): string {
  if (!e.isNullable(field)) return decodeStruct(e, field.fields!, path)
  const value = e.name()
  e.line(`let ${value} = null`)
  // The marker: 1 or -1, but 1 or 0 in a tag.
  e.line(`if (view.getInt8(p++) ${e.isTagged(field) ? '>' : '>='} 0) {`)
  e.line(`${value} = ${decodeStruct(e, field.fields!, path)}`)
  e.line('}')
  return value
}

/** Strings, bytes and arrays: a length, which may say null, and then so many. */
function decodeSized(e: Emitter, field: Field, path: string): string {
  const value = e.name()
  e.line(`let ${value} = null`)
  if (e.isCompact(field)) {
    decodeUvarint(e, 'n')
    e.line('n--')
  } else if (field.kind === 'string') e.line('n = view.getInt16(p); p += 2')
  else e.line('n = view.getInt32(p); p += 4')
  e.line('if (n < 0) {')
  if (!e.isNullable(field)) e.line(`runtime.malformed('${path} is null', p)`)
  e.line('} else {')
  e.line(`if (n > size - p) runtime.malformed('${path} announces more than there is', p)`)
  if (field.kind === 'array') decodeElements(e, field, value, path)
  else if (field.kind === 'string') decodeString(e, value, path)
  else e.line(`${value} = bytes.subarray(p, p + n); p += n`)
  e.line('}')
  return value
}

function decodeString(e: Emitter, value: string, path: string): void {
  e.line(`if (n > ${MAX_STRING_BYTES}) runtime.malformed('${path} is too long', p)`)
  e.line(`reader.position = p; ${value} = reader.text(n); p = reader.position`)
}

function decodeElements(e: Emitter, field: Field, value: string, path: string): void {
  const [count, index] = [e.name(), e.name()]
  e.line(`const ${count} = n`)
  e.line(`${value} = []`)
  e.line(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`)
  e.line(`${value}.push(${decodeField(e, field.element!, `${path}[]`)})`)
  e.line('}')
}

// --------------------------------------------------------------------------------------------------------- encoding

export function encodeSource(schema: Message, version: number): string {
  const e = new Emitter(schema, version)
  encodeStruct(e, schema.fields, 'value', schema.name)
  return e.source('encode')
}

function encodeStruct(e: Emitter, shape: Shape, object: string, path: string): void {
  for (const [name, field] of Object.entries(shape)) {
    if (e.isPresent(field) || field.ignorable) continue
    const value = e.name()
    e.line(`const ${value} = ${object}.${name}`)
    e.line(`if (${differs(value, field)}) runtime.unsupported('${path}.${name}')`)
  }
  for (const [name, field] of e.plain(shape))
    encodeField(e, field, declareValue(e, object, name, field), `${path}.${name}`)
  if (e.isFlexible) encodeTags(e, e.tagged(shape), object, path)
}

/** Declares a variable for the field's value, or its default. */
function declareValue(e: Emitter, object: string, name: string, field: Field): string {
  const value = e.name()
  e.line(`let ${value} = ${object}.${name}; if (${value} === undefined) ${value} = ${sharedDefault(field)}`)
  return value
}

/** A default that nobody will change: a struct without fields stands for one with all defaults. */
function sharedDefault(field: Field): string {
  if (field.defaultValue === null) return 'null'
  if (field.kind === 'array') return 'runtime.none'
  return field.kind === 'struct' ? 'runtime.empty' : defaultExpression(field)
}

function encodeTags(e: Emitter, tagged: [string, Field][], object: string, path: string): void {
  if (tagged.length === 0) {
    e.line('writer.uvarint(0)')
    return
  }
  const count = e.name()
  e.line(`let ${count} = 0`)
  const values = tagged.map(([name, field]) => {
    const value = declareValue(e, object, name, field)
    e.line(`if (${differs(value, field)}) ${count}++`)
    return value
  })
  e.line(`writer.uvarint(${count})`)
  e.line(`if (${count} > 0) {`)
  tagged.forEach(([name, field], i) => {
    const start = e.name()
    e.line(`if (${differs(values[i]!, field)}) {`)
    e.line(`const ${start} = writer.position`)
    encodeField(e, field, values[i]!, `${path}.${name}`)
    e.line(`writer.closeTag(${field.tag}, ${start})`)
    e.line('}')
  })
  e.line('}')
}

/** Whether a value that may be undefined is something else than the default. */
function differs(value: string, field: Field): string {
  const { kind, defaultValue } = field
  if (defaultValue === null) return `${value} !== undefined && ${value} !== null`
  if (kind === 'array' || kind === 'bytes' || kind === 'records') {
    return `${value} !== undefined && (${value} === null || ${value}.length > 0)`
  }
  if (kind === 'struct') {
    const inner = Object.entries(field.fields!).map(([name, f]) => `(${differs(`${value}.${name}`, f)})`)
    const anyDiffers = inner.length > 0 ? inner.join(' || ') : 'false'
    return `${value} !== undefined && (${value} === null || ${anyDiffers})`
  }
  return `${value} !== undefined && ${value} !== ${defaultExpression(field)}`
}

function encodeField(e: Emitter, field: Field, value: string, path: string): void {
  switch (field.kind) {
    case 'bool':
      e.line(`writer.int8(${value} ? 1 : 0)`)
      break
    case 'uint16':
      e.line(`writer.int16(${value})`)
      break
    case 'uint32':
      e.line(`writer.int32(${value})`)
      break
    case 'struct':
      encodeNullableStruct(e, field, value, path)
      break
    case 'string':
    case 'bytes':
    case 'records':
    case 'array':
      encodeSized(e, field, value, path)
      break
    default:
      e.line(`writer.${field.kind}(${value})`)
  }
}

function encodeNullableStruct(e: Emitter, field: Field, value: string, path: string): void {
  const nullable = e.isNullable(field)
  e.line(`if (${value} === null) {`)
  e.line(nullable ? `writer.int8(${e.isTagged(field) ? 0 : -1})` : `runtime.isNull('${path}')`)
  e.line('} else {')
  if (nullable) e.line('writer.int8(1)')
  encodeStruct(e, field.fields!, value, path)
  e.line('}')
}

function encodeSized(e: Emitter, field: Field, value: string, path: string): void {
  const compact = e.isCompact(field)
  const writeLength = (length: string) => {
    if (compact) return `writer.uvarint(${length} + 1)`
    return field.kind === 'string' ? `writer.int16(${length})` : `writer.int32(${length})`
  }
  e.line(`if (${value} === null) {`)
  e.line(e.isNullable(field) ? writeLength('-1') : `runtime.isNull('${path}')`)
  e.line('} else {')
  if (field.kind === 'string') e.line(`writer.${compact ? 'compactString' : 'string'}(${value})`)
  else if (field.kind === 'array') encodeElements(e, field, value, path, writeLength)
  else if (field.kind === 'bytes') e.line(`${writeLength(`${value}.length`)}; writer.raw(${value})`)
  else encodeRecords(e, value, writeLength)
  e.line('}')
}

function encodeElements(
  e: Emitter,
  field: Field,
  value: string,
  path: string,
  writeLength: (n: string) => string,
): void {
  const [index, element] = [e.name(), e.name()]
  e.line(writeLength(`${value}.length`))
  e.line(`for (let ${index} = 0; ${index} < ${value}.length; ${index}++) {`)
  e.line(`const ${element} = ${value}[${index}]`)
  encodeField(e, field.element!, element, `${path}[]`)
  e.line('}')
}

/** One slice, or several that belong together. */
function encodeRecords(e: Emitter, value: string, writeLength: (n: string) => string): void {
  const [length, slice] = [e.name(), e.name()]
  e.line(`if (Array.isArray(${value})) {`)
  e.line(`let ${length} = 0; for (const ${slice} of ${value}) ${length} += ${slice}.length`)
  e.line(writeLength(length))
  e.line(`for (const ${slice} of ${value}) writer.slice(${slice})`)
  e.line(`} else { ${writeLength(`${value}.length`)}; writer.slice(${value}) }`)
}
