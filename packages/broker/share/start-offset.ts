/** Where a share group begins in a partition that it has never read: share.auto.offset.reset. */
import type { PartitionLog } from '@ottla/log'
import { ApiError } from '../errors.ts'

/** `byDurationMs`: at the first record that is no older. */
export type OffsetReset = 'earliest' | 'latest' | { readonly byDurationMs: number }

export async function startOffsetOf(log: PartitionLog, reset: OffsetReset, nowMs: number): Promise<number> {
  if (reset === 'earliest') return log.logStartOffset
  if (reset === 'latest') return log.highWatermark
  const timestamp = nowMs - reset.byDurationMs
  const found = await log.offsetForTimestamp(timestamp)
  if (!found || found.offset >= log.highWatermark) {
    throw new ApiError('OFFSET_NOT_AVAILABLE', `there is no record since ${timestamp} to begin with`)
  }
  return found.offset
}
