/**
 * LZ4 blocks: both compressors of liblz4, the fast one and the thorough one ("HC"), and the decompressor. In plain
 * JavaScript, and from 4 KiB on by the addon if there is one and it can: it has no HC, and no window that goes on from
 * block to block. Framing is lz4.ts's.
 * Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */
import { LazyAddon } from '../native.ts'
import { corrupt, truncated } from './codec.ts'
import { borrow } from './memory.ts'

/** Below this a call into native code costs more than doing it here. */
const NATIVE_FROM_BYTES = 4096
/** The addon puts the length in front of a block, little-endian, and wants it there. */
const PREFIX_BYTES = 4

interface Lz4Addon {
  compressSync(bytes: Uint8Array): Uint8Array
  uncompressSync(bytes: Uint8Array): Uint8Array
}

const addon = new LazyAddon<Lz4Addon>('lz4-napi')

const MIN_MATCH = 4
/** The format: the last five bytes are literals, and no match begins in the last twelve. */
const LAST_LITERALS = 5
const MATCH_MARGIN = 12
const MAX_DISTANCE = 0xffff
const HASH_BITS = 14
const HASH_MULTIPLIER = 0x9e3779b1

/**
 * What the block `b[start, end)` decompresses to, found by walking it without copying anything: so the output is
 * allocated once, at its size, and a lie about it costs nothing. Throws if the block's lengths lead outside of it.
 */
export function lz4BlockLength(b: Uint8Array, start: number, end: number): number {
  let from = start
  let total = 0
  while (from < end) {
    const token = b[from++]!
    let literals = token >>> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) {
        if (from >= end) throw truncated('lz4')
        more = b[from++]!
        literals += more
      }
    }
    total += literals
    from += literals
    if (from >= end) {
      if (from > end) throw truncated('lz4')
      return total
    }
    from += 2
    let length = (token & 15) + MIN_MATCH
    if (length === 15 + MIN_MATCH) {
      let more = 255
      while (more === 255) {
        if (from >= end) throw truncated('lz4')
        more = b[from++]!
        length += more
      }
    }
    total += length
    // A block ends with literals, if with none of them: a match must be followed by another token.
    if (from >= end) throw truncated('lz4')
  }
  throw truncated('lz4')
}

/**
 * Decompresses the block `s[start, end)`, for which `lz4BlockLength` gave `length`, to `t[at, ...)`; returns the position
 * after it. Matches may reach back to `windowStart`.
 */
export function decompressLz4Block(
  s: Uint8Array,
  start: number,
  end: number,
  t: Uint8Array,
  at: number,
  windowStart: number,
  length: number,
): number {
  const native = length < NATIVE_FROM_BYTES || windowStart < at ? null : addon.forWork(length)
  return native === null
    ? decompressLz4BlockPure(s, start, end, t, at, windowStart)
    : decompressNative(native, s, start, end, t, at, length)
}

function decompressNative(
  native: Lz4Addon,
  s: Uint8Array,
  start: number,
  end: number,
  t: Uint8Array,
  at: number,
  length: number,
): number {
  const prefixed = borrow(PREFIX_BYTES + end - start).subarray(0, PREFIX_BYTES + end - start)
  prefixed[0] = length
  prefixed[1] = length >>> 8
  prefixed[2] = length >>> 16
  prefixed[3] = length >>> 24
  prefixed.set(s.subarray(start, end), PREFIX_BYTES)
  let plain: Uint8Array
  try {
    plain = native.uncompressSync(prefixed)
  } catch (error) {
    throw corrupt('lz4', 'is broken', error)
  }
  if (plain.length !== length) throw corrupt('lz4', `has a block of ${plain.length} bytes, not ${length}`)
  t.set(plain, at)
  return at + length
}

