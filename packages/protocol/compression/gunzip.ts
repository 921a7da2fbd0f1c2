/**
 * Decompression of gzip in plain JavaScript, for hosts without zlib. Written here rather than taken from a library as
 * none says where a member ends while it bounds its output: both are needed to check the trailer and to stop a bomb.
 * Formats: RFC 1951 (deflate), RFC 1952 (gzip)
 */
import { crc32 } from '../crc32c.ts'
import { corrupt, tooLarge, truncated } from './codec.ts'
import { Output } from './memory.ts'

const MAX_CODE_BITS = 15
const LITERALS = 288
const END_OF_BLOCK = 256
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
]
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
]
const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]
/** The order in which the lengths of the code for code lengths are sent. */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

const HEADER_CRC = 0x02
const EXTRA = 0x04
const NAME = 0x08
const COMMENT = 0x10

/** All members of `bytes`, one after the other. */
export function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const output = new Output(bytes.length * 4, maxBytes, () => tooLarge('gzip', maxBytes))
  let at = 0
  do {
    const start = output.at
    const reader = new BitReader(bytes, afterHeader(bytes, at))
    inflate(reader, output, start)
    at = reader.alignedPosition()
    if (at + 8 > bytes.length) throw truncated('gzip')
    if (uint32(bytes, at) !== crc32(output.bytes, start, output.at)) throw corrupt('gzip', 'has a wrong checksum')
    if (uint32(bytes, at + 4) !== (output.at - start) >>> 0) throw corrupt('gzip', 'has a wrong length')
    at += 8
  } while (at < bytes.length)
  return output.finish()
}

function afterHeader(bytes: Uint8Array, start: number): number {
  if (start + 10 > bytes.length) throw truncated('gzip')
  const flags = bytes[start + 3]!
  if (bytes[start] !== 0x1f || bytes[start + 1] !== 0x8b || bytes[start + 2] !== 8 || flags > 0x1f) {
    throw corrupt('gzip', 'has no header')
  }
  let at = start + 10
  if (flags & EXTRA) at += 2 + (at + 2 <= bytes.length ? bytes[at]! | (bytes[at + 1]! << 8) : 0)
  for (const text of [NAME, COMMENT]) {
    if (!(flags & text)) continue
    const end = bytes.indexOf(0, at)
    if (end < 0) throw truncated('gzip')
    at = end + 1
  }
  if (flags & HEADER_CRC) at += 2
  if (at > bytes.length) throw truncated('gzip')
  return at
}

/** Bits from the lowest of each byte on. */
class BitReader {
  readonly #bytes: Uint8Array
  #at: number
  #held = 0
  #count = 0

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  /** The next `count` bits, at most 16, without consuming them; past the end they are 0. */
  peek(count: number): number {
    while (this.#count < count) {
      this.#held |= (this.#at < this.#bytes.length ? this.#bytes[this.#at]! : 0) << this.#count
      this.#at++
      this.#count += 8
    }
    return this.#held & ((1 << count) - 1)
  }

