/**
 * What is to be cleaned next, and how: decided from numbers alone, in Kafka's terms. A log has a clean part, up to the
 * checkpoint, where each key is there once; then a dirty part; then what cannot be cleaned yet: from the last stable offset,
 * the first segment younger than min.compaction.lag.ms, or the active segment on, whichever comes first.
 */

/** What has to be known of a segment. */
export interface SegmentFacts {
  readonly baseOffset: number
  readonly sizeInBytes: number
  /** Only where min.compaction.lag.ms asks for it. */
  readonly largestTimestamp?: number
  /** Of its first batch; only where max.compaction.lag.ms asks for it. */
  readonly firstTimestamp?: number
}

export interface LogFacts {
  /** Ascending; the last is the active one. */
  readonly segments: readonly SegmentFacts[]
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly lastStableOffset: number
  /** Up to where the log is clean, as it was written down; null: it was never cleaned. */
  readonly checkpoint: number | null
  readonly minCleanableDirtyRatio: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
}

export interface DirtyRange {
  readonly firstDirtyOffset: number
  /** Exclusive; where a segment begins, unless the last stable offset is within one. */
  readonly endOffset: number
  /** The checkpoint is not of this log as it is: `firstDirtyOffset` is to be written in its place. */
  readonly correctsCheckpoint: boolean
}

export interface CleaningPlan extends DirtyRange {
  readonly cleanBytes: number
  readonly cleanableBytes: number
  /** Of the clean and the cleanable part, how much is dirty. */
  readonly dirtyRatio: number
  /** How long the oldest dirty record has waited past max.compaction.lag.ms; 0: not at all. */
  readonly delayMs: number
  readonly isDue: boolean
}

export function planOf(facts: LogFacts, nowMs: number): CleaningPlan {
  const range = dirtyRange(facts, nowMs)
  const { firstDirtyOffset } = range
  const { segments } = facts
  const delayMs = compactionDelay(facts, firstDirtyOffset, nowMs)
  // A segment that is cleaned in part is not counted, and not cleaned beyond what the map knows.
  const next = closedFrom(segments, range.endOffset)[0] ?? segments.at(-1)!
  const from = Math.min(firstDirtyOffset, next.baseOffset)
  const cleanBytes = bytesIn(segments, -1, firstDirtyOffset)
  const cleanableBytes = bytesIn(segments, from, next.baseOffset)
  const dirtyRatio = cleanBytes + cleanableBytes === 0 ? 0 : cleanableBytes / (cleanBytes + cleanableBytes)
  const isDue = (delayMs > 0 && cleanableBytes > 0) || dirtyRatio > facts.minCleanableDirtyRatio
  return { ...range, endOffset: next.baseOffset, cleanBytes, cleanableBytes, dirtyRatio, delayMs, isDue }
}

/** Segments that hold offsets in [from, to), as Kafka counts them: the one that `from` is in included. */
function bytesIn(segments: readonly SegmentFacts[], from: number, to: number): number {
  if (to <= from) return 0
  const first = Math.max(
    0,
    segments.findLastIndex(({ baseOffset }) => baseOffset <= from),
  )
  let bytes = 0
  for (const { baseOffset, sizeInBytes } of segments.slice(first)) if (baseOffset < to) bytes += sizeInBytes
  return bytes
}

/** Closed segments from the one on that holds `offset`. */
function closedFrom(segments: readonly SegmentFacts[], offset: number): readonly SegmentFacts[] {
  return segments.slice(0, -1).filter((_, i) => segments[i + 1]!.baseOffset > offset)
}

function dirtyRange(facts: LogFacts, nowMs: number): DirtyRange {
  const { logStartOffset, logEndOffset, lastStableOffset, segments, minCompactionLagMs } = facts
  const checkpoint = facts.checkpoint ?? logStartOffset
  const correctsCheckpoint = checkpoint < logStartOffset || checkpoint > logEndOffset
  const firstDirtyOffset = correctsCheckpoint ? logStartOffset : checkpoint
  const young =
    minCompactionLagMs > 0
      ? closedFrom(segments, firstDirtyOffset).find(
          ({ largestTimestamp = -1 }) => largestTimestamp > nowMs - minCompactionLagMs,
        )
      : undefined
  const endOffset = Math.min(
    lastStableOffset,
    segments.at(-1)!.baseOffset,
    young?.baseOffset ?? Number.POSITIVE_INFINITY,
  )
  return { firstDirtyOffset, endOffset: Math.max(firstDirtyOffset, endOffset), correctsCheckpoint }
}

function compactionDelay({ segments, maxCompactionLagMs }: LogFacts, firstDirtyOffset: number, nowMs: number): number {
  const timestamps = closedFrom(segments, firstDirtyOffset).map(({ firstTimestamp = -1 }) => firstTimestamp)
  const earliest = Math.min(...timestamps.filter(timestamp => timestamp > 0))
  return Math.max(0, nowMs - Math.max(0, maxCompactionLagMs) - earliest)
}

// ---------------------------------------------------------------------------------------------------------- groups

export interface GroupableSegment {
  readonly baseOffset: number
  readonly sizeInBytes: number
  readonly offsetIndexBytes: number
  readonly timeIndexBytes: number
}

const MAX_RELATIVE_OFFSET = 0x7fffffff

/**
 * Neighbours that fit into one segment together as they are now become one, so that cleaning does not leave more and more
 * and smaller and smaller ones. `endOffset`: one past the last offset that may be in the last of them.
 */
export function groupSegments<S extends GroupableSegment>(
  segments: readonly S[],
  { segmentBytes, segmentIndexBytes }: { readonly segmentBytes: number; readonly segmentIndexBytes: number },
  endOffset: number,
): S[][] {
  const groups: S[][] = []
  let size = 0
  let offsetIndexBytes = 0
  let timeIndexBytes = 0
  for (const [i, segment] of segments.entries()) {
    const group = groups.at(-1)
    const lastOffset = (segments[i + 1]?.baseOffset ?? endOffset) - 1
    size += segment.sizeInBytes
    offsetIndexBytes += segment.offsetIndexBytes
    timeIndexBytes += segment.timeIndexBytes
    const fits =
      size <= segmentBytes &&
      offsetIndexBytes <= segmentIndexBytes &&
      timeIndexBytes <= segmentIndexBytes &&
      // One without a batch has no offset that could be too far.
      (segment.sizeInBytes === 0 || !group || lastOffset - group[0]!.baseOffset <= MAX_RELATIVE_OFFSET)
    if (group && fits) {
      group.push(segment)
      continue
    }
    groups.push([segment])
    size = segment.sizeInBytes
    offsetIndexBytes = segment.offsetIndexBytes
    timeIndexBytes = segment.timeIndexBytes
  }
  return groups
}
