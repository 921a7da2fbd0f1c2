/**
 * Reads batches: from the tail cache where it has them, else with one positioned read from a segment's file. Keeps in
 * mind where the last readers stopped, because they will go on there, and the index is sparse.
 */
import {
  BATCH_HEADER_BYTES,
  batchSizeAt,
  HEADER_BYTES_UP_TO_MAGIC,
  ProtocolError,
  readBatchHeader,
} from '@ottla/protocol'
import { LogError } from './errors.ts'
import type { LogStore } from './log-store.ts'
import type { Segment } from './segment.ts'
import { share } from './tail-cache.ts'
import type { ReadResult } from './types.ts'

/** A read as the log has bounded it. */
export interface BoundedRead {
  readonly startOffset: number
  /** Only batches that end below. */
  readonly boundOffset: number
  readonly maxBytes: number
  readonly minOneBatch: boolean
}

/** Where in a segment's file to look for an offset. */
interface Place {
  readonly segment: Segment
  readonly offset: number
  readonly position: number
  /** Last offset of the batch at `position`, if the index said so; -1: the batch is the right one. */
  readonly indexedOffset: number
  /** How far behind `position` the batch may be. */
  readonly gapBytes: number
}

/** As many as there may be readers at work on one log without disturbing each other. */
const PLACES_KEPT = 8
/** How far behind an index entry the batch looked for can be, as a rule; farther takes another read. */
const MAX_GAP_BYTES = 1024 * 1024
/** A response of more slices is joined: the kernel takes 1,024 at once, and each costs. */
const MAX_CHUNKS = 512
const FIND_BYTES = 64 * 1024

export class LogReader {
  readonly #store: LogStore
  readonly #places: Place[] = []
  #nextPlace = 0

  constructor(store: LogStore) {
    this.#store = store
  }

  /** After a cut: what is known of places is void. */
  forget(): void {
    this.#places.length = 0
    this.#nextPlace = 0
  }

  /** null: the cache does not reach back that far. */
  readTail(read: BoundedRead): ReadResult | null {
    const { startOffset, boundOffset, maxBytes, minOneBatch } = read
    const { tail } = this.#store
    let index = tail.find(startOffset)
    if (index < 0) return null
    const chunks: Uint8Array[] = []
    let size = 0
    let baseOffset = startOffset
    let nextOffset = startOffset
    for (let chunk = tail.at(index); chunk && chunk.baseOffset < boundOffset; chunk = tail.at(++index)) {
      const { bytes } = chunk
      const fits = size + bytes.length <= maxBytes && chunk.endOffset <= boundOffset
      if (fits && chunk.baseOffset >= startOffset) {
        if (size === 0) baseOffset = chunk.baseOffset
        chunks.push(share(chunk))
        size += bytes.length
        nextOffset = chunk.endOffset
        continue
      }
      const rest = { startOffset, boundOffset, maxBytes: maxBytes - size, minOneBatch: minOneBatch && size === 0 }
      const part = select(bytes, rest)
      if (part.to > part.from) {
        if (size === 0) baseOffset = part.baseOffset
        chunks.push(share(chunk).subarray(part.from, part.to))
        size += part.to - part.from
        nextOffset = part.nextOffset
      }
      if (part.isFull) break
    }
    const joined = chunks.length > MAX_CHUNKS ? [Buffer.concat(chunks, size)] : chunks
    return { chunks: joined, sizeInBytes: size, baseOffset, nextOffset, release: null }
  }

  /** null: a segment was deleted or replaced under the read; try again, if the offset is still in the log. */
  async readFile(read: BoundedRead): Promise<ReadResult | null> {
    let place = this.#knownPlace(read.startOffset)
    let isRebuilt = false
    for (;;) {
      const { segment } = place ?? { segment: this.#floor(read.startOffset) }
      try {
        place ??= await this.#indexedPlace(segment, read.startOffset)
        return await this.#readFrom(place, read)
      } catch (error) {
        if (segment.isDeleted) return null
        if (!(error instanceof ProtocolError)) throw error
        // Either the index or the log is not what was written. The index can be made again.
        if (isRebuilt) {
          throw new LogError('CORRUPT_MESSAGE', `segment ${segment.baseOffset} is damaged: ${error.message}`, {
            cause: error,
          })
        }
        isRebuilt = true
        this.forget()
        place = null
        await segment.rebuildIndexes()
        if (segment.isClosed) await this.#store.inTurn(() => segment.saveIndexes(true))
      }
    }
  }

  /** null: the segment was replaced, and what comes after it is to be looked for anew. */
  async #readFrom(place: Place, read: BoundedRead): Promise<ReadResult | null> {
    const { startOffset } = read
    const { readMemory } = this.#store.environment
    const empty: ReadResult = {
      chunks: [],
      sizeInBytes: 0,
      baseOffset: startOffset,
      nextOffset: startOffset,
      release: null,
    }
    let { segment, position, indexedOffset } = place
    let length = Math.max(read.maxBytes + place.gapBytes, HEADER_BYTES_UP_TO_MAGIC)
    for (;;) {
      const available = segment.writtenSize - position
      if (available > 0) {
        const bytes = await segment.readInto(readMemory.take(Math.min(length, available)), position)
        checkIndexed(bytes, indexedOffset)
        indexedOffset = -1
        const found = select(bytes, read)
        if (found.to > found.from) {
          this.#remember({ ...NEXT, segment, offset: found.nextOffset, position: position + found.to })
          const chunk = bytes.subarray(found.from, found.to)
          return {
            chunks: [chunk],
            sizeInBytes: chunk.length,
            baseOffset: found.baseOffset,
            nextOffset: found.nextOffset,
            release: () => readMemory.giveBack(bytes),
          }
        }
        readMemory.giveBack(bytes)
        if (found.isFull) return empty
        if (found.from + found.neededBytes <= available) {
          position += found.from
          length = Math.max(found.neededBytes, read.maxBytes)
          continue
        }
      }
      // All that is here is below `startOffset`: it was compacted away, or the segment ends with a hole.
      if (segment.isDeleted) return null
      const next = this.#after(segment)
      if (!next || next.baseOffset >= read.boundOffset) return empty
      segment = next
      position = 0
      length = read.maxBytes
    }
  }

