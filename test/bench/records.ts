/**
 * What reading, checking and writing record batches costs: `node test/bench/records.ts`, median nanoseconds a batch and a
 * record. Scanning is what a broker does with each batch of a produce request, decoding what a consumer does.
 */
import {
  CODECS,
  decodeRecords,
  encodeBatch,
  RecordCursor,
  type RecordInput,
  readBatchHeader,
  verifyBatch,
} from '@ottla/protocol'
import { do_not_optimize, measure } from 'mitata'

const LOADS_ADDONS = 8

interface Shape {
  readonly name: string
  readonly records: number
  readonly valueBytes: number
  readonly headers: number
}

const SHAPES: readonly Shape[] = [
  { name: '1 record of 100 B', records: 1, valueBytes: 100, headers: 0 },
  { name: '150 of 100 B', records: 150, valueBytes: 100, headers: 0 },
  { name: '150 of 100 B, 2 headers', records: 150, valueBytes: 100, headers: 2 },
  { name: '16 of 1 KiB', records: 16, valueBytes: 1024, headers: 0 },
  { name: '1,000 of 1 KiB', records: 1000, valueBytes: 1024, headers: 0 },
]

const utf8 = (text: string) => new TextEncoder().encode(text)

function recordsOf({ records, valueBytes, headers }: Shape): RecordInput[] {
  return Array.from({ length: records }, (_, i) => ({
    key: utf8(`key-${i % 1000}`),
    value: utf8(`{"id":${i * 7919},"user":"user-${(i * 31) % 997}"}`.repeat(valueBytes / 20)).subarray(0, valueBytes),
    timestamp: 1_700_000_000_000 + i,
    headers: Array.from({ length: headers }, (_, h) => ({ key: `header-${h}`, value: utf8('value') })),
  }))
}

async function nanoseconds(run: () => unknown): Promise<number> {
  return (await measure(() => do_not_optimize(run()), { min_cpu_time: 60e6 })).p50
}

function scan(bytes: Uint8Array): number {
  let sum = 0
  for (const cursor = new RecordCursor(bytes, readBatchHeader(bytes)); cursor.next(); ) {
    sum += cursor.offsetDelta + cursor.timestampDelta + cursor.keyLength + cursor.valueLength
  }
  return sum
}

console.log('| batch | bytes | header | verify | scan a record | decode a record | encode a record |')
console.log('|---|---:|---:|---:|---:|---:|---:|')
for (const shape of SHAPES) {
  const records = recordsOf(shape)
  const bytes = encodeBatch(records)
  for (let i = 0; i < LOADS_ADDONS; i++) verifyBatch(encodeBatch(recordsOf(SHAPES.at(-1)!)))
  const batch = verifyBatch(bytes)
  const header = await nanoseconds(() => readBatchHeader(bytes))
  const verify = await nanoseconds(() => verifyBatch(bytes))
  const each = [() => scan(bytes), () => decodeRecords(bytes, batch), () => encodeBatch(records)]
  const cells: string[] = []
  for (const run of each) cells.push(((await nanoseconds(run)) / shape.records).toFixed(0))
  console.log(
    `| ${shape.name} | ${bytes.length} | ${header.toFixed(0)} | ${verify.toFixed(0)} | ${cells.join(' | ')} |`,
  )
}

console.log('\n| codec | bytes | µs to encode | µs to scan | µs per KiB of records to encode | and to scan |')
console.log('|---|---:|---:|---:|---:|---:|')
const records = recordsOf({ ...SHAPES[1]!, records: 500 })
const kibibytes = encodeBatch(records).length / 1024
for (const codec of CODECS) {
  const bytes = encodeBatch(records, { codec })
  const encode = (await nanoseconds(() => encodeBatch(records, { codec }))) / 1000
  const read = (await nanoseconds(() => scan(bytes))) / 1000
  const perKib = [encode, read].map(total => (total / kibibytes).toFixed(2))
  console.log(`| ${codec} | ${bytes.length} | ${encode.toFixed(0)} | ${read.toFixed(0)} | ${perKib.join(' | ')} |`)
}
