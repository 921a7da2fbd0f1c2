/**
 * LZ4 frames. Written as Kafka's clients write them: independent blocks of 64 KiB, no checksum but the header's. Read as
 * the format has them: block, content and header checksums are verified, blocks may be linked, several frames and
 * skippable ones may follow each other; frames that need a dictionary are refused. Messages of magic 0 are read whatever
 * their header checksum, which the clients of that time got wrong.
 * Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
import { COMPRESSION_LEVELS, type Compressor, corrupt, tooLarge, truncated } from './codec.ts'
import {
  compressLz4Block,
  compressLz4BlockHigh,
  decompressLz4Block,
  lz4BlockLength,
  maxLz4BlockBytes,
} from './lz4-block.ts'
import { allocate, borrow, copyOf } from './memory.ts'
import { xxhash32 } from './xxhash32.ts'

const MAGIC = 0x184d2204
const SKIPPABLE_MAGIC = 0x184d2a50
const UNCOMPRESSED = 0x8000_0000
const BLOCK_BYTES = 64 * 1024

const VERSION_1 = 0x40
const INDEPENDENT_BLOCKS = 0x20
const BLOCK_CHECKSUMS = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const DICTIONARY = 0x01
const BLOCK_MAX_64_KIB = 0x40

interface Frame {
  readonly firstBlock: number
  readonly maxBlockBytes: number
  readonly hasLinkedBlocks: boolean
  readonly hasBlockChecksums: boolean
  readonly hasContentChecksum: boolean
  readonly contentSize: number | null
  /** What each block decompresses to, once measured. */
  readonly blockLengths: number[]
}

export const lz4: Compressor = {
  compress(bytes, level) {
    const blocks = Math.ceil(bytes.length / BLOCK_BYTES)
    const target = borrow(7 + blocks * 4 + maxLz4BlockBytes(bytes.length) + blocks * 16 + 4)
    setUint32(target, 0, MAGIC)
    target[4] = VERSION_1 | INDEPENDENT_BLOCKS
    target[5] = BLOCK_MAX_64_KIB
    target[6] = xxhash32(target, 4, 6) >>> 8
    let at = 7
    for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
      at = writeBlock(bytes, start, Math.min(start + BLOCK_BYTES, bytes.length), target, at, level)
    }
    setUint32(target, at, 0)
    return copyOf(target, 0, at + 4)
  },

  decompress(bytes, maxBytes, magic) {
    const frames: Frame[] = []
    let total = 0
    for (let at = 0; at < bytes.length; ) {
      const frame = readFrame(bytes, at, magic)
      if (frame === null) {
        at = afterSkippable(bytes, at)
        continue
      }
      at = measureFrame(bytes, frame, maxBytes - total)
      for (const length of frame.blockLengths) total += length
      frames.push(frame)
    }
    if (frames.length === 0) throw truncated('lz4')
    const target = allocate(total)
    let to = 0
    for (const frame of frames) to = decompressFrame(bytes, frame, target, to)
    return target
  },
}

function writeBlock(s: Uint8Array, start: number, end: number, target: Uint8Array, at: number, level: number): number {
  const after =
    level === COMPRESSION_LEVELS.lz4.default
      ? compressLz4Block(s, start, end, target, at + 4)
      : compressLz4BlockHigh(s, start, end, target, at + 4, level)
  if (after - at - 4 < end - start) {
    setUint32(target, at, after - at - 4)
    return after
  }
  setUint32(target, at, (UNCOMPRESSED | (end - start)) >>> 0)
  target.set(s.subarray(start, end), at + 4)
  return at + 4 + end - start
}

