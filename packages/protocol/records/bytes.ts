/**
 * Big-endian integers and zigzag varints at a position of a Uint8Array, for the hand-written record code. A DataView
 * would read them faster, but making one costs more (75 ns) than reading a whole batch header byte by byte.
 */
import { ProtocolError } from '../errors.ts'

export function int16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16)) >> 16
}

export function int32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

export function uint32At(bytes: Uint8Array, at: number): number {
  return int32At(bytes, at) >>> 0
}

/** `what` names the field in the error for a value past ±2^53, which a number can't hold. */
export function int64At(bytes: Uint8Array, at: number, what: string): number {
  const value = int32At(bytes, at) * 0x1_0000_0000 + uint32At(bytes, at + 4)
  if (value > Number.MAX_SAFE_INTEGER || value < -Number.MAX_SAFE_INTEGER) throw unsafe(what, value)
  return value
}

export function unsafe(what: string, value: number): ProtocolError {
  return new ProtocolError('ERR_MALFORMED', `${what} ${value} is out of range`)
}

export function setInt16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export function setInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** `value` must be a safe integer. */
export function setInt64(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  setInt32(bytes, at, high)
  setInt32(bytes, at + 4, value - high * 0x1_0000_0000)
}

/** Bytes of the zigzag varint of a 32-bit integer: 1 to 5. */
export function varintLength(value: number): number {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0
  return raw < 0x80 ? 1 : raw < 0x4000 ? 2 : raw < 0x20_0000 ? 3 : raw < 0x1000_0000 ? 4 : 5
}

/** Bytes of the zigzag varint of a safe integer: 1 to 8. */
export function varlongLength(value: number): number {
  if (value === value << 0) return varintLength(value)
  // The zigzag form of a negative n is -2n - 1; compared halved, so that it stays exact.
  let rest = value < 0 ? -(value + 1) : value
  let length = 1
  for (rest = Math.floor(rest / 0x40); rest > 0; rest = Math.floor(rest / 0x80)) length++
  return length
}

/** Writes a zigzag varint; returns the position after it. */
export function setVarint(bytes: Uint8Array, at: number, value: number): number {
  let raw = ((value << 1) ^ (value >> 31)) >>> 0
  let position = at
  while (raw > 0x7f) {
    bytes[position++] = raw | 0x80
    raw >>>= 7
  }
  bytes[position++] = raw
  return position
}

/** As `setVarint`, for any safe integer. */
export function setVarlong(bytes: Uint8Array, at: number, value: number): number {
  if (value === value << 0) return setVarint(bytes, at, value)
  const negative = value < 0
  const magnitude = negative ? -(value + 1) : value
  let position = at
  // Seven bits at a time: the lowest byte also holds the sign.
  let low = ((magnitude % 0x40) << 1) | (negative ? 1 : 0)
  let rest = Math.floor(magnitude / 0x40)
  while (rest > 0) {
    bytes[position++] = low | 0x80
    low = rest % 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[position++] = low
  return position
}
