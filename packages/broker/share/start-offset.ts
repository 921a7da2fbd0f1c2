/** Where a share group begins in a partition that it has never read: share.auto.offset.reset. */
import type { PartitionLog } from '@ottla/log'
import { ApiError } from '../errors.ts'

/** `byDurationMs`: at the first record that is no older. */
export type OffsetReset = 'earliest' | 'latest' | { readonly byDurationMs: number }

/** No promise where nothing has to be looked for: partitions that are loaded together are ready in their order. */
export function startOffsetOf(log: PartitionLog, reset: OffsetReset, nowMs: number): number | Promise<number> {
  if (reset === 'earliest') return log.logStartOffset
  if (reset === 'latest') return log.highWatermark
  return offsetSince(log, nowMs - reset.byDurationMs)
}

async function offsetSince(log: PartitionLog, timestamp: number): Promise<number> {
  const found = await log.offsetForTimestamp(timestamp)
  if (!found || found.offset >= log.highWatermark) {
    throw new ApiError('OFFSET_NOT_AVAILABLE', `there is no record since ${timestamp} to begin with`)
  }
  return found.offset
}
