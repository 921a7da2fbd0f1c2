/** Which segments of a log may go, and why. Decides only; the log deletes. */
import type { Segment } from './segment.ts'

export type RetentionReason = 'log start offset' | 'retention.bytes' | 'retention.ms'

export interface RetentionView {
  /** Ascending; the last is the active one. */
  readonly segments: readonly Segment[]
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** Nothing at or above it is deleted, so that the log's start never passes it. */
  readonly highWatermark: number
}

type Condition = (segment: Segment, next: Segment | null) => boolean | Promise<boolean>

/**
 * The longest run of segments from the first for which the condition holds. The active segment may be among them (the
 * log then begins a new one), but not while it is empty.
 */
async function runOf(
  { segments, logEndOffset, highWatermark }: RetentionView,
  condition: Condition,
): Promise<Segment[]> {
  const run: Segment[] = []
  for (const [i, segment] of segments.entries()) {
    const next = segments[i + 1] ?? null
    const upperBound = next ? next.baseOffset : logEndOffset
    if (highWatermark < upperBound || (!next && segment.size === 0)) break
    if (!(await condition(segment, next))) break
    run.push(segment)
  }
  return run
}

/** All of it is below the log's start. */
export function belowLogStart(view: RetentionView): Promise<Segment[]> {
  return runOf(view, (_, next) => next !== null && next.baseOffset <= view.logStartOffset)
}

/** Without it the log is still as large as it may be. */
export function beyondBytes(view: RetentionView, retentionBytes: number): Promise<Segment[]> {
  if (retentionBytes < 0) return Promise.resolve([])
  let excess = -retentionBytes
  for (const segment of view.segments) excess += segment.size
  return runOf(view, segment => {
    if (excess < segment.size) return false
    excess -= segment.size
    return true
  })
}

/** Its largest timestamp, or if it has none its last change, is older than allowed. */
export function olderThan(view: RetentionView, retentionMs: number, nowMs: number): Promise<Segment[]> {
  if (retentionMs < 0) return Promise.resolve([])
  return runOf(view, async segment => {
    const { timestamp } = await segment.largestTimestamp()
    const lastMs = timestamp >= 0 ? timestamp : await segment.lastModifiedMs()
    return nowMs - lastMs > retentionMs
  })
}
