/** Finds offsets by timestamp. */
import { type BatchHeader, decodeRecords, type KafkaRecord, ProtocolError } from '@ottla/protocol'
import { asLogError } from './append-check.ts'
import { scanBatches } from './scan.ts'
import type { Segment } from './segment.ts'
import type { OffsetAndTimestamp } from './types.ts'

/** Of the first record at or above `startOffset` that is `timestamp` old or younger. */
export async function findTimestamp(
  segments: readonly Segment[],
  timestamp: number,
  startOffset: number,
): Promise<OffsetAndTimestamp | null> {
  for (const segment of segments) {
    const largest = await segment.largestTimestamp()
    // What has no timestamps is as young as its last change.
    const latest = largest.timestamp >= 0 ? largest.timestamp : await segment.lastModifiedMs()
    if (latest < timestamp) continue
    const { time } = await segment.indexes()
    const position = await segment.positionBelow(Math.max(time.offsetBelow(timestamp), startOffset))
    const found = await firstRecord(
      segment,
      position,
      batch => batch.maxTimestamp >= timestamp && batch.lastOffset >= startOffset,
      record => record.timestamp >= timestamp && record.offset >= startOffset,
    )
    if (found) return found // else the young ones are below the log's start
  }
  return null
}

/** Of the first record that has the largest timestamp of all. */
export async function findLargestTimestamp(segments: readonly Segment[]): Promise<OffsetAndTimestamp | null> {
  let latest: Segment | null = null
  let largest = { timestamp: -1, offset: -1 }
  for (const segment of segments) {
    const found = await segment.largestTimestamp()
    if (found.timestamp <= largest.timestamp) continue
    latest = segment
    largest = found
  }
  if (!latest) return null
  return await firstRecord(
    latest,
    await latest.positionBelow(largest.offset),
    batch => batch.maxTimestamp === largest.timestamp,
    record => record.timestamp === largest.timestamp,
  )
}

async function firstRecord(
  segment: Segment,
  from: number,
  mayHold: (batch: BatchHeader) => boolean,
  isWanted: (record: KafkaRecord) => boolean,
): Promise<OffsetAndTimestamp | null> {
  let found: OffsetAndTimestamp | null = null
  const options = { from, to: segment.writtenSize, check: 'headers', pieceBytes: 64 * 1024 } as const
  const { problem } = await scanBatches(await segment.file(), options, (batch, _position, bytes) => {
    if (!mayHold(batch)) return true
    const record = recordsOf(bytes, batch).find(isWanted)
    if (!record) return true
    found = { offset: record.offset, timestamp: record.timestamp, leaderEpoch: batch.partitionLeaderEpoch }
    return false
  })
  if (problem) throw asLogError(problem)
  return found
}

function recordsOf(bytes: Uint8Array, batch: BatchHeader): KafkaRecord[] {
  try {
    return decodeRecords(bytes, batch)
  } catch (error) {
    throw error instanceof ProtocolError ? asLogError(error) : error
  }
}
