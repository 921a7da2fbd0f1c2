/**
 * Reads a segment from front to back for the cleaner, in pieces of whole batches, one ahead of who uses them. The memory of a
 * piece goes to a worker and comes back: there are two of them at a time, and a third for what is larger than a piece.
 */
import { batchSizeAt, HEADER_BYTES_UP_TO_MAGIC, ProtocolError, readBatchHeader } from '@ottla/protocol'
import type { Segment } from '../segment.ts'

export interface SegmentPiece {
  /** Begins with the batches. */
  readonly memory: ArrayBuffer
  readonly length: number
  readonly lastOffset: number
}

/** Memory of pieces that is not in use. */
export class PieceMemory {
  readonly pieceBytes: number
  #free: ArrayBuffer[] = []

  constructor(pieceBytes: number) {
    this.pieceBytes = Math.max(pieceBytes, HEADER_BYTES_UP_TO_MAGIC)
  }

  take(length: number): ArrayBuffer {
    return (length <= this.pieceBytes ? this.#free.pop() : null) ?? new ArrayBuffer(Math.max(length, this.pieceBytes))
  }

  giveBack(memory: ArrayBuffer): void {
    if (memory.byteLength === this.pieceBytes) this.#free.push(memory)
  }
}

interface FoundPiece extends SegmentPiece {
  readonly end: number
}

/** From the batch at `from` on. Throws a ProtocolError where there is no batch. */
export async function* segmentPieces(
  segment: Segment,
  from: number,
  memory: PieceMemory,
): AsyncGenerator<SegmentPiece, void> {
  let next = readPiece(segment, from, memory)
  try {
    for (let piece = await next; piece; piece = await next) {
      next = readPiece(segment, piece.end, memory)
      yield piece
    }
  } finally {
    await next.catch(() => {}) // nobody wants it any more
  }
}

async function readPiece(segment: Segment, from: number, memory: PieceMemory): Promise<FoundPiece | null> {
  const left = segment.writtenSize - from
  if (left === 0) return null
  let wanted = Math.min(left, memory.pieceBytes)
  for (;;) {
    const buffer = memory.take(wanted)
    const bytes = await segment.readInto(new Uint8Array(buffer, 0, wanted), from)
    const found = wholeBatches(bytes)
    if (found.length > 0) return { memory: buffer, end: from + found.length, ...found }
    memory.giveBack(buffer)
    if (bytes.length < wanted || found.neededBytes > left) {
      throw new ProtocolError(
        'ERR_TRUNCATED',
        `the batch at byte ${from} of segment ${segment.baseOffset} is cut short`,
      )
    }
    wanted = found.neededBytes
  }
}

/** `neededBytes`: for the first batch, where it is not there whole. */
function wholeBatches(bytes: Uint8Array): { length: number; lastOffset: number; neededBytes: number } {
  let at = 0
  let last = 0
  let neededBytes = HEADER_BYTES_UP_TO_MAGIC
  while (bytes.length - at >= HEADER_BYTES_UP_TO_MAGIC) {
    neededBytes = batchSizeAt(bytes, at)
    if (bytes.length - at < neededBytes) break
    last = at
    at += neededBytes
  }
  return { length: at, lastOffset: at === 0 ? -1 : readBatchHeader(bytes, last).lastOffset, neededBytes }
}