  skip(count: number): void {
    this.#held >>>= count
    this.#count -= count
    if (this.#at - (this.#count >> 3) > this.#bytes.length) throw truncated('gzip')
  }

  read(count: number): number {
    const bits = this.peek(count)
    this.skip(count)
    return bits
  }

  /** Where the next whole byte is; what is left of the current one is dropped. */
  alignedPosition(): number {
    this.#at -= this.#count >> 3
    this.#held = 0
    this.#count = 0
    return this.#at
  }

  take(length: number): Uint8Array {
    const start = this.alignedPosition()
    if (start + length > this.#bytes.length) throw truncated('gzip')
    this.#at = start + length
    return this.#bytes.subarray(start, start + length)
  }
}

function inflate(reader: BitReader, output: Output, start: number): void {
  let isLast = false
  while (!isLast) {
    isLast = reader.read(1) === 1
    const type = reader.read(2)
    if (type === 0) stored(reader, output)
    else if (type === 1) compressed(reader, output, start, FIXED.literals, FIXED.distances)
    else if (type === 2) {
      const { literals, distances } = readCodes(reader)
      compressed(reader, output, start, literals, distances)
    } else throw corrupt('gzip', 'has a block of unknown type')
  }
}

function stored(reader: BitReader, output: Output): void {
  const header = reader.take(4)
  const length = header[0]! | (header[1]! << 8)
  if (length !== (~(header[2]! | (header[3]! << 8)) & 0xffff)) throw corrupt('gzip', 'has a broken stored block')
  const bytes = reader.take(length)
  output.reserve(length)
  output.append(bytes, 0, length)
}

function compressed(reader: BitReader, output: Output, start: number, literals: Code, distances: Code): void {
  for (;;) {
    const symbol = decode(reader, literals)
    if (symbol < END_OF_BLOCK) {
      output.reserve(1)
      output.bytes[output.at++] = symbol
      continue
    }
    if (symbol === END_OF_BLOCK) return
    const index = symbol - END_OF_BLOCK - 1
    if (index >= LENGTH_BASE.length) throw corrupt('gzip', `has length symbol ${symbol}`)
    const length = LENGTH_BASE[index]! + reader.read(LENGTH_EXTRA[index]!)
    const far = decode(reader, distances)
    if (far >= DISTANCE_BASE.length) throw corrupt('gzip', `has distance symbol ${far}`)
    const distance = DISTANCE_BASE[far]! + reader.read(DISTANCE_EXTRA[far]!)
    if (distance > output.at - start) throw corrupt('gzip', `copies from ${distance} bytes before ${output.at - start}`)
    output.reserve(length)
    output.repeat(distance, length)
  }
}

/** A prefix code as a table over the next `bits` bits: symbol times 16, plus the code's length; 0 where there is none. */
interface Code {
  readonly bits: number
  readonly table: Uint16Array
}

function decode(reader: BitReader, code: Code): number {
  const entry = code.table[reader.peek(code.bits)]!
  if (entry === 0) throw corrupt('gzip', 'has a code that stands for nothing')
  reader.skip(entry & 15)
  return entry >>> 4
}

/** A code may be incomplete only if it has a single symbol, or none at all: a distance code that isn't used. */
function makeCode(lengths: Uint8Array): Code {
  const counts = new Uint16Array(MAX_CODE_BITS + 1)
  for (const length of lengths) counts[length]!++
  counts[0] = 0
  let bits = MAX_CODE_BITS
  while (bits > 1 && counts[bits] === 0) bits--
  const next = new Uint16Array(MAX_CODE_BITS + 2)
  let left = 1
  for (let length = 1; length <= bits; length++) {
    left = left * 2 - counts[length]!
    if (left < 0) throw corrupt('gzip', 'has too many codes')
    next[length + 1] = (next[length]! + counts[length]!) << 1
  }
  const symbols = counts.reduce((sum, count) => sum + count, 0)
  if (left > 0 && symbols > 1) throw corrupt('gzip', 'has too few codes')
  const table = new Uint16Array(1 << bits)
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!
    if (length === 0) continue
    const first = reversed(next[length]!++, length)
    for (let i = first; i < table.length; i += 1 << length) table[i] = (symbol << 4) | length
  }
  return { bits, table }
}

function reversed(code: number, length: number): number {
  let result = 0
  for (let i = 0; i < length; i++) result |= ((code >>> i) & 1) << (length - 1 - i)
  return result
}

function readCodes(reader: BitReader): { literals: Code; distances: Code } {
  const literalCount = reader.read(5) + 257
  const distanceCount = reader.read(5) + 1
  const lengthCount = reader.read(4) + 4
  const codeLengths = new Uint8Array(CODE_LENGTH_ORDER.length)
  for (let i = 0; i < lengthCount; i++) codeLengths[CODE_LENGTH_ORDER[i]!] = reader.read(3)
  const lengthCode = makeCode(codeLengths)
  const lengths = new Uint8Array(literalCount + distanceCount)
  for (let i = 0; i < lengths.length; ) {
    const symbol = decode(reader, lengthCode)
    if (symbol < 16) {
      lengths[i++] = symbol
      continue
    }
    if (symbol === 16 && i === 0) throw corrupt('gzip', 'repeats a code length before the first')
    const repeated = symbol === 16 ? lengths[i - 1]! : 0
    const times = symbol === 16 ? 3 + reader.read(2) : symbol === 17 ? 3 + reader.read(3) : 11 + reader.read(7)
    if (i + times > lengths.length) throw corrupt('gzip', 'has too many code lengths')
    lengths.fill(repeated, i, i + times)
    i += times
  }
  if (lengths[END_OF_BLOCK] === 0) throw corrupt('gzip', 'has a block without an end')
  return { literals: makeCode(lengths.subarray(0, literalCount)), distances: makeCode(lengths.subarray(literalCount)) }
}

const FIXED = {
  literals: makeCode(Uint8Array.from({ length: LITERALS }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))),
  distances: makeCode(new Uint8Array(32).fill(5)),
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