/** null: a skippable frame begins there. */
function readFrame(b: Uint8Array, at: number, magic: number): Frame | null {
  if (at + 7 > b.length) throw truncated('lz4')
  const magicNumber = uint32(b, at)
  if ((magicNumber & ~0xf) >>> 0 === SKIPPABLE_MAGIC) return null
  if (magicNumber !== MAGIC) throw corrupt('lz4', 'is no frame')
  const flags = b[at + 4]!
  const descriptor = b[at + 5]!
  if ((flags & 0xc2) !== VERSION_1) throw corrupt('lz4', `has frame flags ${flags}`)
  if (flags & DICTIONARY) throw corrupt('lz4', 'needs a dictionary')
  const blockMaximum = descriptor >>> 4
  if ((descriptor & 0x8f) !== 0 || blockMaximum < 4) throw corrupt('lz4', `has block descriptor ${descriptor}`)
  const hasContentSize = (flags & CONTENT_SIZE) !== 0
  const checksumAt = at + 6 + (hasContentSize ? 8 : 0)
  if (checksumAt >= b.length) throw truncated('lz4')
  if (magic > 0 && b[checksumAt] !== ((xxhash32(b, at + 4, checksumAt) >>> 8) & 0xff)) {
    throw corrupt('lz4', 'has a wrong header checksum')
  }
  return {
    firstBlock: checksumAt + 1,
    maxBlockBytes: 1 << (8 + 2 * blockMaximum),
    hasLinkedBlocks: (flags & INDEPENDENT_BLOCKS) === 0,
    hasBlockChecksums: (flags & BLOCK_CHECKSUMS) !== 0,
    hasContentChecksum: (flags & CONTENT_CHECKSUM) !== 0,
    contentSize: hasContentSize ? uint32(b, at + 6) + uint32(b, at + 10) * 0x1_0000_0000 : null,
    blockLengths: [],
  }
}

function afterSkippable(b: Uint8Array, at: number): number {
  const end = at + 8 + (at + 8 <= b.length ? uint32(b, at + 4) : 0)
  if (end > b.length) throw truncated('lz4')
  return end
}

/** Walks the frame, verifies its blocks and notes what they come to; returns the position after it. */
function measureFrame(b: Uint8Array, frame: Frame, maxBytes: number): number {
  let at = frame.firstBlock
  let total = 0
  for (;;) {
    if (at + 4 > b.length) throw truncated('lz4')
    const word = uint32(b, at)
    const size = word & 0x7fff_ffff
    at += 4
    if (word === 0) break
    if (size > frame.maxBlockBytes) throw corrupt('lz4', `has a block of ${size} bytes`)
    const end = at + size
    const after = end + (frame.hasBlockChecksums ? 4 : 0)
    if (after > b.length) throw truncated('lz4')
    if (frame.hasBlockChecksums && uint32(b, end) !== xxhash32(b, at, end)) {
      throw corrupt('lz4', 'has a wrong block checksum')
    }
    const length = word >= UNCOMPRESSED ? size : lz4BlockLength(b, at, end)
    if (length > frame.maxBlockBytes) throw corrupt('lz4', `has a block that decompresses to ${length} bytes`)
    frame.blockLengths.push(length)
    total += length
    if (total > maxBytes) throw tooLarge('lz4', maxBytes)
    at = after
  }
  if (frame.hasContentChecksum) at += 4
  if (at > b.length) throw truncated('lz4')
  if (frame.contentSize !== null && frame.contentSize !== total) {
    throw corrupt('lz4', `has ${total} bytes but says ${frame.contentSize}`)
  }
  return at
}

/** Of a frame that `measureFrame` let pass; returns the position after its bytes in `target`. */
function decompressFrame(b: Uint8Array, frame: Frame, target: Uint8Array, start: number): number {
  let at = frame.firstBlock
  let to = start
  for (const length of frame.blockLengths) {
    const word = uint32(b, at)
    at += 4
    const end = at + (word & 0x7fff_ffff)
    if (word >= UNCOMPRESSED) {
      target.set(b.subarray(at, end), to)
      to += length
    } else {
      to = decompressLz4Block(b, at, end, target, to, frame.hasLinkedBlocks ? start : to, length)
    }
    at = end + (frame.hasBlockChecksums ? 4 : 0)
  }
  // Past the end mark.
  if (frame.hasContentChecksum && uint32(b, at + 4) !== xxhash32(target, start, to)) {
    throw corrupt('lz4', 'has a wrong content checksum')
  }
  return to
}

function uint32(b: Uint8Array, at: number): number {
  return (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0
}

function setUint32(b: Uint8Array, at: number, value: number): void {
  b[at] = value
  b[at + 1] = value >>> 8
  b[at + 2] = value >>> 16
  b[at + 3] = value >>> 24
}
