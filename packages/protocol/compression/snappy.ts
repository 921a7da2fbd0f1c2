/**
 * Snappy as Kafka knows it: the framing of snappy-java (xerial), blocks of 32 KiB behind their length, written always;
 * read also a bare block, which some clients send. Concatenated streams are read as one, as in Java.
 */
import { int32At, setInt32 } from '../records/bytes.ts'
import { type Compressor, corrupt, tooLarge, truncated } from './codec.ts'
import { allocate, borrow, copyOf } from './memory.ts'
import { compressSnappyBlock, decompressSnappyBlock, maxSnappyBlockBytes, snappyBlockLength } from './snappy-block.ts'

/** 0x82 "SNAPPY" 0x00, then version and lowest compatible version, 1 and 1. */
const HEADER = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]
const MAGIC_BYTES = 8
const BLOCK_BYTES = 32 * 1024

export const snappy: Compressor = {
  compress(bytes) {
    const blocks = Math.ceil(bytes.length / BLOCK_BYTES)
    const target = borrow(HEADER.length + blocks * (4 + maxSnappyBlockBytes(BLOCK_BYTES)))
    target.set(HEADER)
    let at = HEADER.length
    for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
      const end = Math.min(start + BLOCK_BYTES, bytes.length)
      const after = compressSnappyBlock(bytes, start, end, target, at + 4)
      setInt32(target, at, after - at - 4)
      at = after
    }
    return copyOf(target, 0, at)
  },

  decompress(bytes, maxBytes) {
    if (!hasMagic(bytes, 0)) return decompressBare(bytes, maxBytes)
    let total = 0
    forEachBlock(bytes, (start, end) => {
      total += snappyBlockLength(bytes, start, end)
      if (total > maxBytes) throw tooLarge('snappy', maxBytes)
    })
    const target = allocate(total)
    let at = 0
    forEachBlock(bytes, (start, end) => {
      at = decompressSnappyBlock(bytes, start, end, target, at)
    })
    return target
  },
}

function decompressBare(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const length = snappyBlockLength(bytes, 0, bytes.length)
  if (length > maxBytes) throw tooLarge('snappy', maxBytes)
  const target = allocate(length)
  decompressSnappyBlock(bytes, 0, bytes.length, target, 0)
  return target
}

function forEachBlock(bytes: Uint8Array, visit: (start: number, end: number) => void): void {
  let at = 0
  while (at < bytes.length) {
    if (hasMagic(bytes, at)) {
      if (at + HEADER.length > bytes.length) throw truncated('snappy')
      const version = int32At(bytes, at + MAGIC_BYTES)
      if (version < 1) throw corrupt('snappy', `has framing version ${version}`)
      at += HEADER.length
      continue
    }
    if (at + 4 > bytes.length) throw truncated('snappy')
    const length = int32At(bytes, at)
    at += 4
    if (length < 0) throw corrupt('snappy', `has a block of ${length} bytes`)
    if (at + length > bytes.length) throw truncated('snappy')
    visit(at, at + length)
    at += length
  }
}

function hasMagic(bytes: Uint8Array, at: number): boolean {
  if (at + MAGIC_BYTES > bytes.length) return false
  for (let i = 0; i < MAGIC_BYTES; i++) if (bytes[at + i] !== HEADER[i]) return false
  return true
}
