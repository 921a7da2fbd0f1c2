/**
 * The compiler behind codec.ts: from a schema and a version to the source of an encoder or a decoder, one straight-line
 * function in which the version has already decided everything it decides. `npm run codec -- Fetch 17` prints it.
 *
 * A decoder keeps its position in a local variable and reads integers through a DataView that ends with the frame, so
 * that reading past it throws without a check of ours. An encoder calls the writer, whose methods V8 inlines. Neither
 * says why it refuses a message: codec.ts asks the closures, which know.
 */
import type { Field, Message, Shape } from './schema.ts'
import { type NamedField, SchemaVersion } from './schema-version.ts'

/** All that goes into the source from outside, besides numbers and defaults. */
const NAME = /^[a-z]\w*$/i
const MAX_STRING_BYTES = 0x7fff
const TWO_32 = 4294967296

/** What generated code finds in the `runtime` it is given. */
export interface Runtime {
  /** Throws. */
  fail(): never
  /** Throws, because of a value that the version can't carry. */
  unsupported(): never
  utf8Read(bytes: Uint8Array, start: number, end: number): string
  uuidRead(bytes: Uint8Array, at: number): string
  readonly noBytes: Uint8Array
  /** Frozen. */
  readonly noElements: readonly never[]
  /** Frozen. */
  readonly noFields: object
}

/** The body of a function that takes a Runtime and returns the decoder, which takes a Reader. */
export function decodeSource(schema: Message, version: number): string {
  const e = new Emitter(schema, version)
  e.line('const { bytes, view } = reader')
  e.line('const size = bytes.length')
  e.line('let p = reader.position, n = 0')
  const result = decodeStruct(e, schema.fields)
  e.line('reader.position = p')
  e.line(`return ${result}`)
  return e.source('decode', 'reader')
}

/** The body of a function that takes a Runtime and returns the encoder, which takes a Writer and the value. */
export function encodeSource(schema: Message, version: number): string {
  const e = new Emitter(schema, version)
  encodeStruct(e, schema.fields, 'value')
  return e.source('encode', 'writer, value')
}

class Emitter {
  readonly at: SchemaVersion
  readonly #sourceName: string
  readonly #lines: string[] = []
  #depth = 1
  #names = 0

  constructor(schema: Message, version: number) {
    if (!NAME.test(schema.name)) throw new Error(`'${schema.name}' is no name for a message`)
    this.at = new SchemaVersion(schema, version)
    this.#sourceName = `${schema.name}.v${version}`
  }

  /** Indented by the braces that are open. */
  line(text: string): void {
    if (text.startsWith('}')) this.#depth--
    this.#lines.push('  '.repeat(this.#depth) + text)
    if (text.endsWith('{')) this.#depth++
  }

  /** A variable that no other part of the function uses. */
  name(): string {
    return `v${this.#names++}`
  }

  source(direction: string, parameters: string): string {
    return [
      "'use strict'",
      'const { fail, unsupported, utf8Read, uuidRead, noBytes, noElements, noFields } = runtime',
      `return function ${direction}(${parameters}) {`,
      ...this.#lines,
      '}',
      `//# sourceURL=codec/${this.#sourceName}.${direction}.js`,
    ].join('\n')
  }
}

/** Fields with names that are safe to put into source. */
function fieldsOf(shape: Shape): NamedField[] {
  const fields = Object.entries(shape)
  for (const [name] of fields) if (!NAME.test(name)) throw new Error(`'${name}' is no name for a field`)
  return fields
}

/** The default as an expression of a fresh value. */
function defaultExpression(field: Field): string {
  const { defaultValue, kind } = field
  if (defaultValue === null) return 'null'
  if (kind === 'array') return '[]'
  if (kind === 'bytes' || kind === 'records') return 'noBytes'
  if (kind === 'struct') {
    const inner = fieldsOf(field.fields!).map(([name, f]) => `${name}: ${defaultExpression(f)}`)
    return `{ ${inner.join(', ')} }`
  }
  if (typeof defaultValue === 'bigint') return `${defaultValue}n`
  return JSON.stringify(defaultValue)
}

// --------------------------------------------------------------------------------------------------------- decoding

