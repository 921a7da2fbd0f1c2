/**
 * Compression of records: one call for each direction, over the five codecs. Synchronous, as records are decoded where
 * they are needed; who has megabytes to compress goes to a worker. Which implementation does the work, and why, is in
 * docs/decisions/0003-compression.md.
 */
import { gzip, zstd } from '#compression-host'
import { COMPRESSION_LEVELS, type Codec, type Compressor, type RealCodec } from './codec.ts'
import { lz4 } from './lz4.ts'
import { snappy } from './snappy.ts'

export { CODECS, COMPRESSION_LEVELS, type Codec, type Compressor, type RealCodec } from './codec.ts'

const compressors: Record<RealCodec, Compressor> = { gzip, snappy, lz4, zstd }

/** Puts another implementation in place of the one chosen, for this process: a browser's zstd, say. */
export function useCompressor(codec: RealCodec, compressor: Compressor): void {
  compressors[codec] = compressor
}

/** Default level: the codec's. Throws a RangeError for a level that COMPRESSION_LEVELS doesn't have. */
export function compress(codec: Codec, bytes: Uint8Array, level?: number): Uint8Array {
  if (codec === 'none') return bytes
  return compressors[codec].compress(bytes, levelOf(codec, level))
}

/**
 * Decompresses records of a batch of the given magic. Throws ProtocolErrors: ERR_TOO_LARGE once there are more than
 * `maxBytes` of output, ERR_CORRUPT or ERR_TRUNCATED for bytes that are not what the codec writes.
 */
export function decompress(codec: Codec, bytes: Uint8Array, maxBytes: number, magic = 2): Uint8Array {
  return codec === 'none' ? bytes : compressors[codec].decompress(bytes, maxBytes, magic)
}

function levelOf(codec: RealCodec, level: number | undefined): number {
  if (codec === 'snappy') return 0
  const { min, max, default: normal } = COMPRESSION_LEVELS[codec]
  const chosen = level ?? normal
  if (!Number.isInteger(chosen) || ((chosen < min || chosen > max) && chosen !== normal)) {
    throw new RangeError(`${codec} has no level ${chosen}: ${min} to ${max}`)
  }
  return chosen
}
