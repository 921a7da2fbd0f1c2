/**
 * Bytes that no honest peer sends. Whatever they are, the outcome is a message or a ProtocolError, the same with generated
 * code and with closures, and costs no more than the bytes justify.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from './errors.ts'
import { FetchRequest } from './messages/fetch.ts'
import { Reader } from './reader.ts'
import { array, int32, type Message, message, string, struct } from './schema.ts'
import { allSchemas } from './testing/all-schemas.ts'
import { codecs } from './testing/codecs.ts'
import { goldenBytes } from './testing/golden-bytes.ts'
import { goldenValue, plain } from './testing/golden-values.ts'

const schemas = await allSchemas()
const golden = goldenBytes(schemas)
const full = golden.filter(({ variant, bytes }) => variant === 'tags' && bytes.length > 0)

type Outcome = { readonly value: object } | { readonly error: ProtocolError }

function outcome(codec: (typeof codecs)[number], schema: Message, version: number, bytes: Uint8Array): Outcome {
  try {
    return { value: codec.decode(schema, version, new Reader(bytes)) }
  } catch (error) {
    if (error instanceof ProtocolError) return { error }
    throw new Error(`${schema.name} v${version}, ${codec.name}: not a coded error`, { cause: error })
  }
}

/** Of both implementations, which must agree. */
function outcomeOf(schema: Message, version: number, bytes: Uint8Array): Outcome {
  const [one, other] = codecs.map(codec => outcome(codec, schema, version, bytes)) as [Outcome, Outcome]
  if ('value' in one && 'value' in other) assert.deepEqual(plain(one.value), plain(other.value))
  else if ('error' in one && 'error' in other) assert.equal(one.error.message, other.error.message)
  else assert.fail(`${schema.name} v${version}: ${JSON.stringify([one, other])}`)
  return one
}

function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, element) => sum + sizeOf(element), 1)
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce((sum: number, inner) => sum + sizeOf(inner), 1)
}

test('cut short anywhere, a message is a coded error that names it', () => {
  for (const { schema, version, bytes, title } of full) {
    if (version !== schema.versions.max && version !== schema.versions.min) continue
    for (let length = 0; length < bytes.length; length += 1 + (length >> 7)) {
      const result = outcome(codecs[0]!, schema, version, bytes.subarray(0, length))
      assert.ok('error' in result, `${title}: ${length} bytes are not all of it`)
      assert.ok(result.error.message.startsWith(`${schema.name} v${version}: `), result.error.message)
    }
  }
})

test('with bits turned over, a message is read or is a coded error', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...full),
      fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      ({ schema, version, bytes }, flips) => {
        const broken = Buffer.from(bytes)
        for (const flip of flips) broken[(flip >> 3) % broken.length]! ^= 1 << (flip & 7)
        outcomeOf(schema, version, broken)
      },
    ),
    { numRuns: 3000 },
  )
})

test('anything may come in place of a message', () => {
  const message = fc.constantFrom(...schemas.values()).chain(schema =>
    fc.record({
      schema: fc.constant(schema),
      version: fc.integer({ min: schema.versions.min, max: schema.versions.max }),
      bytes: fc.uint8Array({ maxLength: 300 }),
    }),
  )
  fc.assert(
    fc.property(message, ({ schema, version, bytes }) => void outcomeOf(schema, version, bytes)),
    { numRuns: 2000 },
  )
})

test('no byte repeated over and over makes more than a few values each', { timeout: 60_000 }, () => {
  for (const byte of [0x00, 0x01, 0x02, 0x03, 0x7f, 0x80, 0xff]) {
    const bytes = Buffer.alloc(2000, byte)
    for (const schema of schemas.values()) {
      for (const version of [schema.versions.min, schema.versions.max]) {
        const result = outcome(codecs[0]!, schema, version, bytes)
        if ('value' in result) assert.ok(sizeOf(result.value) <= 20 * bytes.length, `${schema.name} v${version}`)
      }
    }
  }
})

test('no more elements are read than the reader allows, however deep they lie', () => {
  const schema = message(
    'Test',
    { versions: '0', flexible: '0+' },
    { outer: array({ inner: array(int32()) }), text: string() },
  )
  const value = { outer: [{ inner: [1, 2, 3] }, { inner: [] }, { inner: [4] }], text: 'end' }
  for (const codec of codecs) {
    const bytes = codec.encode(schema, 0, value)
    const read = (maxElements: number) => codec.decode(schema, 0, new Reader(bytes, 0, maxElements))
    assert.deepEqual(plain(read(7)), plain(value))
    assert.throws(() => read(6), {
      name: 'ProtocolError',
      code: 'ERR_TOO_LARGE',
      message: /^Test v0: outer\[2\].inner: /,
    })
  }
})

test('an announced length costs nothing that is not there', () => {
  const schema = message(
    'Test',
    { versions: '0-1', flexible: '1' },
    { list: array({ later: int32('1+') }), text: string('1+'), one: struct({ n: int32() }) },
  )
  const refused = (version: number, hex: string, message: RegExp) => {
    const result = outcomeOf(schema, version, Buffer.from(hex, 'hex'))
    assert.ok('error' in result)
    assert.match(result.error.message, message)
  }
  // Elements of version 0 take no bytes at all.
  refused(0, '7fffffff00000000', /^Test v0: list: announces 2147483647, but only 4 bytes follow/)
  refused(0, '80000000', /^Test v0: list: null/)
  refused(1, 'ffffffff0f', /^Test v1: list: announces 4294967294/)
  refused(1, 'ffffffffff01', /^Test v1: list: varint at byte 0 is longer than 5 bytes/)
  refused(1, '01ffffffff0f', /^Test v1: text: announces/)
  refused(1, `01818002${'00'.repeat(40_000)}`, /^Test v1: text: a string of 32768 bytes/)
})

test('tags that nobody knows are passed over, but not past the end', () => {
  const empty = codecs[0]!.encode(FetchRequest, 12, {})
  const tagged = (...tail: number[]) => Buffer.concat([empty.subarray(0, -1), Buffer.from(tail)])
  const result = outcomeOf(FetchRequest, 12, tagged(1, 100, 3, 1, 2, 3))
  assert.ok('value' in result)
  assert.deepEqual(plain(result.value), plain(goldenValue(FetchRequest, 12, 'default')))
  const refused = (tail: number[], message: RegExp) => {
    const result = outcomeOf(FetchRequest, 12, tagged(...tail))
    assert.ok('error' in result)
    assert.match(result.error.message, message)
  }
  refused([1, 100, 3, 1, 2], /^FetchRequest v12: \(tag 100\): 3 bytes are due/)
  refused([1, 100, 200, 200, 200, 200, 1, 0], /^FetchRequest v12: \(tag 100\): \d+ bytes are due/)
  refused([200, 200, 200, 200, 1, 100, 0], /^FetchRequest v12: \d+ bytes are due/)
  refused([1, 0, 5, 2, 97], /^FetchRequest v12: clusterId: 5 bytes are due/)
  refused([1, 0, 3, 2, 97, 0], /^FetchRequest v12: clusterId: tag 0 is not of the size that it says/)
})
