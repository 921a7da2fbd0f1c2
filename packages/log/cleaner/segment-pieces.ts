/**
 * Reads a segment from front to back for the cleaner, in pieces of whole batches, one ahead of who uses them. Workers are
 * shown the memory that a piece was read into, and write into it what stays of it. Three of them do, one that is read, one
 * that is filtered and one that is written, and more for what is larger than a piece.
 */
import { batchSizeAt, HEADER_BYTES_UP_TO_MAGIC, ProtocolError, readBatchHeader } from '@ottla/protocol'
import type { Segment } from '../segment.ts'

/** Each piece goes to another thread and back, which costs the more the busier the machine is. */
const MIN_PIECE_BYTES = 4 * 1024 * 1024

export interface SegmentPiece {
  /** The begin of `memory`. */
  readonly bytes: Uint8Array
  readonly memory: SharedArrayBuffer
  readonly lastOffset: number
}

/**
 * Memory of pieces that is not in use. Kept from one cleaning to the next: no collector knows how much shared memory lies
 * about, so none hurries to give it back.
 */
export class PieceMemory {
  readonly pieceBytes: number
  #free: SharedArrayBuffer[] = []

  constructor(pieceBytes: number) {
    this.pieceBytes = Math.max(pieceBytes, MIN_PIECE_BYTES)
  }

  take(length: number): SharedArrayBuffer {
    const free = length <= this.pieceBytes ? this.#free.pop() : undefined
    return free ?? new SharedArrayBuffer(Math.max(length, this.pieceBytes))
  }

  giveBack(memory: SharedArrayBuffer): void {
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
    const unread = await next.catch(() => null) // nobody wants it any more
    if (unread) memory.giveBack(unread.memory)
  }
}

async function readPiece(segment: Segment, from: number, memory: PieceMemory): Promise<FoundPiece | null> {
  const left = segment.writtenSize - from
  if (left === 0) return null
  let wanted = Math.min(left, memory.pieceBytes)
  for (;;) {
    const taken = memory.take(wanted)
    const bytes = await segment.readInto(new Uint8Array(taken, 0, wanted), from)
    const found = wholeBatches(bytes)
    const { length, lastOffset } = found
    if (length > 0) return { bytes: bytes.subarray(0, length), memory: taken, end: from + length, lastOffset }
    memory.giveBack(taken)
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