  /** The batch that holds `offset`, or the first one after it: where it begins; null: there is none in this segment. */
  async findBatch(segment: Segment, offset: number): Promise<{ position: number; baseOffset: number } | null> {
    let position = await segment.positionBelow(offset)
    const end = segment.writtenSize
    const wanted = { startOffset: offset, boundOffset: Number.MAX_SAFE_INTEGER, maxBytes: 0, minOneBatch: false }
    while (end - position >= HEADER_BYTES_UP_TO_MAGIC) {
      const bytes = await segment.read(position, Math.min(FIND_BYTES, end - position))
      const { from, isFull } = select(bytes, wanted)
      if (isFull) return { position: position + from, baseOffset: readBatchHeader(bytes, from).baseOffset }
      if (from === 0) break
      position += from
    }
    return null
  }

  // ---------------------------------------------------------------------------------------------------------- places

  #floor(offset: number): Segment {
    const { segments } = this.#store
    return segments.all[Math.max(0, segments.floorIndex(offset))]!
  }

  #after(segment: Segment): Segment | null {
    const { all } = this.#store.segments
    return all[all.indexOf(segment) + 1] ?? null
  }

  #knownPlace(offset: number): Place | null {
    return this.#places.find(place => place.offset === offset && !place.segment.isDeleted) ?? null
  }

  #remember(place: Place): void {
    const known = this.#places.findIndex(other => other.offset === place.offset)
    if (known >= 0) this.#places[known] = place
    else {
      this.#places[this.#nextPlace] = place
      this.#nextPlace = (this.#nextPlace + 1) % PLACES_KEPT
    }
  }

  async #indexedPlace(segment: Segment, offset: number): Promise<Place> {
    const { offset: index } = await segment.indexes()
    const entry = index.find(offset)
    const position = entry < 0 ? 0 : index.positionAt(entry)
    const next = entry + 1 < index.entries ? index.positionAt(entry + 1) : segment.writtenSize
    return {
      segment,
      offset,
      position,
      indexedOffset: entry < 0 ? -1 : index.offsetAt(entry),
      gapBytes: Math.min(next - position, MAX_GAP_BYTES),
    }
  }
}

const NEXT = { indexedOffset: -1, gapBytes: 0 }

function checkIndexed(bytes: Uint8Array, indexedOffset: number): void {
  if (indexedOffset < 0) return
  const { lastOffset } = readBatchHeader(bytes)
  if (lastOffset !== indexedOffset) {
    throw new ProtocolError(
      'ERR_CORRUPT',
      `a batch that ends at ${lastOffset} is indexed as ending at ${indexedOffset}`,
    )
  }
}

interface Selection {
  /** Bytes of the whole batches that may be returned; where the first would begin, if none may. */
  readonly from: number
  readonly to: number
  readonly baseOffset: number
  readonly nextOffset: number
  /** The next batch may not be returned; false: `bytes` is at its end. */
  readonly isFull: boolean
  /** If nothing was selected: the batch at `from` needs so many. */
  readonly neededBytes: number
}

/** The batches of a read in `bytes`, which begin with a batch. */
function select(bytes: Uint8Array, { startOffset, boundOffset, maxBytes, minOneBatch }: BoundedRead): Selection {
  let from = 0
  let to = 0
  let baseOffset = startOffset
  let nextOffset = startOffset
  let neededBytes = HEADER_BYTES_UP_TO_MAGIC
  let isFull = false
  while (bytes.length - to >= HEADER_BYTES_UP_TO_MAGIC) {
    neededBytes = batchSizeAt(bytes, to)
    const there = bytes.length - to
    if (there < neededBytes) {
      if (to > from || there < BATCH_HEADER_BYTES) break
      // Its header tells whether the rest is worth reading.
      if (readBatchHeader(bytes, to).lastOffset < startOffset) {
        to += neededBytes
        from = to
        neededBytes = HEADER_BYTES_UP_TO_MAGIC
      } else isFull = neededBytes > maxBytes && !minOneBatch
      break
    }
    const header = readBatchHeader(bytes, to)
    if (header.lastOffset < startOffset) {
      to += neededBytes
      from = to
      neededBytes = HEADER_BYTES_UP_TO_MAGIC
      continue
    }
    const isFirst = to === from
    isFull = header.lastOffset >= boundOffset || (to + neededBytes - from > maxBytes && !(isFirst && minOneBatch))
    if (isFull) break
    if (isFirst) baseOffset = header.baseOffset
    to += neededBytes
    nextOffset = header.lastOffset + 1
  }
  return { from, to, baseOffset, nextOffset, isFull, neededBytes }
}
