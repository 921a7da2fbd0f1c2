/**
 * Checksums: CRC-32C (Castagnoli) of record batches and snapshots, CRC-32 (IEEE) of message sets of magic 0 and 1 and
 * of gzip. Slice-by-16 tables in plain JavaScript for short inputs and for hosts without the addon (1.4 GB/s);
 * `@node-rs/crc32` (CPU instructions, 6 GB/s, 0.1 µs a call) once it pays. See docs/performance.md.
 */
import { LazyAddon } from './native.ts'

const CASTAGNOLI = 0x82f63b78
const IEEE = 0xedb88320

/** Below this the call into native code costs more than the tables. */
const NATIVE_FROM_BYTES = 224

interface Crc32Addon {
  crc32c(bytes: Uint8Array, initial?: number): number
}

const addon = new LazyAddon<Crc32Addon>('@node-rs/crc32')
let castagnoli: Int32Array | null = null
let ieee: Int32Array | null = null

/**
 * CRC-32C of `bytes[start, end)` as an unsigned 32-bit integer. Pass the result for what came before as `previous` to
 * go on from there.
 */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, previous = 0): number {
  const length = end - start
  const native = length < NATIVE_FROM_BYTES ? null : addon.forWork(length)
  if (native !== null) return native.crc32c(bytes.subarray(start, end), previous)
  return crc32cPure(bytes, start, end, previous)
}

/** As `crc32c`, always in JavaScript. */
export function crc32cPure(bytes: Uint8Array, start = 0, end: number = bytes.length, previous = 0): number {
  castagnoli ??= makeTables(CASTAGNOLI)
  return update(castagnoli, bytes, start, end, previous)
}

/** CRC-32 (IEEE, as in zip) of `bytes[start, end)`, unsigned; `previous` as in `crc32c`. */
export function crc32(bytes: Uint8Array, start = 0, end: number = bytes.length, previous = 0): number {
  ieee ??= makeTables(IEEE)
  return update(ieee, bytes, start, end, previous)
}

/** Table k, at 256 k, holds the remainder of each byte followed by k zero bytes. */
function makeTables(polynomial: number): Int32Array {
  const tables = new Int32Array(256 * 16)
  // The remainder of a sum is the sum of the remainders: those of the eight single bits give all others.
  for (let bit = 128, remainder = 1; bit > 0; bit >>>= 1) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1
    tables[bit] = remainder
  }
  for (let bit = 2; bit < 256; bit <<= 1) {
    for (let rest = 1; rest < bit; rest++) tables[bit + rest] = tables[bit]! ^ tables[rest]!
  }
  for (let i = 256; i < tables.length; i++) {
    const shorter = tables[i - 256]!
    tables[i] = tables[shorter & 255]! ^ (shorter >>> 8)
  }
  return tables
}

function update(t: Int32Array, b: Uint8Array, start: number, end: number, previous: number): number {
  let crc = ~previous
  let i = start
  for (const last = end - 16; i <= last; i += 16) {
    crc ^= b[i]! | (b[i + 1]! << 8) | (b[i + 2]! << 16) | (b[i + 3]! << 24)
    crc =
      t[3840 + (crc & 255)]! ^
      t[3584 + ((crc >>> 8) & 255)]! ^
      t[3328 + ((crc >>> 16) & 255)]! ^
      t[3072 + (crc >>> 24)]! ^
      t[2816 + b[i + 4]!]! ^
      t[2560 + b[i + 5]!]! ^
      t[2304 + b[i + 6]!]! ^
      t[2048 + b[i + 7]!]! ^
      t[1792 + b[i + 8]!]! ^
      t[1536 + b[i + 9]!]! ^
      t[1280 + b[i + 10]!]! ^
      t[1024 + b[i + 11]!]! ^
      t[768 + b[i + 12]!]! ^
      t[512 + b[i + 13]!]! ^
      t[256 + b[i + 14]!]! ^
      t[b[i + 15]!]!
  }
  for (; i < end; i++) crc = t[(crc ^ b[i]!) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}
