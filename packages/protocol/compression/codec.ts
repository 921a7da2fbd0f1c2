/**
 * The five codecs that records may be compressed with, and what an implementation of one has to offer.
 */
import { ProtocolError } from '../errors.ts'

/** By id, as in the attributes of a batch; the names are those of `compression.type`. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof CODECS)[number]
export type RealCodec = Exclude<Codec, 'none'>

/** What `compression.<codec>.level` may be. gzip also takes -1, its default; snappy has no levels. */
export const COMPRESSION_LEVELS = {
  gzip: { min: 1, max: 9, default: -1 },
  lz4: { min: 1, max: 17, default: 9 },
  zstd: { min: -131072, max: 22, default: 3 },
} as const

export interface Compressor {
  /** `level` is within COMPRESSION_LEVELS. The result is the caller's. */
  compress(bytes: Uint8Array, level: number): Uint8Array
  /**
   * Throws ProtocolErrors: ERR_TOO_LARGE before more than `maxBytes` of output are held, ERR_TRUNCATED or ERR_CORRUPT for
   * what is not such a stream. `magic` is that of the batch: magic 0 got the header checksum of lz4 wrong.
   */
  decompress(bytes: Uint8Array, maxBytes: number, magic: number): Uint8Array
}

export function tooLarge(codec: RealCodec, maxBytes: number): ProtocolError {
  return new ProtocolError('ERR_TOO_LARGE', `${codec} data decompresses to more than ${maxBytes} bytes`)
}

export function corrupt(codec: RealCodec, what: string, cause?: unknown): ProtocolError {
  return new ProtocolError('ERR_CORRUPT', `${codec} data ${what}`, cause === undefined ? undefined : { cause })
}

export function truncated(codec: RealCodec): ProtocolError {
  return new ProtocolError('ERR_TRUNCATED', `${codec} data ends too early`)
}
