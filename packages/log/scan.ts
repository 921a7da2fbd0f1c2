/**
 * Walks through the batches of a segment's file: at the start to find the log's end, after an unclean stop to check
 * every one of them, and now and then to rebuild an index. Reads big pieces and hands out headers, so that the loop is
 * left between pieces and no batch costs an await.
 */
import type { DiskFile } from '@ottla/io'
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchSizeAt,
  crc32c,
  HEADER_BYTES_UP_TO_MAGIC,
  ProtocolError,
  readBatchHeader,
  verifyBatch,
} from '@ottla/protocol'

const PIECE_BYTES = 1024 * 1024
/** What is larger is checked piece by piece: a length that bit rot has made huge must not take that much memory. */
const LARGE_BATCH_BYTES = 32 * 1024 * 1024
const CRC_COVERS_FROM = 21

/**
 * `position` is where in the file the batch is; `bytes` holds it from `header.position` on, whole if it was asked for
 * and the batch is no larger than 32 MiB. False: enough.
 */
export type BatchVisitor = (header: BatchHeader, position: number, bytes: Uint8Array) => boolean | undefined

export interface ScanOptions {
  readonly from: number
  /** End of what is to be looked at: the file's, or of what has been written of it. */
  readonly to: number
  /** 'headers': sizes and offsets only, without the batches' checksums. */
  readonly check: 'headers' | 'all'
  readonly pieceBytes?: number
}

export interface ScanResult {
  /** One past the last good batch. */
  readonly end: number
  /** Why it went no further; null: it came to the end, or to a batch that is cut short there, or the visitor had enough. */
  readonly problem: ProtocolError | null
}

export async function scanBatches(file: DiskFile, options: ScanOptions, visit: BatchVisitor): Promise<ScanResult> {
  let position = options.from
  let wanted = options.pieceBytes ?? PIECE_BYTES
  try {
    while (options.to - position >= HEADER_BYTES_UP_TO_MAGIC) {
      const bytes = Buffer.allocUnsafe(Math.min(wanted, options.to - position))
      const count = await file.read(bytes, position)
      const piece = bytes.subarray(0, count)
      const { consumed, next, stopped } = walk(piece, position, options, visit)
      position += consumed
      if (stopped) break
      if (next > options.to - position) break // cut short
      if (next > LARGE_BATCH_BYTES) {
        const header = await verifyLargeBatch(file, position, next, options.check)
        const more = visit(header, position, piece.subarray(consumed))
        position += next
        if (more === false) break
      } else if (consumed === 0 && count < bytes.length) break // the file is shorter than it was
      wanted = Math.max(next, options.pieceBytes ?? PIECE_BYTES)
    }
  } catch (error) {
    if (error instanceof ProtocolError) return { end: position, problem: error }
    if (error instanceof BadBatch) return { end: error.position, problem: error.reason }
    throw error
  }
  return { end: position, problem: null }
}

/** Carries how far the walk came out of it. */
class BadBatch extends Error {
  readonly position: number
  readonly reason: ProtocolError

  constructor(position: number, reason: ProtocolError) {
    super(reason.message)
    this.position = position
    this.reason = reason
  }
}

/** Hands out the batches that are whole in `piece`; `next`: bytes that the one after them needs. */
function walk(
  piece: Uint8Array,
  piecePosition: number,
  { check }: ScanOptions,
  visit: BatchVisitor,
): { consumed: number; next: number; stopped: boolean } {
  let at = 0
  try {
    for (;;) {
      if (piece.length - at < HEADER_BYTES_UP_TO_MAGIC)
        return { consumed: at, next: BATCH_HEADER_BYTES, stopped: false }
      const size = batchSizeAt(piece, at)
      if (piece.length - at < size) return { consumed: at, next: size, stopped: false }
      const header = check === 'all' ? verifyBatch(piece, at) : readBatchHeader(piece, at)
      if (visit(header, piecePosition + at, piece) === false) return { consumed: at + size, next: 0, stopped: true }
      at += size
    }
  } catch (error) {
    if (error instanceof ProtocolError) throw new BadBatch(piecePosition + at, error)
    throw error
  }
}

async function verifyLargeBatch(
  file: DiskFile,
  position: number,
  size: number,
  check: ScanOptions['check'],
): Promise<BatchHeader> {
  const start = Buffer.allocUnsafe(BATCH_HEADER_BYTES)
  await file.read(start, position)
  const header = readBatchHeader(start)
  if (check === 'headers') return header
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  let crc = 0
  for (let at = CRC_COVERS_FROM; at < size; at += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, size - at))
    const count = await file.read(part, position + at)
    if (count < part.length) throw new ProtocolError('ERR_TRUNCATED', `batch at byte ${position} ends early`)
    crc = crc32c(part, 0, part.length, crc)
  }
  // Nothing of magic 0 and 1 was ever allowed to be this large.
  if (crc !== header.crc) throw new ProtocolError('ERR_CORRUPT', `batch at byte ${position} has a wrong checksum`)
  return header
}
