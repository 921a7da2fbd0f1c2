/**
 * Decompression of Zstandard in plain JavaScript, for hosts without zlib's. Written here rather than taken from fzstd, the
 * only one of its kind: that verifies no checksum, allocates whatever window the input asks for, up to 2 GiB, and loops
 * for minutes over 100 hostile bytes.
 * Format: RFC 8878, section 3
 */
import { corrupt, tooLarge } from './codec.ts'
import { Output } from './memory.ts'
import { xxhash64Low } from './xxhash64.ts'
import {
  afterTable,
  BackwardBits,
  decodeHuffman,
  type FseTable,
  type HuffmanTable,
  makeFseTable,
  readFseTable,
  readHuffmanTable,
  singleSymbol,
} from './zstd-entropy.ts'
import { MAX_BLOCK_BYTES, type ZstdFrame, zstdFrames } from './zstd-frame.ts'

/** Where a code's values begin, and how many more bits say how far past that. */
interface ValueCode {
  readonly base: readonly number[]
  readonly extraBits: readonly number[]
}

function valueCode(first: number, extraBits: readonly number[]): ValueCode {
  const base: number[] = []
  let value = first
  for (const bits of extraBits) {
    base.push(value)
    value += 1 << bits
  }
  return { base, extraBits }
}

const zeros = (count: number) => new Array<number>(count).fill(0)
const LITERAL_LENGTHS = valueCode(0, [...zeros(16), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
const MATCH_LENGTHS = valueCode(3, [...zeros(32), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
const MAX_OFFSET_CODE = 31
/** Larger distances reach back further than there is memory. */
const MAX_USED_OFFSET_CODE = 29

const ones = (count: number) => new Array<number>(count).fill(1)
const rare = (count: number) => new Array<number>(count).fill(-1)
const DEFAULT_LITERAL_LENGTHS = makeFseTable(
  [4, 3, ...new Array<number>(11).fill(2), 1, 1, 1, ...new Array<number>(9).fill(2), 3, 2, ...ones(5), ...rare(4)],
  6,
)
const DEFAULT_MATCH_LENGTHS = makeFseTable([1, 4, 3, ...new Array<number>(6).fill(2), ...ones(37), ...rare(7)], 6)
const DEFAULT_OFFSETS = makeFseTable([...ones(6), 2, 2, 2, ...ones(15), ...rare(5)], 5)

/** What one block leaves to the next of its frame. */
class FrameState {
  huffman: HuffmanTable | null = null
  literalLengths: FseTable | null = null
  offsets: FseTable | null = null
  matchLengths: FseTable | null = null
  /** The last three distances, the last one first. */
  recent1 = 1
  recent2 = 4
  recent3 = 8
}

/** All frames of `bytes`, one after the other. */
export function unzstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const frames = zstdFrames(bytes)
  let expected = 0
  let possible = 0
  for (const frame of frames) {
    expected += frame.contentBytes ?? (frame.end - frame.start) * 4
    possible += frame.blockCount * MAX_BLOCK_BYTES
    if ((frame.contentBytes ?? 0) > maxBytes) throw tooLarge('zstd', maxBytes)
  }
  const output = new Output(Math.min(expected, possible), maxBytes, () => tooLarge('zstd', maxBytes))
  for (const frame of frames) decompressFrame(bytes, frame, output)
  return output.finish()
}

function decompressFrame(bytes: Uint8Array, frame: ZstdFrame, output: Output): void {
  const start = output.at
  const state = new FrameState()
  const maxBlockBytes = Math.min(MAX_BLOCK_BYTES, frame.windowBytes)
  let at = frame.firstBlock
  for (let block = 0; block < frame.blockCount; block++) {
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
    const type = (header >>> 1) & 3
    const size = header >>> 3
    at += 3
    if (size > maxBlockBytes) throw corrupt('zstd', `has a block of ${size} bytes`)
    const before = output.at
    if (type === 0) {
      output.reserve(size)
      output.append(bytes, at, at + size)
      at += size
    } else if (type === 1) {
      output.reserve(size)
      output.bytes.fill(bytes[at]!, output.at, output.at + size)
      output.at += size
      at += 1
    } else {
      decompressBlock(bytes, at, at + size, output, start, state, maxBlockBytes)
      at += size
    }
    if (output.at - before > maxBlockBytes) throw corrupt('zstd', `has a block of ${output.at - before} bytes`)
  }
  if (frame.contentBytes !== null && frame.contentBytes !== output.at - start) {
    throw corrupt('zstd', `has ${output.at - start} bytes but says ${frame.contentBytes}`)
  }
  if (!frame.hasChecksum) return
  const stored = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  if (stored !== xxhash64Low(output.bytes, start, output.at)) throw corrupt('zstd', 'has a wrong checksum')
}

function decompressBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Output,
  frameStart: number,
  state: FrameState,
  maxBlockBytes: number,
): void {
  const literals = readLiterals(bytes, start, end, state, maxBlockBytes)
  let at = afterLiterals
  if (at >= end) throw corrupt('zstd', 'has a block without sequences')
  let count = bytes[at++]!
  if (count === 255) {
    count = (bytes[at] ?? 0) + ((bytes[at + 1] ?? 0) << 8) + 0x7f00
    at += 2
  } else if (count > 127) count = ((count - 128) << 8) + (bytes[at++] ?? 0)
  if (count === 0) {
    if (at !== end) throw corrupt('zstd', 'has bytes after a block')
    output.reserve(literals.length)
    output.append(literals, 0, literals.length)
    return
  }
  if (at >= end) throw corrupt('zstd', 'has a broken block')
  const modes = bytes[at++]!
  if (modes & 3) throw corrupt('zstd', `has sequence modes ${modes}`)
  const read = (mode: number, previous: FseTable | null, standard: FseTable, maxLog: number, maxSymbol: number) => {
    const table = readSequenceTable(bytes, at, end, mode & 3, previous, standard, maxLog, maxSymbol)
    at = afterTables
    return table
  }
  state.literalLengths = read(modes >>> 6, state.literalLengths, DEFAULT_LITERAL_LENGTHS, 9, 35)
  state.offsets = read(modes >>> 4, state.offsets, DEFAULT_OFFSETS, 8, MAX_OFFSET_CODE)
  state.matchLengths = read(modes >>> 2, state.matchLengths, DEFAULT_MATCH_LENGTHS, 9, 52)
  executeSequences(new BackwardBits(bytes, at, end), count, literals, output, frameStart, state, maxBlockBytes)
}

let afterTables = 0

function readSequenceTable(
  bytes: Uint8Array,
  at: number,
  end: number,
  mode: number,
  previous: FseTable | null,
  standard: FseTable,
  maxLog: number,
  maxSymbol: number,
): FseTable {
  afterTables = at
  if (mode === 0) return standard
  if (mode === 3) {
    if (previous === null) throw corrupt('zstd', 'repeats a table that there was none of')
    return previous
  }
  if (mode === 2) {
    const table = readFseTable(bytes, at, end, maxLog, maxSymbol)
    afterTables = afterTable
    return table
  }
  const symbol = at < end ? bytes[at]! : 256
  if (symbol > maxSymbol) throw corrupt('zstd', `has symbol ${symbol} of ${maxSymbol}`)
  afterTables = at + 1
  return singleSymbol(symbol)
}

function executeSequences(
  stream: BackwardBits,
  count: number,
  literals: Uint8Array,
  output: Output,
  frameStart: number,
  state: FrameState,
  maxBlockBytes: number,
): void {
  const lengths = state.literalLengths!
  const offsets = state.offsets!
  const matches = state.matchLengths!
  let lengthState = stream.read(lengths.log)
  let offsetState = stream.read(offsets.log)
  let matchState = stream.read(matches.log)
  const limit = output.at + maxBlockBytes
  let literal = 0
  for (let i = 0; i < count; i++) {
    const offsetCode = offsets.symbols[offsetState]!
    if (offsetCode > MAX_USED_OFFSET_CODE) throw corrupt('zstd', 'copies from 1 GiB before')
    const offset = (1 << offsetCode) + stream.read(offsetCode)
    const matchCode = matches.symbols[matchState]!
    const match = MATCH_LENGTHS.base[matchCode]! + stream.read(MATCH_LENGTHS.extraBits[matchCode]!)
    const lengthCode = lengths.symbols[lengthState]!
    const length = LITERAL_LENGTHS.base[lengthCode]! + stream.read(LITERAL_LENGTHS.extraBits[lengthCode]!)
    if (i < count - 1) {
      lengthState = lengths.base[lengthState]! + stream.read(lengths.bits[lengthState]!)
      matchState = matches.base[matchState]! + stream.read(matches.bits[matchState]!)
      offsetState = offsets.base[offsetState]! + stream.read(offsets.bits[offsetState]!)
    }
    if (stream.left < 0) throw corrupt('zstd', 'has too few bits of sequences')
    const distance = distanceOf(offset, length, state)
    if (literal + length > literals.length) throw corrupt('zstd', 'has too few literals')
    if (output.at + length + match > limit) throw corrupt('zstd', `has a block of more than ${maxBlockBytes} bytes`)
    output.reserve(length + match)
    output.append(literals, literal, literal + length)
    literal += length
    if (distance > output.at - frameStart) {
      throw corrupt('zstd', `copies from ${distance} bytes before ${output.at - frameStart}`)
    }
    output.repeat(distance, match)
  }
  if (stream.left !== 0) throw corrupt('zstd', 'has bits left after its sequences')
  output.reserve(literals.length - literal)
  output.append(literals, literal, literals.length)
}

/** Offsets 1 to 3 are recent distances, moved up by one where there are no literals between two matches. */
function distanceOf(offset: number, literalLength: number, state: FrameState): number {
  const index = literalLength === 0 ? offset + 1 : offset
  if (offset <= 3 && index === 1) return state.recent1
  let distance = offset - 3
  if (offset <= 3) distance = index === 2 ? state.recent2 : index === 3 ? state.recent3 : state.recent1 - 1
  if (distance === 0) throw corrupt('zstd', 'copies from where it writes')
  if (offset > 3 || index > 2) state.recent3 = state.recent2
  state.recent2 = state.recent1
  state.recent1 = distance
  return distance
}

let afterLiterals = 0

function readLiterals(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: FrameState,
  maxBlockBytes: number,
): Uint8Array {
  if (start >= end) throw corrupt('zstd', 'has an empty block')
  const first = bytes[start]!
  const type = first & 3
  const format = (first >>> 2) & 3
  const isCompressed = type >= 2
  const headerBytes = isCompressed ? [3, 3, 4, 5][format]! : [1, 2, 1, 3][format]!
  if (start + headerBytes > end) throw corrupt('zstd', 'has broken literals')
  let header = 0
  for (let i = 0; i < headerBytes; i++) header += bytes[start + i]! * 2 ** (8 * i)
  const sizeBits = isCompressed ? [10, 10, 14, 18][format]! : [5, 12, 5, 20][format]!
  const sizes = Math.floor(header / (!isCompressed && (format & 1) === 0 ? 8 : 16))
  const length = sizes % 2 ** sizeBits
  if (length > maxBlockBytes) throw corrupt('zstd', `has ${length} literals`)
  const at = start + headerBytes
  if (!isCompressed) {
    afterLiterals = at + (type === 0 ? length : 1)
    if (afterLiterals > end) throw corrupt('zstd', 'has too few literals')
    return type === 0 ? bytes.subarray(at, afterLiterals) : new Uint8Array(length).fill(bytes[at]!)
  }
  afterLiterals = at + Math.floor(sizes / 2 ** sizeBits)
  if (afterLiterals > end) throw corrupt('zstd', 'has too few literals')
  let streams = at
  if (type === 2) {
    state.huffman = readHuffmanTable(bytes, at, afterLiterals)
    streams = afterTable
  }
  if (state.huffman === null) throw corrupt('zstd', 'repeats a Huffman code that there was none of')
  const literals = new Uint8Array(length)
  if (format === 0) decodeHuffman(state.huffman, bytes, streams, afterLiterals, literals, 0, length)
  else decodeFourStreams(state.huffman, bytes, streams, afterLiterals, literals)
  return literals
}

/** Three lengths, then four streams, each for a quarter of the literals. */
function decodeFourStreams(
  table: HuffmanTable,
  bytes: Uint8Array,
  start: number,
  end: number,
  literals: Uint8Array,
): void {
  const quarter = (literals.length + 3) >> 2
  if (start + 6 > end || quarter * 3 > literals.length) throw corrupt('zstd', 'has broken literals')
  let at = start + 6
  for (let i = 0; i < 4; i++) {
    const length = bytes[start + i * 2]! | (bytes[start + i * 2 + 1]! << 8)
    const stop = i === 3 ? end : at + length
    if (stop > end) throw corrupt('zstd', 'has broken literals')
    decodeHuffman(table, bytes, at, stop, literals, quarter * i, i === 3 ? literals.length : quarter * (i + 1))
    at = stop
  }
}
