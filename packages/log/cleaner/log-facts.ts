/** What the plan has to know of a log, gathered: from memory, and from its files where lags in time are set. */
import type { PartitionLog } from '../partition-log.ts'
import type { LogFacts, SegmentFacts } from './plan.ts'

export function factsNow(log: PartitionLog, checkpoint: number | null): LogFacts {
  const { logStartOffset, logEndOffset, lastStableOffset, config } = log
  const { minCleanableDirtyRatio, minCompactionLagMs, maxCompactionLagMs } = config
  const segments = log.store.segments.all.map(({ baseOffset, size }) => ({ baseOffset, sizeInBytes: size }))
  const lags = { minCompactionLagMs, maxCompactionLagMs }
  return { segments, logStartOffset, logEndOffset, lastStableOffset, checkpoint, minCleanableDirtyRatio, ...lags }
}

/** A bound of more than the clock shows is none. */
export async function factsOf(log: PartitionLog, checkpoint: number | null, nowMs: number): Promise<LogFacts> {
  const hasMin = log.config.minCompactionLagMs > 0
  const hasMax = log.config.maxCompactionLagMs < nowMs
  if (!hasMin && !hasMax) return factsNow(log, checkpoint)
  const segments: SegmentFacts[] = []
  const { all } = log.store.segments
  for (const [i, segment] of all.entries()) {
    const isDirty = (all[i + 1]?.baseOffset ?? -1) > (checkpoint ?? -1)
    segments.push({
      baseOffset: segment.baseOffset,
      sizeInBytes: segment.size,
      ...(hasMin && isDirty && { largestTimestamp: (await segment.largestTimestamp()).timestamp }),
      ...(hasMax && isDirty && { firstTimestamp: await segment.firstTimestamp() }),
    })
  }
  return { ...factsNow(log, checkpoint), segments }
}
