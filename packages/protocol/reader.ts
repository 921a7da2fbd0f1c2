/**
 * Reads the primitives of Kafka's protocol from one buffer, each checked against its end: whatever the peer sent, the
 * outcome is a value or a ProtocolError.
 */
import { ProtocolError } from './errors.ts'
import { utf8Read, uuidRead } from './text.ts'

const TWO_32 = 0x1_0000_0000
/** More than there are bytes in any frame. */
const ANY_NUMBER = 0x3fff_ffff

export class Reader {
  readonly bytes: Uint8Array
  /** Spans exactly `bytes`, so that reading past the end throws a RangeError. */
  readonly view: DataView
  position: number
  /** How many elements of arrays may be read from here on: each costs many times the byte that it may take here. */
  elementsLeft: number

  constructor(bytes: Uint8Array, position = 0, maxElements = ANY_NUMBER) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = position
    this.elementsLeft = maxElements
  }

  get remaining(): number {
    return this.bytes.length - this.position
  }

  int8(): number {
    return this.view.getInt8(this.#take(1))
  }

  int16(): number {
    return this.view.getInt16(this.#take(2))
  }

  uint16(): number {
    return this.view.getUint16(this.#take(2))
  }

  int32(): number {
    return this.view.getInt32(this.#take(4))
  }

  uint32(): number {
    return this.view.getUint32(this.#take(4))
  }

  int64(): number {
    const at = this.#take(8)
    const value = this.view.getInt32(at) * TWO_32 + this.view.getUint32(at + 4)
    if (!Number.isSafeInteger(value)) throw unsafeInteger(at)
    return value
  }

  rawInt64(): bigint {
    return this.view.getBigInt64(this.#take(8))
  }

  float64(): number {
    return this.view.getFloat64(this.#take(8))
  }

  uuid(): string {
    return uuidRead(this.bytes, this.#take(16))
  }

  /** At most 5 bytes. */
  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.#take(1)]!
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new ProtocolError('ERR_MALFORMED', `varint at byte ${this.position - 5} is longer than 5 bytes`)
  }

  /** `length` bytes of UTF-8. */
  text(length: number): string {
    const at = this.#take(length)
    return utf8Read(this.bytes, at, at + length)
  }

  /** A view, not a copy. */
  slice(length: number): Uint8Array {
    const at = this.#take(length)
    return this.bytes.subarray(at, at + length)
  }

  /** Passes over a tag section: for a message whose tags are of no interest, and for tags nobody knows. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint()
      this.#take(this.uvarint())
    }
  }

  #take(length: number): number {
    const at = this.position
    if (at + length > this.bytes.length) {
      throw new ProtocolError(
        'ERR_TRUNCATED',
        `${length} bytes are due at byte ${at}, ${this.bytes.length - at} are there`,
      )
    }
    this.position = at + length
    return at
  }
}

export function unsafeInteger(at: number): ProtocolError {
  return new ProtocolError('ERR_MALFORMED', `int64 at byte ${at} is outside ±(2^53 - 1)`)
}
