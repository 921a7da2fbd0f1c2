/**
 * Record batches that we wrote, read by Apache Kafka's own classes: every codec at its levels, by every implementation of
 * it, with all that a record can hold. No broker has a part in this. The Java program is the one that writes the fixtures
 * of `packages/protocol/fixtures/records`.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  BatchBuilder,
  type BatchOptions,
  CODECS,
  type Codec,
  decodeRecords,
  encodeBatch,
  encodeEndTxnMarker,
  type KafkaRecord,
  RecordCursor,
  type RecordInput,
  useCompressor,
  verifyBatch,
} from '@ottla/protocol'
import { gzip, zstd } from '../../../packages/protocol/compression/node.ts'
import { gzip as pureGzip, zstd as pureZstd } from '../../../packages/protocol/compression/pure.ts'
import type { Context } from '../context.ts'
import { must } from '../process.ts'

const PROGRAM = join(import.meta.dirname, '../../../packages/protocol/fixtures/records/RecordFixtures.java')
const TIME = 1_700_000_000_000
const LEVELS: Record<Codec, readonly (number | undefined)[]> = {
  none: [undefined],
  gzip: [undefined, 1, 9],
  snappy: [undefined],
  lz4: [undefined, 1, 5, 17],
  zstd: [undefined, -131072, 1, 19, 22],
}

/** Of a batch and its records, what RecordFixtures.java prints. */
type Described = { codec: string; crc: number; lastOffset: number; records: unknown[] }[]

const utf8 = (text: string) => new TextEncoder().encode(text)

function text(length: number): Uint8Array {
  let result = ''
  for (let i = 0; result.length < length; i++) result += `{"id":${i * 7},"user":"user-${(i * 7919) % 1000}"}\n`
  return utf8(result.slice(0, length))
}

function noise(length: number): Uint8Array {
  let state = length
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 16
  })
}

/** Small and large, compressible and not, with everything that may be null. */
function shapes(): Record<string, RecordInput[]> {
  const mixed = Array.from({ length: 60 }, (_, i) => ({
    key: [null, new Uint8Array(0), utf8('key'), utf8('ключ')][i % 4]!,
    value: [utf8('value'), null, new Uint8Array(0), text(300), noise(200)][i % 5]!,
    timestamp: TIME + (i % 7) * 1000 - (i % 3) * 77_777,
    headers:
      i % 3 === 0
        ? []
        : [
            { key: 'ж\u{1f600}', value: null },
            { key: '', value: noise(i) },
          ],
  }))
  const large = [text(200_000), noise(150_000), new Uint8Array(300_000), utf8('last')]
  return { one: mixed.slice(3, 4), mixed, large: large.map(value => ({ value, timestamp: TIME })) }
}

function makeBatches(): Map<string, Uint8Array> {
  const batches = new Map<string, Uint8Array>()
  const all = shapes()
  for (const codec of CODECS) {
    for (const level of LEVELS[codec]) {
      for (const [shape, records] of Object.entries(all)) {
        const options: BatchOptions = { codec, level, producerId: 5_000_000_000, producerEpoch: 3, baseSequence: 0 }
        batches.set(`${codec}-${level ?? 'default'}-${shape}`, encodeBatch(records, { baseOffset: 1000, ...options }))
      }
    }
  }
  useCompressor('gzip', pureGzip)
  useCompressor('zstd', pureZstd)
  for (const codec of ['gzip', 'zstd'] as const) {
    for (const [shape, records] of Object.entries(all)) {
      batches.set(`${codec}-pure-${shape}`, encodeBatch(records, { codec }))
    }
  }
  useCompressor('gzip', gzip)
  useCompressor('zstd', zstd)
  // Short of what makes the addons worth loading all is done in JavaScript; and once more past it.
  for (const codec of ['snappy', 'lz4'] as const) batches.set(`${codec}-addon`, encodeBatch(all.large!, { codec }))
  batches.set('append-time', encodeBatch(all.mixed!, { codec: 'lz4', logAppendTimeMs: TIME + 5 }))
  const marker = { timestamp: TIME, producerId: 9, producerEpoch: 1, coordinatorEpoch: 4, partitionLeaderEpoch: 2 }
  batches.set('marker', encodeEndTxnMarker('COMMIT', { baseOffset: 7, ...marker }))
  batches.set('compacted', compacted(batches.get('zstd-default-mixed')!))
  return batches
}

/** Every third record, with a delete horizon. */
function compacted(batch: Uint8Array): Uint8Array {
  const { baseOffset, lastOffset } = verifyBatch(batch)
  const builder = new BatchBuilder({ baseOffset, deleteHorizonMs: TIME + 1e9 })
  for (const cursor = new RecordCursor(batch, verifyBatch(batch)); cursor.next(); ) {
    if (cursor.index % 3 === 1) builder.copy(cursor)
  }
  return builder.build({ codec: 'zstd', lastOffset })
}

function content(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null
  if (bytes.length <= 32) return Buffer.from(bytes).toString('hex')
  return `${bytes.length}:${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`
}

function describe(bytes: Uint8Array): Described {
  const batch = verifyBatch(bytes)
  const cursor = new RecordCursor(bytes, batch)
  const records = decodeRecords(bytes, batch).map((record: KafkaRecord) => {
    cursor.next()
    const headers = record.headers.flatMap(({ key, value }) => [key, content(value)])
    return [record.offset, record.timestamp, cursor.sizeInBytes, content(record.key), content(record.value), headers]
  })
  return [{ codec: batch.codec, crc: batch.crc, lastOffset: batch.lastOffset, records }]
}

export async function batches({ kit, report }: Context): Promise<void> {
  const { java } = kit
  if (java === null) {
    report.skip('batches', 'no Java')
    return
  }
  const folder = join(kit.scratch, 'batches')
  mkdirSync(folder)
  const written = makeBatches()
  for (const [name, bytes] of written) writeFileSync(join(folder, name), bytes)
  let read: Record<string, Described> = {}
  await report.check('batches/read', async () => {
    const files = [...written.keys()].map(name => join(folder, name))
    read = JSON.parse(await must([...java.command(PROGRAM), 'read', ...files], { timeoutMs: 60_000 }))
  })
  for (const [name, bytes] of written) {
    await report.check(`batches/${name}`, async () => {
      const [expected] = describe(bytes)
      const { codec, crc, lastOffset, records } = read[join(folder, name)]![0]!
      assert.deepEqual({ codec, crc, lastOffset, records }, expected)
    })
  }
}
