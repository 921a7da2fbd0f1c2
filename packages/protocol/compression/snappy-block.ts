/**
 * The raw Snappy format: a length, then literals and copies. In plain JavaScript, as the addon that there is takes more
 * CPU time for blocks of the size that Kafka has (docs/decisions/0003-compression.md). Framing is snappy.ts's.
 * Format: https://github.com/google/snappy/blob/main/format_description.txt
 */
import { corrupt, truncated } from './codec.ts'

/** A copy of 64 bytes takes 3: no block can be larger than this many times its compressed size. */
const MAX_RATIO = 22
/** Positions are found through a table of 16-bit distances, so the input is taken in pieces of this size. */
const FRAGMENT_BYTES = 0x1_0000
const HASH_BITS = 14
const HASH_MULTIPLIER = 0x1e35a7bd
/** No match is looked for in the last bytes: reading four at once must stay inside. */
const MARGIN = 15

/** What the block says it decompresses to, at most 22 times its own size. */
export function snappyBlockLength(bytes: Uint8Array, start: number, end: number): number {
  const length = readLength(bytes, start, end)
  if (length > (end - start) * MAX_RATIO) throw corrupt('snappy', `gives ${length} bytes for ${end - start}`)
  return length
}

let afterLength = 0

function readLength(bytes: Uint8Array, start: number, end: number): number {
  // Bits only, and no number that needs more than 31: one double here, and all positions below are kept as doubles.
  let length = 0
  for (let i = 0; i < 5; i++) {
    if (start + i >= end) throw truncated('snappy')
    const byte = bytes[start + i]!
    if (i === 4 && byte > 7) throw corrupt('snappy', 'has a length of 2 GiB or more')
    length |= (byte & 0x7f) << (7 * i)
    if (byte < 0x80) {
      afterLength = start + i + 1
      return length
    }
  }
  throw corrupt('snappy', 'has a length of more than 5 bytes')
}

/**
 * Decompresses the block `source[start, end)` to `target[at, ...)`, where there is room for `snappyBlockLength`; returns
 * the position after it.
 */
export function decompressSnappyBlock(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  const limit = at + readLength(source, start, end)
  let from = afterLength
  let to = at
  while (from < end) {
    const tag = source[from++]!
    let length = (tag >>> 2) + 1
    if ((tag & 3) === 0) {
      if (length > 60) {
        const bytes = length - 60
        if (from + bytes > end) throw truncated('snappy')
        length = 0
        for (let i = 0; i < bytes; i++) length |= source[from + i]! << (8 * i)
        from += bytes
        if (length < 0 || length >= end - from) throw truncated('snappy')
        length++
      }
      if (from + length > end) throw truncated('snappy')
      if (to + length > limit) throw corrupt('snappy', 'is longer than it says')
      if (length < 32) for (let i = 0; i < length; i++) target[to + i] = source[from + i]!
      else target.set(source.subarray(from, from + length), to)
      from += length
      to += length
      continue
    }
    let distance = 0
    if ((tag & 3) === 1) {
      if (from >= end) throw truncated('snappy')
      length = ((tag >>> 2) & 7) + 4
      distance = ((tag >>> 5) << 8) | source[from]!
      from += 1
    } else if ((tag & 3) === 2) {
      if (from + 2 > end) throw truncated('snappy')
      distance = source[from]! | (source[from + 1]! << 8)
      from += 2
    } else {
      if (from + 4 > end) throw truncated('snappy')
      distance =
        (source[from]! | (source[from + 1]! << 8) | (source[from + 2]! << 16) | (source[from + 3]! << 24)) >>> 0
      from += 4
    }
    if (distance <= 0 || distance > to - at) throw corrupt('snappy', `copies from ${distance} bytes before ${to - at}`)
    if (to + length > limit) throw corrupt('snappy', 'is longer than it says')
    // Byte by byte, as the copy may overlap what it writes.
    for (const stop = to + length; to < stop; to++) target[to] = target[to - distance]!
  }
  if (to !== limit) throw corrupt('snappy', `is ${limit - to} bytes shorter than it says`)
  return to
}