/** As `decompressLz4Block`, always in JavaScript. */
export function decompressLz4BlockPure(
  s: Uint8Array,
  start: number,
  end: number,
  t: Uint8Array,
  at: number,
  windowStart: number,
): number {
  let from = start
  let to = at
  for (;;) {
    const token = s[from++]!
    let literals = token >>> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) {
        more = s[from++]!
        literals += more
      }
    }
    if (literals > 32) {
      t.set(s.subarray(from, from + literals), to)
      to += literals
      from += literals
    } else {
      for (const stop = from + literals; from < stop; ) t[to++] = s[from++]!
    }
    if (from >= end) return to
    const distance = s[from]! | (s[from + 1]! << 8)
    from += 2
    let length = (token & 15) + MIN_MATCH
    if (length === 15 + MIN_MATCH) {
      let more = 255
      while (more === 255) {
        more = s[from++]!
        length += more
      }
    }
    let match = to - distance
    if (distance === 0 || match < windowStart) throw corrupt('lz4', `copies from ${distance} bytes before ${to - at}`)
    if (length > 64 && distance >= length) {
      t.copyWithin(to, match, match + length)
      to += length
    } else {
      // Byte by byte, as the match may overlap what it writes.
      for (const stop = to + length; to < stop; ) t[to++] = t[match++]!
    }
  }
}

export function maxLz4BlockBytes(length: number): number {
  return length + Math.floor(length / 255) + 16
}

/** As in snappy-block.ts: entries below `base` are left over from other calls. */
const table = new Int32Array(1 << HASH_BITS)
let base = 1

function nextOrigin(start: number, end: number): number {
  if (base + (end - start) > 0x7fff_ffff) {
    table.fill(0)
    base = 1
  }
  const origin = base - start
  base += end - start
  return origin
}

/** The fast compressor. `t` has room for `maxLz4BlockBytes` from `at` on; returns the position after the block. */
export function compressLz4Block(s: Uint8Array, start: number, end: number, t: Uint8Array, at: number): number {
  const native = end - start < NATIVE_FROM_BYTES ? null : addon.forWork(end - start)
  if (native === null) return compressLz4BlockPure(s, start, end, t, at)
  const block = native.compressSync(s.subarray(start, end))
  t.set(block.subarray(PREFIX_BYTES), at)
  return at + block.length - PREFIX_BYTES
}

/** As `compressLz4Block`, always in JavaScript. */
export function compressLz4BlockPure(s: Uint8Array, start: number, end: number, t: Uint8Array, at: number): number {
  const origin = nextOrigin(start, end)
  const shift = 32 - HASH_BITS
  const lastMatch = end - MATCH_MARGIN
  const matchEnd = end - LAST_LITERALS
  let to = at
  let literal = start
  let i = start
  let misses = 64
  while (i <= lastMatch) {
    const four = s[i]! | (s[i + 1]! << 8) | (s[i + 2]! << 16) | (s[i + 3]! << 24)
    const slot = Math.imul(four, HASH_MULTIPLIER) >>> shift
    let match = table[slot]! - origin
    table[slot] = i + origin
    const isMatch =
      match >= start &&
      i - match <= MAX_DISTANCE &&
      s[match] === s[i] &&
      s[match + 1] === s[i + 1] &&
      s[match + 2] === s[i + 2] &&
      s[match + 3] === s[i + 3]
    if (!isMatch) {
      // The longer nothing is found, the larger the steps: incompressible data passes quickly.
      i += misses++ >>> 6
      continue
    }
    misses = 64
    while (i > literal && match > start && s[i - 1] === s[match - 1]) {
      i--
      match--
    }
    let length = MIN_MATCH
    while (i + length < matchEnd && s[match + length] === s[i + length]) length++
    to = writeSequence(s, literal, i, t, to, i - match, length)
    i += length
    literal = i
    // The place just before is one more that may be found again.
    if (i <= lastMatch) table[hashOf(s, i - 2)] = i - 2 + origin
  }
  return writeLastLiterals(s, literal, end, t, to)
}

/** For each position modulo 64 Ki, where the same hash was seen before it. */
const chain = new Int32Array(MAX_DISTANCE + 1)

/** Past this the levels of liblz4's thorough compressor are all the same, too. */
const MAX_HIGH_LEVEL = 12