function decodeStruct(e: Emitter, shape: Shape): string {
  const values = new Map<string, string>()
  for (const [name, field] of fieldsOf(shape)) if (e.at.isPlain(field)) values.set(name, decodeField(e, field))
  const tagged = e.at.tagged(shape)
  for (const [name, field] of tagged) {
    const variable = e.name()
    e.line(`let ${variable} = ${defaultExpression(field)}`)
    values.set(name, variable)
  }
  if (e.at.isFlexible) decodeTags(e, tagged, values)
  const entries = fieldsOf(shape).map(([name, field]) => `${name}: ${values.get(name) ?? defaultExpression(field)}`)
  const result = e.name()
  e.line(`const ${result} = { ${entries.join(', ')} }`)
  return result
}

function decodeTags(e: Emitter, tagged: NamedField[], values: Map<string, string>): void {
  const [count, tag, end] = [e.name(), e.name(), e.name()]
  decodeUvarint(e)
  e.line(`for (let ${count} = n; ${count} > 0; ${count}--) {`)
  decodeUvarint(e)
  e.line(`const ${tag} = n`)
  decodeUvarint(e)
  e.line(`const ${end} = p + n`)
  e.line(`if (${end} > size) fail()`)
  if (tagged.length > 0) {
    e.line(`switch (${tag}) {`)
    for (const [name, field] of tagged) {
      e.line(`case ${field.tag}: {`)
      e.line(`${values.get(name)} = ${decodeField(e, field)}`)
      e.line(`if (p !== ${end}) fail()`)
      e.line('break')
      e.line('}')
    }
    e.line('}')
  }
  e.line(`p = ${end}`)
  e.line('}')
}

/** Emits statements that read the field, and gives the expression of its value. */
function decodeField(e: Emitter, field: Field): string {
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
      e.line(`if (!Number.isSafeInteger(${value})) fail()`)
      return value
    }
    case 'uuid':
      e.line('if (p + 16 > size) fail()')
      return decodeFixed(e, 16, 'uuidRead(bytes, p)')
    case 'struct':
      return decodeNullableStruct(e, field)
    default:
      return decodeSized(e, field)
  }
}

function decodeFixed(e: Emitter, size: number, expression: string): string {
  const value = e.name()
  e.line(`const ${value} = ${expression}; p += ${size}`)
  return value
}

/** Into `n`. One byte is by far the most common. */
function decodeUvarint(e: Emitter): void {
  e.line('n = bytes[p]')
  e.line('if (n < 128) p++; else { reader.position = p; n = reader.uvarint(); p = reader.position }')
}

function decodeNullableStruct(e: Emitter, field: Field): string {
  if (!e.at.isNullable(field)) return decodeStruct(e, field.fields!)
  const value = e.name()
  e.line(`let ${value} = null`)
  e.line(`if (view.getInt8(p++) > ${e.at.nullMarker(field)}) {`)
  e.line(`${value} = ${decodeStruct(e, field.fields!)}`)
  e.line('}')
  return value
}

/** Strings, bytes and arrays: a length, which may say null, and then so many. */
function decodeSized(e: Emitter, field: Field): string {
  const value = e.name()
  e.line(`let ${value} = null`)
  if (e.at.isCompact(field)) {
    decodeUvarint(e)
    e.line('n--')
  } else if (field.kind === 'string') e.line('n = view.getInt16(p); p += 2')
  else e.line('n = view.getInt32(p); p += 4')
  // Nothing takes less than a byte, or there would be no telling how many elements are too many.
  if (e.at.isNullable(field)) e.line('if (n >= 0) {')
  else {
    e.line('if (n < 0) fail()')
    e.line('{')
  }
  e.line('if (n > size - p) fail()')
  if (field.kind === 'array') decodeElements(e, field, value)
  else if (field.kind === 'string') {
    e.line(`if (n > ${MAX_STRING_BYTES}) fail()`)
    e.line(`${value} = utf8Read(bytes, p, p + n); p += n`)
  } else e.line(`${value} = bytes.subarray(p, p + n); p += n`)
  e.line('}')
  return value
}