export function maxSnappyBlockBytes(length: number): number {
  return 32 + length + Math.ceil(length / 6)
}

/**
 * Where four bytes with a given hash were last seen, as `base` plus their position: what an earlier call left behind lies
 * below `base`, so that the table need not be cleared for each small input.
 */
const table = new Int32Array(1 << HASH_BITS)
let base = 1

/** Compresses `source[start, end)` to `target[at, ...)`, with room for `maxSnappyBlockBytes`; returns the position after it. */
export function compressSnappyBlock(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  let to = at
  let rest = end - start
  while (rest > 0x7f) {
    target[to++] = rest | 0x80
    rest >>>= 7
  }
  target[to++] = rest
  for (let from = start; from < end; from += FRAGMENT_BYTES) {
    to = compressFragment(source, from, Math.min(from + FRAGMENT_BYTES, end), target, to)
  }
  return to
}

function compressFragment(s: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  if (base + FRAGMENT_BYTES > 0x7fff_ffff) {
    table.fill(0)
    base = 1
  }
  // A table entry minus `origin` is a position in `s`; entries below `base` are of other calls.
  const origin = base - start
  base += end - start
  const last = end - MARGIN
  const shift = 32 - HASH_BITS
  let to = at
  let literal = start
  let i = start + 1
  let misses = 32
  while (i < last) {
    const four = s[i]! | (s[i + 1]! << 8) | (s[i + 2]! << 16) | (s[i + 3]! << 24)
    const slot = Math.imul(four, HASH_MULTIPLIER) >>> shift
    const candidate = table[slot]! - origin
    table[slot] = i + origin
    const isMatch =
      candidate >= start &&
      s[candidate] === s[i] &&
      s[candidate + 1] === s[i + 1] &&
      s[candidate + 2] === s[i + 2] &&
      s[candidate + 3] === s[i + 3]
    if (!isMatch) {
      // The longer nothing is found, the larger the steps: incompressible data passes quickly.
      i += misses++ >>> 5
      continue
    }
    misses = 32
    let length = 4
    while (i + length < end && s[candidate + length] === s[i + length]) length++
    if (i > literal) to = writeLiteral(s, literal, i, target, to)
    to = writeCopy(target, to, i - candidate, length)
    i += length
    literal = i
  }
  return literal < end ? writeLiteral(s, literal, end, target, to) : to
}

function writeLiteral(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  const length = end - start
  const n = length - 1
  let to = at
  if (n < 60) target[to++] = n << 2
  else if (n < 0x100) {
    target[to++] = 60 << 2
    target[to++] = n
  } else {
    target[to++] = 61 << 2
    target[to++] = n
    target[to++] = n >>> 8
  }
  if (length < 32) for (let i = 0; i < length; i++) target[to + i] = source[start + i]!
  else target.set(source.subarray(start, end), to)
  return to + length
}

function writeCopy(target: Uint8Array, at: number, distance: number, length: number): number {
  let to = at
  let rest = length
  // 64 at a time, but never leaving less than 4 for the last one.
  while (rest >= 68) {
    to = writeCopy2(target, to, distance, 64)
    rest -= 64
  }
  if (rest > 64) {
    to = writeCopy2(target, to, distance, 60)
    rest -= 60
  }
  if (rest >= 12 || distance >= 2048) return writeCopy2(target, to, distance, rest)
  target[to++] = 1 | ((rest - 4) << 2) | ((distance >>> 8) << 5)
  target[to++] = distance
  return to
}

function writeCopy2(target: Uint8Array, at: number, distance: number, length: number): number {
  target[at] = 2 | ((length - 1) << 2)
  target[at + 1] = distance
  target[at + 2] = distance >>> 8
  return at + 3
}
