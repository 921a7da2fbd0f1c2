/**
 * The two entropy codes of Zstandard, FSE and Huffman: reading their tables, and the bit streams, which run backwards.
 * Format: RFC 8878, section 4
 */
import { corrupt } from './codec.ts'

/** A state's symbol, and how to get to the next one: `base[state]` plus the next `bits[state]` bits. */
export interface FseTable {
  readonly log: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
  readonly base: Uint16Array
}

/** Indexed by the next `log` bits. */
export interface HuffmanTable {
  readonly log: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
}

const MAX_HUFFMAN_BITS = 11
const MAX_WEIGHT_LOG = 6

/** Bits from the end of `bytes[start, end)`, whose last byte holds the highest set bit as an end mark, to its beginning. */
export class BackwardBits {
  readonly #bytes: Uint8Array
  readonly #start: number
  /** How many bits are left; negative once more were read than there were. */
  left: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    const last = end > start ? bytes[end - 1]! : 0
    if (last === 0) throw corrupt('zstd', 'has a bit stream without an end mark')
    this.#bytes = bytes
    this.#start = start
    this.left = (end - start) * 8 - 8 + (31 - Math.clz32(last))
  }

  /** At most 31 at once; past the beginning they are 0. */
  read(count: number): number {
    if (count > 16) {
      const high = this.read(count - 16)
      return (high << 16) | this.read(16)
    }
    this.left -= count
    return bitsAt(this.#bytes, this.#start, this.left, count)
  }
}

/** The `count` bits, at most 16, that end `left` bits after `start`; those before `start` are 0. */
function bitsAt(bytes: Uint8Array, start: number, left: number, count: number): number {
  if (left < 0) return left + count <= 0 ? 0 : bitsAt(bytes, start, 0, left + count) << -left
  const i = start + (left >> 3)
  // A read near the end of the memory gets undefined, which is 0 here.
  const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16)
  return (word >> (left & 7)) & ((1 << count) - 1)
}

/** Where the table that was last read ended. */
export let afterTable = 0

/** Reads the distribution at `bytes[start]`, as far as `end`, and makes a table of it. */
export function readFseTable(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxLog: number,
  maxSymbol: number,
): FseTable {
  const bit = { at: start * 8 }
  const read = (count: number): number => {
    const i = bit.at >> 3
    const word = (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16)
    const value = (word >> (bit.at & 7)) & ((1 << count) - 1)
    bit.at += count
    return value
  }
  const log = read(4) + 5
  if (log > maxLog) throw corrupt('zstd', `has a table of 2^${log} states`)
  const counts: number[] = []
  let left = 1 << log
  while (left > 0) {
    // The values 0 to left + 1 take as few bits as they need: the lower ones one less.
    const bits = 32 - Math.clz32(left + 1)
    const short = (1 << bits) - 1 - (left + 1)
    const mask = (1 << (bits - 1)) - 1
    let value = read(bits)
    if ((value & mask) < short) {
      bit.at--
      value &= mask
    } else if (value > mask) value -= short
    const count = value - 1
    counts.push(count)
    left -= Math.abs(count)
    if (count === 0) {
      for (let more = 3; more === 3; ) {
        more = read(2)
        for (let i = 0; i < more; i++) counts.push(0)
        if (counts.length > maxSymbol + 1) break
      }
    }
    if (counts.length > maxSymbol + 1) throw corrupt('zstd', `has a table of ${counts.length} symbols`)
  }
  afterTable = (bit.at + 7) >> 3
  if (left < 0 || afterTable > end) throw corrupt('zstd', 'has a broken table')
  return makeFseTable(counts, log)
}

/** `counts` says how many states each symbol has; -1 for one that shares the end of the table with its like. */
export function makeFseTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log
  const symbols = new Uint8Array(size)
  const next = new Uint16Array(counts.length)
  let high = size
  counts.forEach((count, symbol) => {
    if (count === -1) symbols[--high] = symbol
    next[symbol] = Math.abs(count)
  })
  const step = (size >> 1) + (size >> 3) + 3
  let position = 0
  counts.forEach((count, symbol) => {
    for (let i = 0; i < count; i++) {
      symbols[position] = symbol
      do position = (position + step) & (size - 1)
      while (position >= high)
    }
  })
  const bits = new Uint8Array(size)
  const base = new Uint16Array(size)
  for (let state = 0; state < size; state++) {
    const order = next[symbols[state]!]!++
    const count = log - (31 - Math.clz32(order))
    bits[state] = count
    base[state] = (order << count) - size
  }
  return { log, symbols, bits, base }
}

