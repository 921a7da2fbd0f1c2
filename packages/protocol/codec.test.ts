/** The codec against the bytes of Kafka's own classes, against the interpreter, and against broken input. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { decode, decodeFromBytes, encodeToBytes } from './codec.ts'
import { ProtocolError } from './errors.ts'
import { defaultOf, interpretDecode, interpretEncode } from './interpreter.ts'
import { AddPartitionsToTxnRequest } from './messages/add-partitions-to-txn.ts'
import { DescribeTopicPartitionsRequest } from './messages/describe-topic-partitions.ts'
import { FetchRequest, FetchResponse } from './messages/fetch.ts'
import { MetadataRequest } from './messages/metadata.ts'
import { Reader } from './reader.ts'
import { array, type Field, inRange, int32, int64, type Message, message, type Shape, struct } from './schema.ts'
import { allSchemas } from './testing/all-schemas.ts'
import { goldenValue, plain, type Variant } from './testing/golden-values.ts'
import { Writer } from './writer.ts'

interface Golden {
  readonly schema: Message
  readonly version: number
  readonly variant: Variant
  readonly bytes: Buffer
}

const schemas = await allSchemas()
const golden: Golden[] = gunzipSync(readFileSync(join(import.meta.dirname, 'fixtures/golden/golden.txt.gz')))
  .toString()
  .trimEnd()
  .split('\n')
  .map(line => line.split(' ') as [string, string, Variant, string])
  .map(([name, version, variant, hex]) => ({
    schema: schemas.get(name)!,
    version: Number(version),
    variant,
    bytes: Buffer.from(hex === '.' ? '' : hex, 'hex'),
  }))

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function interpreted(schema: Message, version: number, value: object): Uint8Array {
  const writer = new Writer()
  interpretEncode(schema, version, value, writer)
  return Buffer.concat(writer.finish())
}

test('every message in every version has the bytes that Kafka writes', () => {
  const covered = new Set<string>()
  for (const { schema, version, variant, bytes } of golden) {
    covered.add(schema.name)
    // Unknown tags are dropped when a message is read, so nobody here writes them.
    if (variant === 'tags') continue
    const value = goldenValue(schema, version, variant)
    assert.equal(hex(encodeToBytes(schema, version, value)), hex(bytes), `${schema.name} v${version} ${variant}`)
  }
  assert.deepEqual([...covered].sort(), [...schemas.keys()].sort())
})

test('every message in every version is read back from the bytes that Kafka writes', () => {
  for (const { schema, version, variant, bytes } of golden) {
    const value = decodeFromBytes(schema, version, bytes)
    assert.deepEqual(
      plain(value),
      plain(goldenValue(schema, version, variant)),
      `${schema.name} v${version} ${variant}`,
    )
  }
})

test('the interpreter agrees with what is compiled', () => {
  for (const { schema, version, variant, bytes } of golden) {
    const value = goldenValue(schema, version, variant)
    if (variant !== 'tags')
      assert.equal(hex(interpreted(schema, version, value)), hex(bytes), `${schema.name} v${version} ${variant}`)
    assert.deepEqual(plain(interpretDecode(schema, version, new Reader(bytes))), plain(value))
  }
})

test('where generated code is forbidden the interpreter takes over', () => {
  const script = `
    import { decodeFromBytes, encodeToBytes } from '${join(import.meta.dirname, 'codec.ts')}'
    import { FetchRequest } from '${join(import.meta.dirname, 'messages/fetch.ts')}'
    const bytes = encodeToBytes(FetchRequest, 17, { maxWaitMs: 5, topics: [{ partitions: [{ fetchOffset: 9 }] }] })
    console.log(decodeFromBytes(FetchRequest, 17, bytes).topics[0].partitions[0].fetchOffset)`
  const child = spawnSync(
    process.execPath,
    ['--disallow-code-generation-from-strings', '--input-type=module-typescript', '--eval', script],
    { encoding: 'utf8' },
  )
  assert.equal(child.stdout.trim(), '9', child.stderr)
})

test('one shape for all versions: fields that a version lacks have their defaults', () => {
  const old = decodeFromBytes(FetchRequest, 4, encodeToBytes(FetchRequest, 4, {}))
  const recent = decodeFromBytes(FetchRequest, 18, encodeToBytes(FetchRequest, 18, {}))
  assert.deepEqual(Object.keys(old), Object.keys(recent))
  assert.equal(old.sessionEpoch, -1)
})

test('fields left out, or undefined, are written as their defaults', () => {
  const explicit = encodeToBytes(FetchResponse, 12, goldenValue(FetchResponse, 12, 'default'))
  assert.equal(hex(encodeToBytes(FetchResponse, 12, { responses: undefined })), hex(explicit))
})

test('a value that the version cannot carry is refused, unless it may be dropped', () => {
  const unsupported = { code: 'ERR_UNSUPPORTED_VERSION' }
  assert.throws(() => encodeToBytes(FetchRequest, 6, { forgottenTopicsData: [{ topic: 'a' }] }), unsupported)
  assert.throws(() => encodeToBytes(AddPartitionsToTxnRequest, 3, { transactions: [{}] }), unsupported)
  assert.doesNotThrow(() => encodeToBytes(FetchRequest, 6, { sessionId: 5 }))
  assert.throws(() => encodeToBytes(FetchRequest, 3, {}), unsupported)
  assert.throws(() => decodeFromBytes(FetchRequest, 99, new Uint8Array(0)), unsupported)
})

test('null where it is not allowed is refused, in both directions', () => {
  assert.throws(() => encodeToBytes(FetchRequest, 4, { topics: null as never }), TypeError)
  const nullTopics = Buffer.alloc(4 + 4 + 4 + 4 + 1 + 4)
  nullTopics.writeInt32BE(-1, 17)
  assert.throws(() => decodeFromBytes(FetchRequest, 4, nullTopics), {
    code: 'ERR_MALFORMED',
    message: /FetchRequest\.topics is null/,
  })
  assert.equal(decodeFromBytes(MetadataRequest, 1, Buffer.from('ffffffff', 'hex')).topics, null)
  const { cursor } = decodeFromBytes(
    DescribeTopicPartitionsRequest,
    0,
    encodeToBytes(DescribeTopicPartitionsRequest, 0, {}),
  )
  assert.equal(cursor, null)
})

test('an int64 that a number cannot hold is refused', () => {
  const schema = message('Test', { versions: '0', flexible: 'none' }, { offset: int64() })
  assert.throws(() => decodeFromBytes(schema, 0, Buffer.from('7fffffffffffffff', 'hex')), { code: 'ERR_MALFORMED' })
  assert.throws(() => encodeToBytes(schema, 0, { offset: 2 ** 53 }), RangeError)
  for (const offset of [0, -1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53 - 1)]) {
    assert.equal(decodeFromBytes(schema, 0, encodeToBytes(schema, 0, { offset })).offset, offset)
  }
})

test('tags that nobody knows are passed over, at every level', () => {
  const bytes = Buffer.concat([encodeToBytes(FetchRequest, 12, {}).subarray(0, -1), Buffer.from([1, 100, 3, 1, 2, 3])])
  assert.deepEqual(plain(decodeFromBytes(FetchRequest, 12, bytes)), plain(goldenValue(FetchRequest, 12, 'default')))
  const past = Buffer.concat([bytes.subarray(0, -4), Buffer.from([200, 1, 1])])
  assert.throws(() => decodeFromBytes(FetchRequest, 12, past), ProtocolError)
})

test('cut short anywhere, a message is a coded error', () => {
  for (const { schema, version, variant, bytes } of golden) {
    if (variant !== 'full' || version !== schema.versions.max) continue
    for (let length = 0; length < bytes.length; length += 1 + Math.floor(length / 64)) {
      assert.throws(
        () => decode(schema, version, new Reader(bytes.subarray(0, length))),
        ProtocolError,
        `${schema.name} ${length}`,
      )
    }
  }
})

test('with bits turned over, a message is read or is a coded error', () => {
  const full = golden.filter(({ variant, bytes }) => variant === 'full' && bytes.length > 0)
  fc.assert(
    fc.property(
      fc.constantFrom(...full),
      fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      ({ schema, version, bytes }, flips) => {
        const broken = Buffer.from(bytes)
        for (const flip of flips) broken[(flip >> 3) % broken.length]! ^= 1 << (flip & 7)
        try {
          decode(schema, version, new Reader(broken))
        } catch (error) {
          assert.ok(error instanceof ProtocolError, `${schema.name} v${version}: ${error}`)
        }
      },
    ),
    { numRuns: 3000 },
  )
})

test('an announced length costs nothing that is not there', () => {
  const schema = message(
    'Test',
    { versions: '0-1', flexible: '1' },
    { list: array({ inner: array(int32()) }), one: struct({ n: int32() }) },
  )
  for (const [version, bytes] of [
    [0, '7fffffff'],
    [1, 'ffffffff0f'],
    [1, 'ffffffffff0f'],
  ] as const) {
    assert.throws(() => decodeFromBytes(schema, version, Buffer.from(bytes, 'hex')), ProtocolError)
  }
})

// ------------------------------------------------------------------------------------------------- random messages

function arbitraryOf(field: Field, version: number): fc.Arbitrary<unknown> {
  if (!inRange(field.versions, version)) return fc.constant(defaultOf(field))
  const value = arbitraryValue(field, version)
  return inRange(field.nullable, version) ? fc.option(value, { nil: null, freq: 4 }) : value
}

function arbitraryValue(field: Field, version: number): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -128, max: 127 })
    case 'int16':
      return fc.integer({ min: -32768, max: 32767 })
    case 'uint16':
      return fc.integer({ min: 0, max: 65535 })
    case 'int32':
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    case 'uint32':
      return fc.integer({ min: 0, max: 2 ** 32 - 1 })
    case 'int64':
      return fc.maxSafeInteger()
    case 'rawInt64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'float64':
      return fc.double({ noNaN: true })
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 60 })
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => Buffer.from(bytes).toString('base64url'))
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 2000 })
    case 'array':
      return fc.array(arbitraryValue(field.element!, version), { maxLength: 3 })
    case 'struct':
      return arbitraryStruct(field.fields!, version)
  }
}

function arbitraryStruct(shape: Shape, version: number): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, arbitraryOf(field, version)])),
  )
}

test('whatever a message holds, it comes back, and the interpreter writes the same bytes', () => {
  for (const schema of schemas.values()) {
    const version = fc.integer({ min: schema.versions.min, max: schema.versions.max })
    const cases = version.chain(v => arbitraryStruct(schema.fields, v).map(value => ({ v, value })))
    fc.assert(
      fc.property(cases, ({ v, value }) => {
        const bytes = encodeToBytes(schema, v, value)
        assert.deepEqual(plain(decodeFromBytes(schema, v, bytes)), plain(value))
        assert.equal(hex(interpreted(schema, v, value)), hex(bytes))
      }),
      { numRuns: 8 },
    )
  }
})
