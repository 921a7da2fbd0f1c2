/**
 * gzip and zstd without zlib, for browsers and whatever else is not Node. Reading is complete. Writing gzip is fflate's;
 * writing zstd makes valid frames that are no smaller than what they hold, runs of one byte excepted: nobody keeps a
 * compressor in JavaScript. Whoever writes from a browser chooses another codec, or puts a WebAssembly build in place
 * with `useCompressor`.
 */
import { type GzipOptions, gzipSync } from 'fflate'
import type { Compressor } from './codec.ts'
import { gunzip } from './gunzip.ts'
import { unzstd } from './unzstd.ts'
import { MAX_BLOCK_BYTES } from './zstd-frame.ts'

const DEFAULT_GZIP_LEVEL = 6
/** magic, a descriptor that says "single segment, size in four bytes", the size. */
const ZSTD_HEADER_BYTES = 9
const ZSTD_HEADER = [0x28, 0xb5, 0x2f, 0xfd, 0xa0]
const BLOCK_HEADER_BYTES = 3

export const gzip: Compressor = {
  compress(bytes, level) {
    const chosen = level === -1 ? DEFAULT_GZIP_LEVEL : level
    // No time: the same records make the same bytes, as in Java.
    return gzipSync(bytes, { level: chosen as GzipOptions['level'], mtime: 0 })
  },
  decompress: gunzip,
}

export const zstd: Compressor = {
  compress(bytes) {
    const blocks = Math.max(1, Math.ceil(bytes.length / MAX_BLOCK_BYTES))
    const target = new Uint8Array(ZSTD_HEADER_BYTES + bytes.length + blocks * BLOCK_HEADER_BYTES)
    target.set(ZSTD_HEADER)
    setLittleEndian(target, ZSTD_HEADER.length, bytes.length, 4)
    let at = ZSTD_HEADER_BYTES
    for (let block = 0; block < blocks; block++) {
      const part = bytes.subarray(block * MAX_BLOCK_BYTES, (block + 1) * MAX_BLOCK_BYTES)
      const isRun = part.length > 1 && part.every(byte => byte === part[0])
      const header = (part.length << 3) | (isRun ? 2 : 0) | (block === blocks - 1 ? 1 : 0)
      setLittleEndian(target, at, header, BLOCK_HEADER_BYTES)
      at += BLOCK_HEADER_BYTES
      const stored = isRun ? part.subarray(0, 1) : part
      target.set(stored, at)
      at += stored.length
    }
    return target.subarray(0, at)
  },
  decompress: unzstd,
}

function setLittleEndian(bytes: Uint8Array, at: number, value: number, length: number): void {
  for (let i = 0; i < length; i++) bytes[at + i] = value >>> (8 * i)
}
