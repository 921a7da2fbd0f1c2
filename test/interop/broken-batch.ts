/**
 * Record batches with headers that say something else: for asking brokers what they make of them. The layout is KIP-98's;
 * it is written down here once more than in the protocol package, which has no way to write a wrong header.
 */
import { crc32c } from '@ottla/protocol'

/** Where what stands in a batch's header, and in how many bytes. */
const FIELDS = {
  baseOffset: [0, 8],
  length: [8, 4],
  leaderEpoch: [12, 4],
  magic: [16, 1],
  crc: [17, 4],
  attributes: [21, 2],
  lastOffsetDelta: [23, 4],
  baseTimestamp: [27, 8],
  maxTimestamp: [35, 8],
  producerId: [43, 8],
  producerEpoch: [51, 2],
  baseSequence: [53, 4],
  count: [57, 4],
} as const

export type HeaderField = keyof typeof FIELDS

export const RECORDS_AT = 61

/** A copy with one field of its header changed, and a checksum that holds unless that is what was changed. */
export function put(batch: Uint8Array, field: HeaderField, value: number): Buffer {
  const bytes = Buffer.from(batch)
  const [at, size] = FIELDS[field]
  if (size === 8) bytes.writeBigInt64BE(BigInt(value), at)
  else bytes.writeIntBE(size === 4 ? value | 0 : value, at, size)
  return field === 'crc' ? bytes : sealed(bytes)
}

/** With a byte among its records changed. */
export function putByte(batch: Uint8Array, at: number, value: number): Buffer {
  const bytes = Buffer.from(batch)
  bytes[at] = value
  return sealed(bytes)
}

/** With a length and a checksum that fit the bytes. */
export function resized(bytes: Buffer): Buffer {
  bytes.writeInt32BE(bytes.length - FIELDS.leaderEpoch[0], FIELDS.length[0])
  return sealed(bytes)
}

/** With a checksum that does not hold. */
export function withWrongCrc(bytes: Buffer): Buffer {
  bytes[FIELDS.crc[0]]! ^= 1
  return bytes
}

function sealed(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32c(bytes, FIELDS.attributes[0]), FIELDS.crc[0])
  return bytes
}