/**
 * The thorough compressor: looks at up to `2 ** (level - 1)` earlier places for each match, and one position further
 * before it takes one.
 */
export function compressLz4BlockHigh(
  s: Uint8Array,
  start: number,
  end: number,
  t: Uint8Array,
  at: number,
  level: number,
): number {
  const origin = nextOrigin(start, end)
  const attempts = 1 << (Math.min(level, MAX_HIGH_LEVEL) - 1)
  const lastMatch = end - MATCH_MARGIN
  let to = at
  let literal = start
  let i = start
  let inserted = start
  const insertUpTo = (position: number) => {
    for (; inserted < position; inserted++) {
      const slot = hashOf(s, inserted)
      chain[inserted & MAX_DISTANCE] = table[slot]!
      table[slot] = inserted + origin
    }
  }
  while (i <= lastMatch) {
    insertUpTo(i)
    let length = longestMatch(s, start, i, end - LAST_LITERALS, origin, attempts)
    if (length < MIN_MATCH) {
      i++
      continue
    }
    let match = bestMatch
    while (i < lastMatch) {
      insertUpTo(i + 1)
      const better = longestMatch(s, start, i + 1, end - LAST_LITERALS, origin, attempts)
      if (better <= length) break
      length = better
      match = bestMatch
      i++
    }
    to = writeSequence(s, literal, i, t, to, i - match, length)
    i += length
    literal = i
    insertUpTo(Math.min(i, lastMatch))
  }
  return writeLastLiterals(s, literal, end, t, to)
}

/** Where the match that `longestMatch` found begins: its second result. */
let bestMatch = 0

function longestMatch(s: Uint8Array, start: number, i: number, end: number, origin: number, attempts: number): number {
  let best = MIN_MATCH - 1
  let candidate = table[hashOf(s, i)]! - origin
  for (let left = attempts; left > 0 && candidate >= start && i - candidate <= MAX_DISTANCE; left--) {
    if (s[candidate + best] === s[i + best] && s[candidate] === s[i]) {
      let length = 0
      while (i + length < end && s[candidate + length] === s[i + length]) length++
      if (length > best) {
        best = length
        bestMatch = candidate
        if (i + length >= end) break
      }
    }
    candidate = chain[candidate & MAX_DISTANCE]! - origin
  }
  return best
}

function hashOf(s: Uint8Array, i: number): number {
  const four = s[i]! | (s[i + 1]! << 8) | (s[i + 2]! << 16) | (s[i + 3]! << 24)
  return Math.imul(four, HASH_MULTIPLIER) >>> (32 - HASH_BITS)
}

/** Literals, then a match. */
function writeSequence(
  s: Uint8Array,
  literal: number,
  literalEnd: number,
  t: Uint8Array,
  at: number,
  distance: number,
  length: number,
): number {
  const literals = literalEnd - literal
  const extra = length - MIN_MATCH
  t[at] = (Math.min(literals, 15) << 4) | Math.min(extra, 15)
  let to = writeLiterals(s, literal, literalEnd, t, at + 1)
  t[to++] = distance
  t[to++] = distance >>> 8
  if (extra >= 15) to = writeLength(t, to, extra - 15)
  return to
}

function writeLastLiterals(s: Uint8Array, literal: number, end: number, t: Uint8Array, at: number): number {
  t[at] = Math.min(end - literal, 15) << 4
  return writeLiterals(s, literal, end, t, at + 1)
}

function writeLiterals(s: Uint8Array, start: number, end: number, t: Uint8Array, at: number): number {
  const length = end - start
  const to = length >= 15 ? writeLength(t, at, length - 15) : at
  if (length < 32) for (let i = 0; i < length; i++) t[to + i] = s[start + i]!
  else t.set(s.subarray(start, end), to)
  return to + length
}

function writeLength(t: Uint8Array, at: number, length: number): number {
  let to = at
  let rest = length
  for (; rest >= 255; rest -= 255) t[to++] = 255
  t[to++] = rest
  return to
}