function decodeElements(e: Emitter, field: Field, value: string): void {
  const [count, index] = [e.name(), e.name()]
  e.line(`const ${count} = n`)
  e.line(`if ((reader.elementsLeft -= ${count}) < 0) fail()`)
  e.line(`${value} = []`)
  e.line(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`)
  e.line(`${value}.push(${decodeField(e, field.element!)})`)
  e.line('}')
}

// --------------------------------------------------------------------------------------------------------- encoding

function encodeStruct(e: Emitter, shape: Shape, object: string): void {
  for (const [name, field] of e.at.unsupported(shape)) {
    const value = e.name()
    e.line(`const ${value} = ${object}.${name}`)
    e.line(`if (${differs(value, field)}) unsupported()`)
  }
  for (const [name, field] of fieldsOf(shape)) {
    if (e.at.isPlain(field)) encodeField(e, field, declareValue(e, object, name, field))
  }
  if (e.at.isFlexible) encodeTags(e, e.at.tagged(shape), object)
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
  if (field.kind === 'array') return 'noElements'
  return field.kind === 'struct' ? 'noFields' : defaultExpression(field)
}

function encodeTags(e: Emitter, tagged: NamedField[], object: string): void {
  if (tagged.length === 0) {
    e.line('writer.uvarint(0)')
    return
  }
  const count = e.name()
  e.line(`let ${count} = 0`)
  const values = tagged.map(([name, field]) => {
    const value = e.name()
    e.line(`const ${value} = ${object}.${name}`)
    e.line(`if (${differs(value, field)}) ${count}++`)
    return value
  })
  e.line(`writer.uvarint(${count})`)
  e.line(`if (${count} > 0) {`)
  tagged.forEach(([, field], i) => {
    const start = e.name()
    e.line(`if (${differs(values[i]!, field)}) {`)
    e.line(`const ${start} = writer.position`)
    encodeField(e, field, values[i]!)
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
    const inner = fieldsOf(field.fields!).map(([name, f]) => `(${differs(`${value}.${name}`, f)})`)
    const anyDiffers = inner.length > 0 ? inner.join(' || ') : 'false'
    return `${value} !== undefined && (${value} === null || ${anyDiffers})`
  }
  return `${value} !== undefined && ${value} !== ${defaultExpression(field)}`
}

function encodeField(e: Emitter, field: Field, value: string): void {
  switch (field.kind) {
    case 'bool':
      e.line(`writer.int8(${value} ? 1 : 0)`)
      break
    case 'struct':
      encodeNullableStruct(e, field, value)
      break
    case 'string':
    case 'bytes':
    case 'records':
    case 'array':
      encodeSized(e, field, value)
      break
    default:
      e.line(`writer.${field.kind}(${value})`)
  }
}

function encodeNullableStruct(e: Emitter, field: Field, value: string): void {
  const nullable = e.at.isNullable(field)
  e.line(`if (${value} === null) {`)
  e.line(nullable ? `writer.int8(${e.at.nullMarker(field)})` : 'fail()')
  e.line('} else {')
  if (nullable) e.line('writer.int8(1)')
  encodeStruct(e, field.fields!, value)
  e.line('}')
}

function encodeSized(e: Emitter, field: Field, value: string): void {
  const compact = e.at.isCompact(field)
  const writeLength = (length: string) => {
    if (compact) return `writer.uvarint(${length} + 1)`
    return field.kind === 'string' ? `writer.int16(${length})` : `writer.int32(${length})`
  }
  e.line(`if (${value} === null) {`)
  e.line(e.at.isNullable(field) ? writeLength('-1') : 'fail()')
  e.line('} else {')
  if (field.kind === 'string') e.line(`writer.${compact ? 'compactString' : 'string'}(${value})`)
  else if (field.kind === 'array') encodeElements(e, field, value, writeLength)
  else if (field.kind === 'bytes') e.line(`${writeLength(`${value}.length`)}; writer.raw(${value})`)
  else encodeRecords(e, value, writeLength)
  e.line('}')
}

function encodeElements(e: Emitter, field: Field, value: string, writeLength: (n: string) => string): void {
  const [index, element] = [e.name(), e.name()]
  e.line(writeLength(`${value}.length`))
  e.line(`for (let ${index} = 0; ${index} < ${value}.length; ${index}++) {`)
  e.line(`const ${element} = ${value}[${index}]`)
  encodeField(e, field.element!, element)
  e.line('}')
}

/** One slice, or several that belong together. */
function encodeRecords(e: Emitter, value: string, writeLength: (n: string) => string): void {
  const [length, slice] = [e.name(), e.name()]
  e.line(`if (Array.isArray(${value})) {`)
  e.line(`let ${length} = 0; for (const ${slice} of ${value}) ${length} += ${slice}.length`)
  e.line(writeLength(length))
  e.line(`for (const ${slice} of ${value}) writer.slice(${slice})`)
  e.line('} else {')
  e.line(`${writeLength(`${value}.length`)}; writer.slice(${value})`)
  e.line('}')
}
