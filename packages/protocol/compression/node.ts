/**
 * gzip and zstd by node:zlib, which is pure computation and part of every Node that runs this. Chosen over pure.ts by
 * the `node` condition of this package's `#compression-host` import.
 */
import * as zlib from 'node:zlib'
import type { ProtocolError } from '../errors.ts'
import { type Compressor, corrupt, type RealCodec, tooLarge, truncated } from './codec.ts'
import { type ZstdFrame, zstdFrames } from './zstd-frame.ts'

/** zlib is handed one piece of memory of the size that the data claims, within these bounds, and more as needed. */
const MIN_CHUNK_BYTES = 256
const MAX_CHUNK_BYTES = 1 << 20
const GZIP_TRAILER_BYTES = 8

export const gzip: Compressor = {
  compress(bytes, level) {
    return zlib.gzipSync(bytes, { level, chunkSize: chunkSize(bytes.length / 2, MAX_CHUNK_BYTES) })
  },

  decompress(bytes, maxBytes) {
    // The last four bytes say what the last member decompresses to: only ever a hint.
    const at = bytes.length - 4
    const claimed =
      bytes.length < GZIP_TRAILER_BYTES
        ? 0
        : (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
    return bounded('gzip', maxBytes, maxBytes, claimed, options => zlib.gunzipSync(bytes, options))
  },
}

export const zstd: Compressor = {
  compress(bytes, level) {
    return zlib.zstdCompressSync(bytes, {
      chunkSize: chunkSize(bytes.length / 2, MAX_CHUNK_BYTES),
      params: { [zlib.constants.ZSTD_c_compressionLevel]: level },
    })
  },

  decompress(bytes, maxBytes) {
    const frames = zstdFrames(bytes)
    let left = maxBytes
    const parts = frames.map(frame => {
      const part = decompressFrame(bytes, frame, left, maxBytes)
      left -= part.length
      return part
    })
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  },
}

function decompressFrame(bytes: Uint8Array, frame: ZstdFrame, left: number, maxBytes: number): Uint8Array {
  if ((frame.contentBytes ?? 0) > left) throw tooLarge('zstd', maxBytes)
  const claimed = frame.contentBytes ?? (frame.end - frame.start) * 4
  const stored = bytes.subarray(frame.start, frame.end)
  return bounded('zstd', left, maxBytes, claimed, options => zlib.zstdDecompressSync(stored, options))
}

function bounded(
  codec: RealCodec,
  left: number,
  maxBytes: number,
  claimed: number,
  run: (options: { maxOutputLength: number; chunkSize: number }) => Uint8Array,
): Uint8Array {
  let plain: Uint8Array
  try {
    // Node takes no bound of 0, which may well be left.
    plain = run({ maxOutputLength: Math.max(1, left), chunkSize: chunkSize(claimed, left) })
  } catch (error) {
    throw translate(codec, error, maxBytes)
  }
  if (plain.length > left) throw tooLarge(codec, maxBytes)
  return plain
}

/** One more than expected, so that the end is noticed without asking again. */
function chunkSize(expected: number, maximum: number): number {
  return Math.floor(Math.max(MIN_CHUNK_BYTES, Math.min(expected, maximum, MAX_CHUNK_BYTES))) + 1
}

function translate(codec: RealCodec, error: unknown, maxBytes: number): ProtocolError {
  const code = (error as { code?: unknown }).code
  if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(codec, maxBytes)
  if (code === 'Z_BUF_ERROR') return truncated(codec)
  return corrupt(codec, 'is broken', error)
}
