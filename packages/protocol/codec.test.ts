/**
 * The codec against the bytes of Kafka's own classes, and what it promises beyond them. All of this runs three times:
 * with generated code, with closures, and as a whole on a host that forbids generated code.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { decode, decodeFromBytes, encode, encodeToBytes, generatesCode } from './codec.ts'
import { decodeSource, encodeSource } from './codec-source.ts'
import { AddPartitionsToTxnRequest } from './messages/add-partitions-to-txn.ts'
import { DescribeTopicPartitionsRequest } from './messages/describe-topic-partitions.ts'
import { FetchRequest, FetchResponse } from './messages/fetch.ts'
import { MetadataRequest } from './messages/metadata.ts'
import { ProduceRequest } from './messages/produce.ts'
import { Reader } from './reader.ts'
import { array, bytes, int16, int64, message, records, string, struct, uint32 } from './schema.ts'
import { allSchemas } from './testing/all-schemas.ts'
import { codecs } from './testing/codecs.ts'
import { goldenBytes } from './testing/golden-bytes.ts'
import { goldenValue, plain } from './testing/golden-values.ts'
import { Writer } from './writer.ts'

const NO_CODE = '--disallow-code-generation-from-strings'

const schemas = await allSchemas()
const golden = goldenBytes(schemas)

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

for (const codec of codecs) {
  test(`${codec.name}: every message in every version has the bytes that Kafka writes`, () => {
    const covered = new Set<string>()
    for (const { schema, version, variant, bytes, title } of golden) {
      // Tags that nobody knows are dropped when a message is read, so nobody here writes them.
      if (variant === 'tags') continue
      covered.add(`${schema.name} ${version}`)
      assert.equal(hex(codec.encode(schema, version, goldenValue(schema, version, variant))), hex(bytes), title)
    }
    for (const { name, versions } of schemas.values()) {
      for (let v = versions.min; v <= versions.max; v++) assert.ok(covered.has(`${name} ${v}`), `${name} ${v}`)
    }
  })

  test(`${codec.name}: every message in every version is read from the bytes that Kafka writes`, () => {
    for (const { schema, version, variant, bytes, title } of golden) {
      const reader = new Reader(bytes)
      const value = codec.decode(schema, version, reader)
      assert.deepEqual(plain(value), plain(goldenValue(schema, version, variant)), title)
      assert.equal(reader.remaining, 0, title)
    }
  })

  test(`${codec.name}: all fields are there in all versions, in one order`, () => {
    const shapes = [4, 12, 18].map(version => {
      const bytes = codec.encode(FetchRequest, version, { topics: [{ partitions: [{}] }] })
      const { topics, ...rest } = codec.decode(FetchRequest, version, new Reader(bytes)) as FetchRequest
      return [Object.keys(rest), Object.keys(topics[0]!), Object.keys(topics[0]!.partitions[0]!)]
    })
    assert.deepEqual(shapes[0], shapes[2])
    assert.deepEqual(shapes[1], shapes[2])
    assert.deepEqual(shapes[2]![1], ['topic', 'topicId', 'partitions'])
  })

  test(`${codec.name}: fields left out, or undefined, are written as their defaults`, () => {
    const explicit = codec.encode(FetchResponse, 12, goldenValue(FetchResponse, 12, 'default'))
    assert.equal(hex(codec.encode(FetchResponse, 12, { responses: undefined })), hex(explicit))
    assert.equal(hex(codec.encode(FetchResponse, 12, {})), hex(explicit))
  })

  test(`${codec.name}: a value that the version cannot carry is refused, unless it may be dropped`, () => {
    assert.throws(() => codec.encode(FetchRequest, 6, { forgottenTopicsData: [{ topic: 'a' }] }), {
      code: 'ERR_UNSUPPORTED_VERSION',
      message: /^FetchRequest v6: forgottenTopicsData: /,
    })
    assert.throws(() => codec.encode(AddPartitionsToTxnRequest, 3, { transactions: [{}] }), {
      code: 'ERR_UNSUPPORTED_VERSION',
    })
    // One that is in a struct of an array, and one that differs from its default by being null.
    assert.throws(() => codec.encode(FetchRequest, 11, { topics: [{ partitions: [{}, { lastFetchedEpoch: 3 }] }] }), {
      message: /^FetchRequest v11: topics\[0\]\.partitions\[1\]\.lastFetchedEpoch: /,
    })
    assert.doesNotThrow(() => codec.encode(FetchRequest, 6, { sessionId: 5 }))
  })

  test(`${codec.name}: null where it is not allowed is refused, in both directions`, () => {
    assert.throws(() => codec.encode(FetchRequest, 4, { topics: null }), { message: /^FetchRequest v4: topics: null/ })
    const nullTopics = Buffer.alloc(4 + 4 + 4 + 4 + 1 + 4)
    nullTopics.writeInt32BE(-1, 17)
    assert.throws(() => codec.decode(FetchRequest, 4, new Reader(nullTopics)), {
      code: 'ERR_MALFORMED',
      message: /^FetchRequest v4: topics: null.* byte 21/,
    })
    const everyTopic = codec.decode(MetadataRequest, 1, new Reader(Buffer.from('ffffffff', 'hex'))) as MetadataRequest
    assert.equal(everyTopic.topics, null)
    const nullStruct = codec.encode(DescribeTopicPartitionsRequest, 0, {})
    assert.equal(
      (codec.decode(DescribeTopicPartitionsRequest, 0, new Reader(nullStruct)) as DescribeTopicPartitionsRequest)
        .cursor,
      null,
    )
  })

  test(`${codec.name}: values that do not fit their type are refused`, () => {
    const schema = message(
      'Test',
      { versions: '0-1', flexible: '1' },
      { short: int16(), long: int64(), unsigned: uint32(), text: string(), list: array({ inner: array(int16()) }) },
    )
    const refused = (value: object, message: RegExp) => {
      assert.throws(() => codec.encode(schema, 0, value), { name: /^(Range|Type)Error$/, message })
      assert.throws(() => codec.encode(schema, 1, value), { name: /^(Range|Type)Error$/ })
    }
    refused({ short: 32768 }, /^Test v0: short: 32768 is no int16/)
    refused({ short: 1.5 }, /short/)
    refused({ long: 2 ** 53 }, /long/)
    refused({ unsigned: -1 }, /unsigned/)
    refused({ text: 'x'.repeat(32768) }, /^Test v0: text: a string of 32768 bytes/)
    refused({ text: '€'.repeat(10923) }, /text/)
    refused({ list: [{}, { inner: [1, 'two'] }] }, /^Test v0: list\[1\]\.inner\[1\]: /)
    refused({ list: [null] }, /^Test v0: list\[0\]: null/)
    const { text } = codec.decode(schema, 1, new Reader(codec.encode(schema, 1, { text: 'x'.repeat(32767) }))) as {
      text: string
    }
    assert.equal(text.length, 32767)
  })

  test(`${codec.name}: int64 is exact up to 2^53, and refused past it`, () => {
    const schema = message('Test', { versions: '0', flexible: 'none' }, { offset: int64() })
    for (const offset of [0, -1, 1, 2 ** 32, -(2 ** 32), 2 ** 32 - 1, 2 ** 53 - 1, -(2 ** 53 - 1)]) {
      const bytes = codec.encode(schema, 0, { offset })
      assert.equal(Buffer.from(bytes).readBigInt64BE(), BigInt(offset))
      assert.deepEqual(codec.decode(schema, 0, new Reader(bytes)), { offset })
    }
    for (const past of ['7fffffffffffffff', '0020000000000000', 'ffe0000000000000', '8000000000000000']) {
      assert.throws(() => codec.decode(schema, 0, new Reader(Buffer.from(past, 'hex'))), {
        code: 'ERR_MALFORMED',
        message: /^Test v0: offset: int64 at byte 0/,
      })
    }
  })

  test(`${codec.name}: bytes and records are views when read, records are slices when written`, () => {
    const frame = codec.encode(ProduceRequest, 9, {
      topicData: [{ name: 't', partitionData: [{ records: Buffer.alloc(100) }] }],
    })
    const request = codec.decode(ProduceRequest, 9, new Reader(frame)) as ProduceRequest
    assert.equal(request.topicData[0]!.partitionData[0]!.records!.buffer, frame.buffer)
  })

  test(`${codec.name}: a message stands anywhere in a buffer, and what follows it stays in the reader`, () => {
    const { bytes } = golden.find(({ title }) => title === 'FetchRequest v17 full')!
    const reader = new Reader(Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(5)]), 3)
    const value = codec.decode(FetchRequest, 17, reader)
    assert.deepEqual(plain(value), plain(goldenValue(FetchRequest, 17, 'full')))
    assert.equal(reader.remaining, 5)
  })
}

test('records are never copied, and the writer knows the length of it all', () => {
  const big = Array.from({ length: 3 }, (_, i) => Buffer.alloc(5000, i))
  const small = Buffer.alloc(10, 9)
  const value = {
    responses: [{ partitions: [{ records: big[0] }, { records: [big[1]!, small, big[2]!] }, { records: null }] }],
  }
  const writer = new Writer()
  encode(FetchResponse, 16, value, writer)
  const { length } = writer
  const chunks = writer.finish()
  assert.equal(
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    length,
  )
  assert.deepEqual(
    chunks.map(chunk => (big as Uint8Array[]).indexOf(chunk)).filter(i => i >= 0),
    [0, 1, 2],
  )
  const { responses } = decodeFromBytes(FetchResponse, 16, Buffer.concat(chunks))
  const read = responses[0]!.partitions.map(({ records }) => records && hex(records))
  assert.deepEqual(read, [hex(big[0]!), hex(Buffer.concat([big[1]!, small, big[2]!])), null])
  assert.deepEqual(plain(encodeToBytes(FetchResponse, 16, value)), plain(Buffer.concat(chunks)))
})

test('unknown versions are refused before anything is read', () => {
  assert.throws(() => decodeFromBytes(FetchRequest, 99, Buffer.alloc(0)), {
    code: 'ERR_UNSUPPORTED_VERSION',
    message: 'FetchRequest has versions 4 to 18, not 99',
  })
  for (const version of [3, -1, 4.5, Number.NaN]) {
    assert.throws(() => encodeToBytes(FetchRequest, version, {}), { code: 'ERR_UNSUPPORTED_VERSION' })
  }
})

test('bytes that follow the message are an error for who wants a whole buffer read', () => {
  assert.throws(() => decodeFromBytes(MetadataRequest, 1, Buffer.from('ffffffff00', 'hex')), {
    code: 'ERR_MALFORMED',
    message: 'MetadataRequest v1: 1 bytes follow its end',
  })
})

test('what was broken is named: message, version, field and position', () => {
  const whole = golden.find(({ title }) => title === 'FetchRequest v17 full')!.bytes
  assert.throws(() => decode(FetchRequest, 17, new Reader(whole.subarray(0, 70))), {
    name: 'ProtocolError',
    code: 'ERR_TRUNCATED',
    message: /^FetchRequest v17: topics\[0\]\.partitions\[\d\]\.\w+: \d+ bytes are due at byte \d+, \d+ are there$/,
  })
})

test('nothing but plain names gets into generated code', () => {
  const evil = (name: string) => message('Test', { versions: '0', flexible: 'none' }, { [name]: int16() })
  for (const name of ['a;b', '', 'a.b', 'a b', '1a', '`']) {
    assert.throws(() => decodeSource(evil(name), 0), /is no name for a field/)
    assert.throws(() => encodeSource(evil(name), 0), /is no name for a field/)
  }
  const title = message("x'y", { versions: '0', flexible: 'none' }, {})
  assert.throws(() => decodeSource(title, 0), /is no name for a message/)
  const text = message('Test', { versions: '0', flexible: 'none' }, { a: string('1', '"; throw 1; "') })
  assert.deepEqual(decodeFromBytes(text, 0, Buffer.alloc(0)), { a: '"; throw 1; "' })
})

test('records in a tag are no schema', () => {
  const schema = message('Test', { versions: '0', flexible: '0' }, { a: records('0', undefined, { tag: 0 }) })
  assert.throws(() => encodeToBytes(schema, 0, {}), /Test v0: a holds records/)
})

test('a finished writer takes nothing more, and the next one does not disturb what it wrote', () => {
  const first = new Writer()
  first.int32(1)
  const second = new Writer()
  second.int32(2)
  const [one] = first.finish()
  const third = new Writer()
  third.int32(3)
  const [two] = second.finish()
  const [three] = third.finish()
  assert.deepEqual(
    [one, two, three].map(bytes => Buffer.from(bytes!).readInt32BE()),
    [1, 2, 3],
  )
  assert.throws(() => first.int8(1), /finished/)
})

test('a writer grows, whatever is written', () => {
  const schema = message(
    'Test',
    { versions: '0', flexible: '0' },
    { list: array({ text: string(), data: bytes(), inner: struct({ tagged: string('0', '', { tag: 3 }) }) }) },
  )
  const list = Array.from({ length: 3000 }, (_, i) => ({
    text: 'é'.repeat(i % 50),
    data: Buffer.alloc(i % 70, i),
    inner: { tagged: 'x'.repeat(i % 300) },
  }))
  assert.deepEqual(plain(decodeFromBytes(schema, 0, encodeToBytes(schema, 0, { list }))), plain({ list }))
})

test('on a host that forbids generated code closures take over, and pass the same tests', {
  skip: !generatesCode,
}, () => {
  // Otherwise it would report to the runner that runs this test.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = spawnSync(process.execPath, [NO_CODE, '--test-reporter=tap', import.meta.filename], {
    encoding: 'utf8',
    env,
  })
  assert.equal(child.status, 0, child.stdout.slice(-2000) + child.stderr)
  assert.match(child.stdout, /# fail 0/)
  assert.match(child.stdout, /# skipped 1/)
})
