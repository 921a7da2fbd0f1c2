/** Reads one partition for a Fetch: how far its reader may see, whether its history agrees, which transactions to skip. */
import type { AbortedTransaction, PartitionLog, ReadResult } from '@ottla/log'
import { ApiError } from '../errors.ts'
import type { FetchPartition } from './fetch-session.ts'
import type { Partition } from './partition.ts'

export interface PartitionRead {
  readonly chunks: readonly Uint8Array[]
  readonly sizeInBytes: number
  /** See ReadResult. */
  readonly release: (() => void) | null
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** The reader's log has gone another way since here; nothing was read. */
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | null
  /** null unless the reader is shown committed data only; and, as in Kafka, where there is more than it has room for. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
}

export interface ReadLimits {
  readonly maxBytes: number
  readonly minOneBatch: boolean
  /** Read up to the last stable offset, not to the high watermark. */
  readonly committed: boolean
}

const NOTHING: ReadResult = { chunks: [], sizeInBytes: 0, baseOffset: -1, nextOffset: -1, release: null }

/** Throws or rejects with an ApiError or a LogError. Not a promise if the log has the data in memory. */
export function readPartition(
  partition: Partition,
  wanted: FetchPartition,
  limits: ReadLimits,
): PartitionRead | Promise<PartitionRead> {
  // Any negative epoch is none here; elsewhere only -1 is.
  const log = partition.leaderLog(Math.max(-1, wanted.currentLeaderEpoch))
  const diverging = divergence(log, partition, wanted)
  if (diverging) return finish(log, NOTHING, null, diverging)
  const upperBoundOffset = limits.committed ? log.lastStableOffset : log.highWatermark
  const data = log.read(wanted.fetchOffset, {
    maxBytes: limits.maxBytes,
    minOneBatch: limits.minOneBatch,
    upperBoundOffset,
  })
  if (!limits.committed) {
    return data instanceof Promise ? data.then(read => finish(log, read, null, null)) : finish(log, data, null, null)
  }
  const ifNothing = limits.maxBytes > 0 && wanted.fetchOffset < upperBoundOffset ? null : []
  return withAborted(log, wanted.fetchOffset, data, ifNothing)
}

async function withAborted(
  log: PartitionLog,
  from: number,
  data: ReadResult | Promise<ReadResult>,
  ifNothing: readonly AbortedTransaction[] | null,
): Promise<PartitionRead> {
  const read = await data
  const aborted = read.sizeInBytes > 0 ? await log.abortedTransactions(from, read.nextOffset) : ifNothing
  return finish(log, read, aborted, null)
}

function finish(
  log: PartitionLog,
  read: ReadResult,
  abortedTransactions: readonly AbortedTransaction[] | null,
  divergingEpoch: PartitionRead['divergingEpoch'],
): PartitionRead {
  return {
    chunks: read.chunks,
    sizeInBytes: read.sizeInBytes,
    release: read.release,
    highWatermark: log.highWatermark,
    lastStableOffset: log.lastStableOffset,
    logStartOffset: log.logStartOffset,
    divergingEpoch,
    abortedTransactions,
  }
}

/** The end of the last epoch that both logs have, if the reader is past it (KIP-320, KIP-595). */
function divergence(log: PartitionLog, partition: Partition, wanted: FetchPartition): PartitionRead['divergingEpoch'] {
  if (wanted.lastFetchedEpoch < 0) return null
  const end = log.endOffsetForEpoch(wanted.lastFetchedEpoch)
  if (!end) {
    throw new ApiError(
      'OFFSET_OUT_OF_RANGE',
      `${partition.name} knows no leader epoch up to ${wanted.lastFetchedEpoch}`,
    )
  }
  const agrees = end.leaderEpoch >= wanted.lastFetchedEpoch && end.endOffset >= wanted.fetchOffset
  return agrees ? null : { epoch: end.leaderEpoch, endOffset: end.endOffset }
}
