/**
 * What no producer sends on purpose: batches that are broken, forbidden or out of bounds, requests that make no sense.
 * Every answer, and what is in the log afterwards, has to be Apache Kafka's, which is kept in
 * ../expected/produce-errors.txt; one check a case, each with a topic of its own.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  type BatchHeader,
  batches,
  type ErrorName,
  encodeBatch,
  errorName,
  type RecordInput,
  ZERO_UUID,
} from '@ottla/protocol'
import { DeleteRecordsRequest, DeleteRecordsResponse } from '@ottla/protocol/messages/delete-records'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { crc32 } from '../../../packages/protocol/crc32c.ts'
import { put, putByte, RECORDS_AT, resized } from '../broken-batch.ts'
import type { BrokerKind } from '../brokers.ts'
import type { Context } from '../context.ts'
import { poll } from '../process.ts'
import { runTopicCases, TopicProbe } from '../topic-probe.ts'

const DELETE_RECORDS = { request: DeleteRecordsRequest, response: DeleteRecordsResponse }
const FETCH = { request: FetchRequest, response: FetchResponse }
const INIT = { request: InitProducerIdRequest, response: InitProducerIdResponse }
const OFFSETS = { request: ListOffsetsRequest, response: ListOffsetsResponse }
const PRODUCE = { request: ProduceRequest, response: ProduceResponse }

const BY_NAME = 12
const BY_ID = 13
const NOBODY = 'AAAAAAAAAAAAAAAAAAAA_w'
/** Not so near that it could be taken for the broker's. */
const TIME = Date.now() - 600_000
const HOUR = 3_600_000

// ------------------------------------------------------------------------------------------------------ of bytes

const text = (value: string) => Buffer.from(value)

/** So many records with keys and values, one millisecond apart. */
function records(count: number, timestamp = TIME): RecordInput[] {
  return Array.from({ length: count }, (_, i) => ({
    key: text(`key ${i}`),
    value: text(`value ${i}`),
    timestamp: timestamp + i,
  }))
}

/** A message of the formats before batches. */
function message(magic: 0 | 1, value: string): Buffer {
  const timestamp = Buffer.alloc(magic === 1 ? 8 : 0)
  if (magic === 1) timestamp.writeBigInt64BE(BigInt(TIME))
  const content = Buffer.concat([Buffer.of(magic, 0), timestamp, sized(text('key')), sized(text(value))])
  const head = Buffer.alloc(16)
  head.writeInt32BE(content.length + 4, 8)
  head.writeUInt32BE(crc32(content), 12)
  return Buffer.concat([head, content])
}

function sized(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}

// ------------------------------------------------------------------------------------------------------- a case

interface Produced {
  readonly version?: number
  readonly acks?: number
  readonly clientId?: string
  readonly topic?: string
  readonly topicId?: string
  readonly transactionalId?: string
}

class Probe extends TopicProbe {
  readonly #kind: BrokerKind

  constructor(name: string, kind: BrokerKind, bootstrap: string) {
    super(name, bootstrap)
    this.#kind = kind
  }

  /** To partition 0, and on from there if there are several. */
  async produce(what: string, bytes: Uint8Array | null | (Uint8Array | null)[], options: Produced = {}) {
    const list = Array.isArray(bytes) ? bytes : [bytes]
    return this.send(
      what,
      list.map((records, index) => ({ index, records })),
      options,
    )
  }

  async send(what: string, partitionData: { index: number; records: Uint8Array | null }[], options: Produced = {}) {
    const { version = BY_NAME, acks = -1, transactionalId = null, clientId } = options
    const topic =
      version >= BY_ID ? { topicId: options.topicId ?? this.topicId } : { name: options.topic ?? this.topic }
    const request = { acks, timeoutMs: 5000, transactionalId, topicData: [{ ...topic, partitionData }] }
    const asker = this.asker(clientId)
    if (acks !== 0) await this.tell(what, asker.ask(PRODUCE, version, request))
    else this.notes.lines.push(`${what}: ${(await asker.tellOnly(PRODUCE, version, request)) ? 'taken' : 'closed'}`)
  }

