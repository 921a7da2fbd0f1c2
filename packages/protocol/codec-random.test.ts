/** Arbitrary messages of every schema: three implementations agree on the bytes, and on what they mean. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Reader } from './reader.ts'
import { type Field, inRange, type Message, type Shape } from './schema.ts'
import { allSchemas } from './testing/all-schemas.ts'
import { codecs } from './testing/codecs.ts'
import { plain } from './testing/golden-values.ts'
import { defaultOf, Interpreter } from './testing/interpreter.ts'
import { Writer } from './writer.ts'

const RUNS_A_SCHEMA = 10

type Struct = Record<string, unknown>

const SCALARS: Record<string, fc.Arbitrary<unknown>> = {
  bool: fc.boolean(),
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32768, max: 32767 }),
  uint16: fc.integer({ min: 0, max: 65535 }),
  int32: fc.integer(),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  int64: fc.maxSafeInteger(),
  rawInt64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float64: fc.double({ noNaN: true }),
  string: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string({ minLength: 120, maxLength: 140 })),
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => Buffer.from(bytes).toString('base64url')),
  bytes: fc.uint8Array({ maxLength: 200 }),
  records: fc.oneof(fc.uint8Array({ maxLength: 2000 }), fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 3 })),
}

class Arbitraries {
  readonly #version: number

  constructor(version: number) {
    this.#version = version
  }

  struct(shape: Shape): fc.Arbitrary<Struct> {
    const model = Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, this.#field(field)]))
    return fc.record(model, { requiredKeys: [] })
  }

  #field(field: Field): fc.Arbitrary<unknown> {
    const isPresent = inRange(field.versions, this.#version)
    if (!isPresent && !field.ignorable) return fc.constant(defaultOf(field))
    const value = this.#value(field)
    const mayBeNull = isPresent ? inRange(field.nullable, this.#version) : field.defaultValue === null
    return mayBeNull ? fc.option(value, { nil: null, freq: 4 }) : value
  }

  #value(field: Field): fc.Arbitrary<unknown> {
    if (field.kind === 'struct') return this.struct(field.fields!)
    if (field.kind === 'array') return fc.array(this.#value(field.element!), { maxLength: 3 })
    return SCALARS[field.kind]!
  }
}

/** What should be read where `value` was written: defaults for what was left out, or is not in the version. */
function expected(shape: Shape, value: Struct, version: number): Struct {
  const of = (field: Field, given: unknown): unknown => {
    if (given === null) return null
    if (field.kind === 'struct') return expected(field.fields!, given as Struct, version)
    if (field.kind === 'array') return (given as unknown[]).map(element => of(field.element!, element))
    return field.kind === 'records' && Array.isArray(given) ? Buffer.concat(given as Uint8Array[]) : given
  }
  const entries = Object.entries(shape).map(([name, field]) => {
    const isWritten = inRange(field.versions, version) && value[name] !== undefined
    return [name, isWritten ? of(field, value[name]) : defaultOf(field)]
  })
  return Object.fromEntries(entries)
}

function interpreted(schema: Message, version: number, value: Struct): Uint8Array {
  const writer = new Writer()
  new Interpreter(schema, version).encode(writer, expected(schema.fields, value, version))
  return Buffer.concat(writer.finish())
}

function check(schema: Message, version: number, value: Struct): void {
  const wanted = plain(expected(schema.fields, value, version))
  const bytes = interpreted(schema, version, value)
  assert.deepEqual(plain(new Interpreter(schema, version).decode(new Reader(bytes))), wanted)
  for (const codec of codecs) {
    assert.equal(Buffer.from(codec.encode(schema, version, value)).toString('hex'), Buffer.from(bytes).toString('hex'))
    const reader = new Reader(bytes)
    assert.deepEqual(plain(codec.decode(schema, version, reader)), wanted)
    assert.equal(reader.remaining, 0)
  }
}

test('whatever a message holds, it comes back, and all implementations write the same bytes', async () => {
  for (const schema of (await allSchemas()).values()) {
    const cases = fc
      .integer({ min: schema.versions.min, max: schema.versions.max })
      .chain(version => new Arbitraries(version).struct(schema.fields).map(value => ({ version, value })))
    fc.assert(
      fc.property(cases, ({ version, value }) => check(schema, version, value)),
      { numRuns: RUNS_A_SCHEMA },
    )
  }
})
