/**
 * Makes the bytes that plans describe: record batches, whole and broken, and what members of classic groups tell of
 * themselves.
 */
import {
  type BatchOptions,
  crc32c,
  encodeBatch,
  encodeToBytes,
  type RecordInput,
  setPartitionLeaderEpoch,
} from '@ottla/protocol'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '@ottla/protocol/messages/consumer-protocol'

type Description = Record<string, unknown>

const MAKERS: Readonly<Record<string, (of: Description) => unknown>> = {
  text: ({ text }) => Buffer.from(text as string),
  /** Several, one after the other. */
  batches: ({ batches }) => Buffer.concat(batches as Buffer[]),
  batch: makeBatch,
  subscription: ({ topics, version }) => {
    const body = encodeToBytes(ConsumerProtocolSubscription, version as number, { topics: topics as string[] })
    return versioned(version as number, body)
  },
  assignment: ({ topic, partitions }) => {
    const assignedPartitions = [{ topic: topic as string, partitions: partitions as number[] }]
    return versioned(0, encodeToBytes(ConsumerProtocolAssignment, 0, { assignedPartitions }))
  },
}

export function makeBytes(described: Description): unknown {
  const make = MAKERS[described.$ as string]
  if (!make) throw new Error(`bytes of an unknown kind: ${described.$}`)
  return make(described)
}

function versioned(version: number, body: Uint8Array): Buffer {
  const number = Buffer.alloc(2)
  number.writeInt16BE(version)
  return Buffer.concat([number, body])
}

/** Of a batch's header, by its layout: places that can be written over. */
const PLACES: Readonly<Record<string, readonly [at: number, bytes: number]>> = {
  baseOffset: [0, 8],
  length: [8, 4],
  magic: [16, 1],
  attributes: [21, 2],
  lastOffsetDelta: [23, 4],
  baseTimestamp: [27, 8],
  maxTimestamp: [35, 8],
  producerId: [43, 8],
  producerEpoch: [51, 2],
  baseSequence: [53, 4],
  count: [57, 4],
}
const CRC_AT = 17
const COVERED_FROM = 21

/** `values` are records; `overwrite` what the header says instead; `cut` how many bytes are missing at the end. */
function makeBatch(described: Description): Buffer {
  const { keys, values, timestamp, overwrite = {}, isCrcWrong, cut = 0, ...options } = described
  const records = (values as (string | null)[]).map((value, i): RecordInput => {
    const key = (keys as (string | null)[] | undefined)?.[i]
    const bytes = (text: string | null | undefined) => (text === null || text === undefined ? null : Buffer.from(text))
    return { key: bytes(key), value: bytes(value), timestamp: timestamp as number }
  })
  delete options.$
  const batch = Buffer.from(encodeBatch(records, options as BatchOptions))
  setPartitionLeaderEpoch(batch, 0, -1)
  for (const [name, value] of Object.entries(overwrite as Record<string, number>)) {
    const [at, size] = PLACES[name]!
    if (size === 8) batch.writeBigInt64BE(BigInt(value), at)
    else batch.writeIntBE(value, at, size)
  }
  batch.writeUInt32BE(crc32c(batch, COVERED_FROM, batch.length), CRC_AT)
  if (isCrcWrong) batch[CRC_AT]! ^= 1
  return batch.subarray(0, batch.length - (cut as number))
}
