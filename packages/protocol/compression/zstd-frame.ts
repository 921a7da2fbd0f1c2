/**
 * The outside of Zstandard frames: their headers, and where they end. Node decompresses only the first of several frames
 * and says nothing, so the frames are told apart here, by both implementations.
 * Format: RFC 8878, section 3.1
 */
import { corrupt, truncated } from './codec.ts'

const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
export const MAX_BLOCK_BYTES = 128 * 1024
const RLE = 1
const RESERVED = 3

export interface ZstdFrame {
  readonly start: number
  /** Past the checksum, if there is one. */
  readonly end: number
  readonly firstBlock: number
  /** How far back a match may reach. */
  readonly windowBytes: number
  /** What it decompresses to, as it says; null if it doesn't. */
  readonly contentBytes: number | null
  readonly hasChecksum: boolean
  /** No block decompresses to more than 128 KiB: what the frame can come to, whatever it says. */
  readonly blockCount: number
}

/** All frames of `b` in order, skippable ones left out. Throws if there is anything else in `b`, or nothing. */
export function zstdFrames(b: Uint8Array): ZstdFrame[] {
  const frames: ZstdFrame[] = []
  let at = 0
  do {
    if (at + 5 > b.length) throw truncated('zstd')
    const magic = uint32(b, at)
    if ((magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + (at + 8 <= b.length ? uint32(b, at + 4) : 0)
      if (at > b.length) throw truncated('zstd')
      continue
    }
    if (magic !== MAGIC) throw corrupt('zstd', 'is no frame')
    const frame = readFrame(b, at)
    frames.push(frame)
    at = frame.end
  } while (at < b.length)
  return frames
}

function readFrame(b: Uint8Array, start: number): ZstdFrame {
  const descriptor = b[start + 4]!
  const isSingleSegment = (descriptor & 0x20) !== 0
  if (descriptor & 0x08) throw corrupt('zstd', `has frame descriptor ${descriptor}`)
  let at = start + 5
  const windowAt = isSingleSegment ? -1 : at++
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const sizeFlag = descriptor >>> 6
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag
  const firstBlock = at + dictionaryBytes + sizeBytes
  if (firstBlock > b.length) throw truncated('zstd')
  if (littleEndian(b, at, dictionaryBytes) !== 0) throw corrupt('zstd', 'needs a dictionary')
  at += dictionaryBytes
  const contentBytes = sizeBytes === 0 ? null : littleEndian(b, at, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  const windowBytes = windowAt < 0 ? contentBytes! : windowOf(b[windowAt]!)
  const hasChecksum = (descriptor & 0x04) !== 0
  const blocks = walkBlocks(b, firstBlock)
  const end = blocks.end + (hasChecksum ? 4 : 0)
  if (end > b.length) throw truncated('zstd')
  if (contentBytes !== null && contentBytes > blocks.count * MAX_BLOCK_BYTES) {
    throw corrupt('zstd', `says it has ${contentBytes} bytes, in ${blocks.count} blocks`)
  }
  return { start, end, firstBlock, windowBytes, contentBytes, hasChecksum, blockCount: blocks.count }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3))
  return base + (base / 8) * (descriptor & 7)
}

function walkBlocks(b: Uint8Array, firstBlock: number): { end: number; count: number } {
  let at = firstBlock
  for (let count = 1; ; count++) {
    if (at + 3 > b.length) throw truncated('zstd')
    const header = b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16)
    const type = (header >>> 1) & 3
    const size = header >>> 3
    if (type === RESERVED) throw corrupt('zstd', 'has a block of unknown type')
    if (size > MAX_BLOCK_BYTES) throw corrupt('zstd', `has a block of ${size} bytes`)
    at += 3 + (type === RLE ? 1 : size)
    if (header & 1) return { end: at, count }
  }
}

function littleEndian(b: Uint8Array, at: number, bytes: number): number {
  let value = 0
  for (let i = 0; i < bytes; i++) value += b[at + i]! * 2 ** (8 * i)
  return value
}

function uint32(b: Uint8Array, at: number): number {
  return littleEndian(b, at, 4)
}
