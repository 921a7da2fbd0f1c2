/** What a read of the log has brought, as the share partition sees it: which offsets, and which of them nobody wants. */
import { type BatchHeader, batches, decodeRecords, Reader } from '@ottla/protocol'
import type { PartitionRead } from '../replica/read.ts'
import type { AcquiredRecords, FetchedBatch } from './acquire.ts'

/** Of a control record's key: int16 version, int16 type. */
const MARKER_TYPE_AT = 2
const ABORT = 0
const NO_PRODUCER = -1
const SINCE_OFFSETS_ARE_FIRST = 2

export function fetchedBatches({ chunks, abortedTransactions }: PartitionRead): FetchedBatch[] {
  const aborted = [...(abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset)
  const producers = new Set<number>()
  const fetched: FetchedBatch[] = []
  let next = 0
  for (const chunk of chunks) {
    for (const batch of batches(chunk)) {
      while (next < aborted.length && aborted[next]!.firstOffset <= batch.lastOffset) {
        producers.add(aborted[next++]!.producerId)
      }
      fetched.push({
        baseOffset: baseOffsetOf(batch, fetched.at(-1)),
        lastOffset: batch.lastOffset,
        isAborted: isAborted(chunk, batch, producers),
      })
    }
  }
  return fetched
}

/** What a compressed message set of old begins with is known only when it is decompressed; what came before it is. */
function baseOffsetOf({ magic, baseOffset, lastOffset }: BatchHeader, before: FetchedBatch | undefined): number {
  if (magic >= SINCE_OFFSETS_ARE_FIRST) return baseOffset
  return before ? Math.min(before.lastOffset + 1, lastOffset) : baseOffset
}

function isAborted(chunk: Uint8Array, batch: BatchHeader, producers: Set<number>): boolean {
  if (batch.producerId === NO_PRODUCER || !producers.has(batch.producerId)) return false
  if (!batch.isControl) return batch.isTransactional
  const key = decodeRecords(chunk, batch)[0]?.key
  if (key && new Reader(key, MARKER_TYPE_AT).int16() === ABORT) producers.delete(batch.producerId)
  return false
}

/** The batches that hold anything of what was acquired, and those between them. */
export function slicesOf(chunks: readonly Uint8Array[], acquired: readonly AcquiredRecords[]): Uint8Array[] {
  const firstOffset = acquired[0]!.firstOffset
  const lastOffset = acquired.at(-1)!.lastOffset
  return chunks.flatMap(chunk => {
    let from = -1
    let to = 0
    for (const batch of batches(chunk)) {
      if (batch.lastOffset < firstOffset || batch.baseOffset > lastOffset) continue
      if (from < 0) from = batch.position
      to = batch.position + batch.sizeInBytes
    }
    if (from < 0) return []
    return from === 0 && to === chunk.length ? [chunk] : [chunk.subarray(from, to)]
  })
}
