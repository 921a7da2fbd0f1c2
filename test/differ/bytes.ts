/**
 * Makes the bytes that plans describe: record batches, whole and broken, and what members of classic groups tell of
 * themselves.
 */
import {
  type BatchOptions,
  encodeBatch,
  encodeToBytes,
  type RecordInput,
  setPartitionLeaderEpoch,
} from '@ottla/protocol'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '@ottla/protocol/messages/consumer-protocol'
import { type HeaderField, put, withWrongCrc } from '../interop/broken-batch.ts'

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

/** `values` are records; `overwrite` what the header says instead; `cut` how many bytes are missing at the end. */
function makeBatch(described: Description): Buffer {
  const { keys, values, timestamp, overwrite = {}, isCrcWrong, cut = 0, ...options } = described
  const records = (values as (string | null)[]).map((value, i): RecordInput => {
    const key = (keys as (string | null)[] | undefined)?.[i]
    const bytes = (text: string | null | undefined) => (text === null || text === undefined ? null : Buffer.from(text))
    return { key: bytes(key), value: bytes(value), timestamp: timestamp as number }
  })
  delete options.$
  let batch: Buffer = Buffer.from(encodeBatch(records, options as BatchOptions))
  setPartitionLeaderEpoch(batch, 0, -1)
  for (const [name, value] of Object.entries(overwrite as Partial<Record<HeaderField, number>>)) {
    batch = put(batch, name as HeaderField, value)
  }
  if (isCrcWrong) withWrongCrc(batch)
  return batch.subarray(0, batch.length - (cut as number))
}
