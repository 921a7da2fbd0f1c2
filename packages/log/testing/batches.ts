/** Batches as producers and coordinators would send them, for tests and benchmarks. */
import { type Codec, decodeRecords, encodeBatch, nextBatch } from '@ottla/protocol'
import type { ReadResult } from '../types.ts'

export interface BatchSpec {
  /** Values of the records; default one record 'x'. */
  readonly values?: readonly string[]
  readonly timestamp?: number
  readonly baseOffset?: number
  readonly leaderEpoch?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly sequence?: number
  readonly isTransactional?: boolean
  readonly codec?: Codec
}

export function batch(spec: BatchSpec = {}): Uint8Array {
  const { values = ['x'], timestamp = 1000, baseOffset = 0 } = spec
  return encodeBatch(
    values.map(value => ({ value: Buffer.from(value), timestamp })),
    {
      baseOffset,
      partitionLeaderEpoch: spec.leaderEpoch ?? -1,
      producerId: spec.producerId ?? -1,
      producerEpoch: spec.producerEpoch ?? (spec.producerId === undefined ? -1 : 0),
      baseSequence: spec.sequence ?? (spec.producerId === undefined ? -1 : 0),
      isTransactional: spec.isTransactional ?? false,
      codec: spec.codec ?? 'none',
    },
  )
}

export interface MarkerSpec {
  readonly producerId: number
  readonly producerEpoch?: number
  readonly isCommit: boolean
  readonly coordinatorEpoch?: number
  readonly timestamp?: number
  readonly baseOffset?: number
  readonly leaderEpoch?: number
}

/** The control batch that ends a transaction. */
export function marker(spec: MarkerSpec): Uint8Array {
  const key = Buffer.alloc(4)
  key.writeInt16BE(spec.isCommit ? 1 : 0, 2)
  const value = Buffer.alloc(6)
  value.writeInt32BE(spec.coordinatorEpoch ?? 0, 2)
  return encodeBatch([{ key, value, timestamp: spec.timestamp ?? 1000 }], {
    baseOffset: spec.baseOffset ?? 0,
    partitionLeaderEpoch: spec.leaderEpoch ?? -1,
    producerId: spec.producerId,
    producerEpoch: spec.producerEpoch ?? 0,
    baseSequence: -1,
    isTransactional: true,
    isControl: true,
  })
}

export interface ReadRecord {
  readonly offset: number
  readonly value: string
}

/** Of data batches; what a consumer would be given. */
export function recordsOf({ chunks }: Pick<ReadResult, 'chunks'>): ReadRecord[] {
  const records: ReadRecord[] = []
  for (const bytes of chunks) {
    for (let header = nextBatch(bytes, 0); header; header = nextBatch(bytes, header.position + header.sizeInBytes)) {
      if (header.isControl) continue
      for (const record of decodeRecords(bytes, header)) {
        records.push({ offset: record.offset, value: Buffer.from(record.value ?? []).toString() })
      }
    }
  }
  return records
}