  /** Where Ottla's answer is another one than Apache Kafka's, on purpose. */
  async differs(what: string, codes: Record<BrokerKind, ErrorName>, bytes: Uint8Array, { version = BY_NAME } = {}) {
    const topicData = [{ name: this.topic, partitionData: [{ index: 0, records: bytes }] }]
    const { responses } = await this.asker().ask(PRODUCE, version, { acks: -1, timeoutMs: 5000, topicData })
    assert.equal(errorName(responses[0]!.partitionResponses[0]!.errorCode), codes[this.#kind], what)
    this.notes.lines.push(`${what}: ${codes.kafka} by Apache Kafka, ${codes.ottla} by Ottla`)
  }

  /** What lies in partition 0 in the end, batch by batch. */
  async stored(partition = 0): Promise<void> {
    const wanted = { partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }
    const request = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000 }
    const response = await this.asker('setup').ask(FETCH, 12, {
      ...request,
      topics: [{ topic: this.topic, partitions: [wanted] }],
    })
    const bytes = response.responses[0]?.partitions[0]?.records
    const found = bytes ? [...batches(bytes as Uint8Array, 'skip')] : []
    this.notes.lines.push(...(found.length === 0 ? ['  nothing is stored'] : found.map(described)))
  }
}

function described(batch: BatchHeader): string {
  const time = (ms: number) => {
    if (ms < 100) return String(ms)
    return Math.abs(ms - Date.now()) < 60_000 ? 'now' : `T+${ms - TIME}`
  }
  const { baseOffset, lastOffset, count, codec, timestampType, baseTimestamp, maxTimestamp, magic, attributes } = batch
  const times = `${timestampType} ${time(baseTimestamp)} to ${time(maxTimestamp)}`
  const producer = batch.producerId >= 0 ? `, sequence ${batch.baseSequence}` : ''
  return `  offsets ${baseOffset} to ${lastOffset}: ${count} records, magic ${magic}, ${codec}, attributes ${attributes}, ${times}${producer}`
}

interface Case {
  readonly configs?: Record<string, string>
  /** False: the two brokers don't store the same, on purpose. */
  readonly leavesLog?: boolean
  readonly run: (p: Probe) => Promise<void>
}

export async function produceErrors(context: Context): Promise<void> {
  const { kind, kit, brokers } = context
  const folder = join(kit.scratch, 'produce-errors')
  mkdirSync(folder)
  const broker = await brokers.start(kind, { folder, settings: { 'auto.create.topics.enable': 'false' } })
  const withLog = Object.entries(CASES).map(([name, { configs = {}, leavesLog = true, run }]) => {
    const all = async (p: Probe) => {
      await run(p)
      if (leavesLog) await p.stored()
    }
    return [name, { configs, run: all }]
  })
  const makeProbe = (name: string) => new Probe(name, kind, broker.bootstrap)
  await runTopicCases('produce-errors', context, broker, Object.fromEntries(withLog), makeProbe)
}

// ------------------------------------------------------------------------------------------------------------ cases

const three = encodeBatch(records(3))

const CASES: Record<string, Case> = {
  'good batches, by version': {
    async run(p) {
      for (const version of [3, 5, 7, 8, 9, 12, 13]) await p.produce(`version ${version}`, three, { version })
      await p.produce('acks 1', three, { acks: 1 })
      await p.produce('acks 0', three, { acks: 0 })
    },
  },
  'control batch': {
    async run(p) {
      await p.produce('a control batch', put(three, 'attributes', 0x20))
      await p.produce('v3', put(three, 'attributes', 0x20), { version: 3 })
      await p.produce('beside a good one', [put(three, 'attributes', 0x20), three])
      const marker = encodeBatch(records(1), {
        producerId: 1000,
        producerEpoch: 0,
        isControl: true,
        isTransactional: true,
      })
      await p.produce('a marker', marker)
    },
  },
  'transactional batch': {
    async run(p) {
      const options = { producerId: 1000, producerEpoch: 0, baseSequence: 0, isTransactional: true }
      const batch = encodeBatch(records(2), options)
      await p.produce('no transactional id', batch)
      await p.produce('no transactional id, v3', batch, { version: 3 })
      await p.produce('beside a good one', [three, batch])
      await p.produce('acks 0', batch, { acks: 0 })
      await p.produce('no producer id', put(three, 'attributes', 0x10))
    },
  },
  'a transactional id, no transactional batch': {
    async run(p) {
      await p.produce('plain', three, { transactionalId: 'tx' })
    },
  },
  'a batch of LogAppendTime on a topic of CreateTime': {
    async run(p) {
      await p.produce('now', encodeBatch(records(2), { logAppendTimeMs: TIME }))
      await p.produce('without time', encodeBatch([{ value: text('v') }], { logAppendTimeMs: -1 }))
      await p.produce('only the flag', put(three, 'attributes', 0x08))
      await p.produce('compressed', encodeBatch(records(2), { logAppendTimeMs: TIME, codec: 'gzip' }))
      await p.produce('too late', encodeBatch(records(2), { logAppendTimeMs: TIME + 2 * HOUR }))
      await p.produce('records of no time', encodeBatch(records(2, 0), { logAppendTimeMs: TIME + 5 }))
    },
  },
  'a batch of LogAppendTime on a topic of LogAppendTime': {
    configs: { 'message.timestamp.type': 'LogAppendTime' },
    async run(p) {
      await p.produce('flagged', encodeBatch(records(2), { logAppendTimeMs: TIME }))
      await p.produce('plain', three)
      await p.produce('plain, v3', three, { version: 3 })
      await p.produce('plain and compressed', encodeBatch(records(2), { codec: 'gzip' }))
      await p.produce('without time', encodeBatch([{ value: text('v') }]))
      await p.produce('ages ago', encodeBatch(records(2, 5)))
    },
  },
  'delete horizon flag': {
    async run(p) {
      await p.produce('set by a client', put(three, 'attributes', 0x40))
    },
  },
  'unused attributes': {
    async run(p) {
      await p.produce('bit 7', put(three, 'attributes', 0x80))
      await p.produce('bit 15', put(three, 'attributes', -0x8000))
    },
  },
  checksum: {
    async run(p) {
      await p.produce('wrong', put(three, 'crc', 0xdeadbeef))
      await p.produce('wrong, v3', put(three, 'crc', 0xdeadbeef), { version: 3 })
      await p.produce('beside a good one', [put(three, 'crc', 0xdeadbeef), three])
      await p.produce('of the other', [three, put(three, 'crc', 0xdeadbeef)])
      await p.produce('acks 0', put(three, 'crc', 0xdeadbeef), { acks: 0 })
    },
  },
  magic: {
    async run(p) {
      for (const magic of [3, 127, -1, -128]) await p.produce(`${magic}`, put(three, 'magic', magic))
      await p.produce('beside a good one', [three, put(three, 'magic', 3)])
      await p.produce('acks 0', put(three, 'magic', 3), { acks: 0 })
    },
  },
  'messages of magic 0 and 1': {
    async run(p) {
      await p.produce('0', message(0, 'zero'))
      await p.produce('1', message(1, 'one'))
      await p.produce('1, v3', message(1, 'one'), { version: 3 })
      await p.produce('two of 1', Buffer.concat([message(1, 'one'), message(1, 'two')]))
      await p.produce('0, then a batch', Buffer.concat([message(0, 'zero'), three]))
      await p.produce('a batch, then 1', Buffer.concat([three, message(1, 'one')]))
      await p.produce('beside a good one', [three, message(1, 'one')])
    },
  },
  'sizes that are wrong': {
    async run(p) {
      await p.produce('a length of 0', put(three, 'length', 0))
      await p.produce('a negative length', put(three, 'length', -5))
      await p.produce('shorter than a header', put(three, 'length', 48))
      await p.produce('shorter than it is', put(three, 'length', three.length - 13))
      await p.produce('longer than it is', put(three, 'length', three.length))
      await p.produce('cut short', three.subarray(0, three.length - 3))
      await p.produce('a header cut short', three.subarray(0, 40))
      await p.produce('ten bytes', three.subarray(0, 10))
      await p.produce('nothing', Buffer.alloc(0))
      await p.produce('nothing, acks 0', Buffer.alloc(0), { acks: 0 })
      await p.produce('half a batch after a good one', Buffer.concat([three, three.subarray(0, 30)]))
      await p.produce('a few bytes after a good one', Buffer.concat([three, Buffer.alloc(5)]))
      await p.produce('zeros after a good one', Buffer.concat([three, Buffer.alloc(40)]))
    },
  },
  'two batches': {
    async run(p) {
      await p.produce('of one partition', Buffer.concat([three, three]))
      await p.produce('of one partition, v3', Buffer.concat([three, three]), { version: 3 })
      const broken = put(three, 'crc', 0xdeadbeef)
      await p.produce('the second is broken', Buffer.concat([three, broken]))
    },
  },
  'counts and offsets': {
    async run(p) {
      await p.produce('base offset 5', put(three, 'baseOffset', 5))
      await p.produce('base offset -1', put(three, 'baseOffset', -1))
      await p.produce('base offset 2^62', put(three, 'baseOffset', 2 ** 62))
      await p.produce('count 0', put(three, 'count', 0))
      await p.produce('count -1', put(three, 'count', -1))
      await p.produce('count too low', put(three, 'count', 2))
      await p.produce('count too high', put(three, 'count', 4))
      await p.produce('last offset delta too high', put(three, 'lastOffsetDelta', 5))
      await p.produce('last offset delta -1', put(three, 'lastOffsetDelta', -1))
      const both = (count: number) => put(put(three, 'count', count), 'lastOffsetDelta', count - 1)
      await p.produce('both too low', both(2))
      await p.produce('both too high', both(4))
      await p.produce('both far too high', both(2_000_000_000))
      await p.produce('no records', encodeBatch([], { lastOffset: 0 }))
      await p.produce('a leader epoch', put(three, 'leaderEpoch', 77))
    },
  },
  'counts and offsets, compressed': {
    async run(p) {
      const zipped = encodeBatch(records(3), { codec: 'gzip' })
      const both = (count: number) => put(put(zipped, 'count', count), 'lastOffsetDelta', count - 1)
      await p.produce('both too low', both(2))
      await p.produce('both too high', both(4))
      await p.produce('two batches', Buffer.concat([zipped, zipped]))
      await p.produce('good', zipped)
    },
  },
  'records whose offsets are not one after the other': {
    leavesLog: false,
    async run(p) {
      const offsets = (codec: 'none' | 'gzip', ...each: number[]) => {
        const some = records(each.length).map((one, i) => ({ ...one, offset: each[i]! }))
        return put(encodeBatch(some, { codec }), 'lastOffsetDelta', each.length - 1)
      }
      const plain = { kafka: 'NONE', ottla: 'INVALID_RECORD' } as const
      const zipped = { kafka: 'UNKNOWN_SERVER_ERROR', ottla: 'INVALID_RECORD' } as const
      await p.differs('gaps: offsets that other batches have, too', plain, offsets('none', 0, 3, 7))
      await p.differs('gaps, compressed', zipped, offsets('gzip', 0, 3, 7))
      await p.differs('not from 0', plain, offsets('none', 2, 3, 4))
      await p.differs('not from 0, compressed', zipped, offsets('gzip', 2, 3, 4))
    },
  },
  'records that are no records': {
    async run(p) {
      await p.produce('a length too long', putByte(three, RECORDS_AT, 0x7e))
      await p.produce('a negative length', putByte(three, RECORDS_AT, 0x7f))
      await p.produce('a length of 0', putByte(three, RECORDS_AT, 0))
      await p.produce('a key too long', putByte(three, RECORDS_AT + 4, 0x7e))
      await p.produce('attributes of a record', putByte(three, RECORDS_AT + 1, 0xff))
      await p.produce('bytes after the last', resized(Buffer.concat([three, Buffer.alloc(5)])))
      await p.produce('beside a good one', [putByte(three, RECORDS_AT, 0x7e), three])
    },
  },
  codecs: {
    async run(p) {
      const unknown = { kafka: 'UNKNOWN_SERVER_ERROR', ottla: 'UNSUPPORTED_COMPRESSION_TYPE' } as const
      for (const codec of [5, 6, 7]) await p.differs(`unknown codec ${codec}`, unknown, put(three, 'attributes', codec))
      await p.differs('unknown codec, v3', unknown, put(three, 'attributes', 5), { version: 3 })
      await p.produce('unknown codec, acks 0', put(three, 'attributes', 5), { acks: 0 })
      const zstd = encodeBatch(records(3), { codec: 'zstd' })
      await p.produce('zstd, v6', zstd, { version: 6 })
      await p.produce('zstd, v7', zstd, { version: 7 })
    },
  },
  'broken frames of each codec': {
    leavesLog: false,
    async run(p) {
      const broken = { kafka: 'UNKNOWN_SERVER_ERROR', ottla: 'INVALID_RECORD' } as const
      const taken = { kafka: 'NONE', ottla: 'INVALID_RECORD' } as const
      for (const [i, codec] of (['gzip', 'snappy', 'lz4', 'zstd'] as const).entries()) {
        const batch = encodeBatch(records(50), { codec })
        await p.differs(`what is no ${codec}`, broken, put(three, 'attributes', i + 1))
        await p.differs(`${codec}, cut short`, broken, resized(Buffer.from(batch.subarray(0, -4))))
        const readsOn = codec === 'gzip' || codec === 'lz4'
        await p.differs(
          `${codec}, bytes after`,
          readsOn ? taken : broken,
          resized(Buffer.concat([batch, text('tail')])),
        )
        if (codec === 'lz4' || codec === 'zstd')
          await p.differs(`${codec}, a byte changed`, broken, putByte(batch, 70, batch[70]! ^ 0xff))
      }
    },
  },
  'a topic that compresses': {
    configs: { 'compression.type': 'gzip' },
    async run(p) {
      await p.produce('plain', three)
      await p.produce('zstd', encodeBatch(records(3), { codec: 'zstd' }))
      await p.produce('a control batch', put(three, 'attributes', 0x20))
      await p.produce('LogAppendTime', encodeBatch(records(2), { logAppendTimeMs: TIME }))
      await p.produce('unused attributes', put(three, 'attributes', 0x80))
      await p.produce('wrong times in the header', put(three, 'maxTimestamp', TIME + HOUR * 100))
    },
  },
  'a topic that compresses nothing': {
    configs: { 'compression.type': 'uncompressed' },
    async run(p) {
      await p.produce('gzip', encodeBatch(records(3), { codec: 'gzip' }))
      await p.produce('plain', three)
    },
  },
  'max.message.bytes': {
    configs: { 'max.message.bytes': '200' },
    async run(p) {
      const of = (size: number) => encodeBatch([{ value: Buffer.alloc(size), timestamp: TIME }])
      await p.produce('just so', of(200 - (of(100).length - 100)))
      await p.produce('one more', of(201 - (of(100).length - 100)))
      await p.produce('far more', of(5000))
      await p.produce('far more, v3', of(5000), { version: 3 })
      await p.produce('and a wrong checksum', put(of(5000), 'crc', 1))
      await p.produce('and a base offset', put(of(5000), 'baseOffset', 1))
      await p.produce('two', Buffer.concat([of(20), of(5000)]))
      await p.produce('acks 0', of(5000), { acks: 0 })
    },
  },
  'max.message.bytes, compressed anew': {
    configs: { 'max.message.bytes': '200', 'compression.type': 'uncompressed' },
    async run(p) {
      await p.produce(
        'small, then large',
        encodeBatch([{ value: Buffer.alloc(5000), timestamp: TIME }], { codec: 'gzip' }),
      )
    },
  },
  'segment.bytes': {
    configs: { 'segment.bytes': '1048576', 'max.message.bytes': '3000000' },
    async run(p) {
      await p.produce(
        'a batch larger than a segment',
        encodeBatch([{ value: Buffer.alloc(1_100_000), timestamp: TIME }]),
      )
    },
  },
  'timestamps out of bounds': {
    configs: { 'message.timestamp.before.max.ms': '3600000', 'message.timestamp.after.max.ms': '3600000' },
    async run(p) {
      const at = (timestamp: number, codec: 'none' | 'gzip' = 'none') => encodeBatch(records(2, timestamp), { codec })
      await p.produce('too old', at(TIME - 2 * HOUR))
      await p.produce('too old, v3', at(TIME - 2 * HOUR), { version: 3 })
      await p.produce('too new', at(TIME + 2 * HOUR))
      await p.produce('too new, compressed', at(TIME + 2 * HOUR, 'gzip'))
      await p.produce('none', encodeBatch([{ value: text('v') }]))
      await p.produce('before 1970', put(three, 'baseTimestamp', -5))
      const mixed = [...records(1), ...records(2, TIME - 3 * HOUR), ...records(1)]
      await p.produce('two of four', encodeBatch(mixed))
      await p.produce('beside a good one', [at(TIME + 2 * HOUR), three])
      await p.produce('only in the header', put(three, 'maxTimestamp', TIME + 9 * HOUR))
      await p.produce('only in the header, compressed', put(at(TIME, 'gzip'), 'maxTimestamp', 5))
    },
  },
  'a compacted topic': {
    configs: { 'cleanup.policy': 'compact' },
    async run(p) {
      const keyless = { value: text('v'), timestamp: TIME }
      await p.produce('no key', encodeBatch([keyless]))
      await p.produce('no key, v3', encodeBatch([keyless]), { version: 3 })
      await p.produce('the second of three', encodeBatch([records(1)[0]!, keyless, records(1)[0]!]))
      await p.produce('five', encodeBatch(Array.from({ length: 5 }, () => keyless)))
      await p.produce('compressed', encodeBatch([keyless], { codec: 'lz4' }))
      await p.produce('an empty key', encodeBatch([{ ...keyless, key: Buffer.alloc(0) }]))
      await p.produce('and out of time', encodeBatch([{ value: text('v'), timestamp: TIME + 9 * HOUR }]))
      await p.produce('one out of time', encodeBatch([keyless, { key: text('k'), timestamp: TIME + 9 * HOUR }]))
    },
  },
  acks: {
    async run(p) {
      await p.produce('2', three, { acks: 2 })
      await p.produce('-2', three, { acks: -2 })
      await p.produce('2, v3', three, { acks: 2, version: 3 })
      await p.produce('2, and a wrong magic', message(0, 'x'), { acks: 2 })
      await p.produce('2, and a wrong checksum', put(three, 'crc', 1), { acks: 2 })
      await p.produce('2, and no such topic', three, { acks: 2, topic: 'nobody' })
      await p.produce('0, and no such topic', three, { acks: 0, topic: 'nobody' })
      await p.send('0, and no such partition', [{ index: 9, records: three }], { acks: 0 })
    },
  },
  'not enough replicas': {
    configs: { 'min.insync.replicas': '2' },
    async run(p) {
      await p.produce('all', three)
      await p.produce('all, v3', three, { version: 3 })
      await p.produce('all, and a wrong checksum', put(three, 'crc', 1))
      await p.produce('all, and too large', encodeBatch([{ value: Buffer.alloc(2_000_000) }]))
      await p.produce('one', three, { acks: 1 })
    },
  },
  'topics and partitions that are not there': {
    async run(p) {
      await p.produce('no such name', three, { topic: 'nobody' })
      await p.produce('no such name, v3', three, { topic: 'nobody', version: 3 })
      await p.produce('no name', three, { topic: '' })
      await p.produce('an impossible name', three, { topic: 'a b' })
      await p.produce('no such id', three, { topicId: NOBODY, version: BY_ID })
      await p.produce('no id', three, { topicId: ZERO_UUID, version: BY_ID })
      await p.produce('broken records of no such topic', Buffer.alloc(0), { topic: 'nobody' })
      await p.send('no such partition', [{ index: 2, records: three }])
      await p.send('a negative partition', [{ index: -1, records: three }])
      await p.send('no such partition, by id', [{ index: 2, records: three }], { version: BY_ID })
      await p.send('no such partition beside a good one', [
        { index: 2, records: three },
        { index: 0, records: three },
      ])
      await p.send('no partitions', [])
      await p.tell('no topics', p.asker().ask(PRODUCE, 12, { acks: -1, timeoutMs: 1000, topicData: [] }))
    },
  },
  'internal topics': {
    async run(p) {
      for (const clientId of ['producer', '__admin_client']) {
        await p.produce(`__transaction_state as ${clientId}`, three, { topic: '__transaction_state', clientId })
      }
      await p.produce('the metadata log', three, { topic: '__cluster_metadata' })
    },
  },
  'idempotent producers': {
    async run(p) {
      const init = { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
      const given = async () => {
        const { producerId: id } = await p.asker().ask(INIT, 4, init)
        return id >= 0 ? id : undefined
      }
      const producerId = await poll('a producer id', given, 10_000, 20)
      const by = (baseSequence: number, producerEpoch = 0, id = producerId) =>
        encodeBatch(records(2), { producerId: id, producerEpoch, baseSequence })
      await p.produce('no sequence', by(-1))
      await p.produce('first', by(0))
      await p.produce('again', by(0))
      await p.produce('a gap', by(4))
      await p.produce('next', by(2))
      await p.produce('half of it again', encodeBatch(records(1), { producerId, producerEpoch: 0, baseSequence: 1 }))
      await p.produce('an older one again', by(0))
      await p.produce('a newer epoch, not from 0', by(4, 1))
      await p.produce('a newer epoch', by(0, 1))
      await p.produce('the older epoch', by(4, 0))
      await p.produce('the older epoch, v3', by(4, 0), { version: 3 })
      await p.produce('of a negative epoch', by(0, -1))
      await p.produce('a producer that nobody knows, not from 0', by(7, 0, producerId + 100_000))
      await p.produce('a producer that nobody knows', by(0, 0, producerId + 100_001))
      await p.produce('the same, v3, not from 0', by(7, 0, producerId + 100_002), { version: 3 })
    },
  },
  'where the log begins': {
    async run(p) {
      await p.produce('three', three)
      const partitions = [{ partitionIndex: 0, offset: 2 }]
      await p.asker().ask(DELETE_RECORDS, 2, { topics: [{ name: p.topic, partitions }], timeoutMs: 5000 })
      await p.produce('a good one', three)
      await p.produce('a good one, v4', three, { version: 4 })
      await p.produce('a wrong checksum', put(three, 'crc', 1))
      await p.produce('a control batch', put(three, 'attributes', 0x20))
      await p.produce('a count', put(three, 'count', 9))
      await p.produce('a time', encodeBatch(records(2, TIME + 9 * HOUR)))
      await p.produce('too large', encodeBatch([{ value: Buffer.alloc(2_000_000) }]))
      await p.produce('a sequence', encodeBatch(records(1), { producerId: 5, producerEpoch: 0, baseSequence: 3 }))
      const offsets = {
        replicaId: -1,
        topics: [{ name: p.topic, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
      }
      await p.tell('the log ends', p.asker().ask(OFFSETS, 4, offsets))
    },
  },
}
