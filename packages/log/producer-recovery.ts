/** Finds out what a log knew of its producers at some offset: from the latest snapshot before it, and the log since. */
import type { Logger } from '@ottla/io'
import { DiskError } from '@ottla/io'
import { replayBatch } from './producer-replay.ts'
import type { ProducerState } from './producer-state.ts'
import { scanBatches } from './scan.ts'
import type { Segment } from './segment.ts'
import type { Snapshots } from './snapshots.ts'

export interface ProducerRecovery {
  readonly producers: ProducerState
  readonly snapshots: Snapshots
  /** Ascending. */
  readonly segments: readonly Segment[]
  readonly logStartOffset: number
  readonly nowMs: number
  readonly logger: Logger
}

/** Snapshots past `offset` are removed: what they were taken of is no longer in the log. */
export async function rebuildProducers(recovery: ProducerRecovery, offset: number): Promise<void> {
  const { producers, snapshots, logStartOffset } = recovery
  await snapshots.removeWhere(snapshot => snapshot > offset || snapshot <= logStartOffset)
  await loadSnapshot(recovery)
  for (const segment of recovery.segments) {
    const next = recovery.segments[recovery.segments.indexOf(segment) + 1]
    if (segment.baseOffset >= offset) break
    if (next && next.baseOffset <= producers.endOffset) continue
    await replaySegment(segment, producers, offset)
  }
  producers.endOffset = offset
}

async function loadSnapshot({ producers, snapshots, logStartOffset, nowMs, logger }: ProducerRecovery): Promise<void> {
  for (let latest = snapshots.latest; latest !== null; latest = snapshots.latest) {
    try {
      producers.load(await snapshots.read(latest), latest, nowMs)
      snapshots.lastOffset = latest
      return
    } catch (error) {
      if (error instanceof DiskError && error.code !== 'ENOENT') throw error
      const reason = error instanceof Error ? error.message : String(error)
      logger.warn('Leaving out a producer snapshot that cannot be used', { offset: latest, reason })
      await snapshots.remove(latest)
    }
  }
  producers.clear(logStartOffset)
  snapshots.lastOffset = logStartOffset
}

async function replaySegment(segment: Segment, producers: ProducerState, endOffset: number): Promise<void> {
  const from = await segment.positionBelow(producers.endOffset)
  await scanBatches(
    await segment.file(),
    { from, to: segment.writtenSize, check: 'headers' },
    (header, _position, bytes) => {
      if (header.lastOffset < producers.endOffset) return true
      if (header.baseOffset >= endOffset) return false
      replayBatch(producers, header, bytes)
      return true
    },
  )
}