/** A table of one symbol, which takes no bits. */
export function singleSymbol(symbol: number): FseTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: Uint8Array.of(0), base: Uint16Array.of(0) }
}

/** Reads the description of a Huffman code at `bytes[start]`, as far as `end`. */
export function readHuffmanTable(bytes: Uint8Array, start: number, end: number): HuffmanTable {
  if (start >= end) throw corrupt('zstd', 'has no Huffman code')
  const header = bytes[start]!
  const bodyBytes = header < 128 ? header : (header - 126) >> 1
  const bodyEnd = start + 1 + bodyBytes
  if (bodyEnd > end) throw corrupt('zstd', 'has a broken Huffman code')
  const weights: number[] = []
  if (header < 128) readWeights(bytes, start + 1, bodyEnd, weights)
  else {
    for (let i = 0; i < header - 127; i++) {
      const byte = bytes[start + 1 + (i >> 1)]!
      weights.push(i & 1 ? byte & 15 : byte >> 4)
    }
  }
  afterTable = bodyEnd
  return makeHuffmanTable(weights)
}

/** Weights in an FSE code of two states that take turns, until the bits run out. */
function readWeights(bytes: Uint8Array, start: number, end: number, weights: number[]): void {
  const table = readFseTable(bytes, start, end, MAX_WEIGHT_LOG, 255)
  const stream = new BackwardBits(bytes, afterTable, end)
  let state = stream.read(table.log)
  let other = stream.read(table.log)
  if (stream.left < 0) throw corrupt('zstd', 'has a broken Huffman code')
  for (;;) {
    weights.push(table.symbols[state]!)
    if (weights.length > 255) throw corrupt('zstd', 'has a Huffman code of too many symbols')
    const next = table.base[state]! + stream.read(table.bits[state]!)
    if (stream.left < 0) {
      weights.push(table.symbols[other]!)
      return
    }
    state = other
    other = next
  }
}

function makeHuffmanTable(weights: number[]): HuffmanTable {
  let sum = 0
  for (const weight of weights) {
    if (weight > MAX_HUFFMAN_BITS) throw corrupt('zstd', `has a Huffman weight of ${weight}`)
    if (weight > 0) sum += 1 << (weight - 1)
  }
  const log = 32 - Math.clz32(sum)
  // The last symbol's weight is what makes the sum a power of two.
  const rest = (1 << log) - sum
  if (sum === 0 || log > MAX_HUFFMAN_BITS || (rest & (rest - 1)) !== 0)
    throw corrupt('zstd', 'has a broken Huffman code')
  weights.push(32 - Math.clz32(rest))
  if (weights.length > 256) throw corrupt('zstd', 'has a Huffman code of too many symbols')
  const size = 1 << log
  const symbols = new Uint8Array(size)
  const bits = new Uint8Array(size)
  let code = 0
  for (let weight = 1; weight <= log; weight++) {
    for (let symbol = 0; symbol < weights.length; symbol++) {
      if (weights[symbol] !== weight) continue
      const span = 1 << (weight - 1)
      symbols.fill(symbol, code, code + span)
      bits.fill(log + 1 - weight, code, code + span)
      code += span
    }
  }
  if (code !== size) throw corrupt('zstd', 'has a broken Huffman code')
  return { log, symbols, bits }
}

/** Decodes `bytes[start, end)`, which must give exactly `target[at, stop)`. */
export function decodeHuffman(
  table: HuffmanTable,
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  stop: number,
): void {
  const stream = new BackwardBits(bytes, start, end)
  const { symbols, bits, log } = table
  const mask = (1 << log) - 1
  let state = stream.read(log)
  let left = stream.left
  for (let to = at; to < stop; to++) {
    target[to] = symbols[state]!
    const count = bits[state]!
    left -= count
    state = ((state << count) | bitsAt(bytes, start, left, count)) & mask
  }
  // The state looks `log` bits ahead: those were read, and not there.
  if (left !== -log) throw corrupt('zstd', 'has literals of another length than they say')
}
