/**
 * Reads protobuf field by field, as its wire format has them: what a field means is for who knows the message. Nothing is
 * allocated by a length that the bytes claim, and nothing is read beyond their end: throws an OtlpError.
 */

export class OtlpError extends Error {
  override readonly name = 'OtlpError'
}

/** One field: which of the three it has depends on its wire type. */
export interface Part {
  readonly field: number
  /** A varint; beyond 2^53 not exact. */
  readonly integer: number
  /** Eight bytes, little-endian. */
  readonly bits: DataView | null
  /** Bytes with a length in front: a message, a string, or numbers one after the other. */
  readonly message: Uint8Array | null
}

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5
const MAX_VARINT_BYTES = 10
const decoder = new TextDecoder()

export function utf8(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** Of a signed integer as protobuf's `sint32` has it. */
export function zigzag(integer: number): number {
  return integer % 2 === 0 ? integer / 2 : -(integer + 1) / 2
}

export function* messages(bytes: Uint8Array, wanted: number): Generator<Uint8Array, void> {
  for (const { field, message } of new Protobuf(bytes)) if (field === wanted && message) yield message
}

/** Of a repeated number of eight bytes, whether it comes alone or packed with others. */
export function* eights({ bits, message }: Part): Generator<DataView, void> {
  if (bits) yield bits
  if (!message) return
  if (message.length % 8 !== 0) throw new OtlpError(`${message.length} bytes are no numbers of eight`)
  const view = new DataView(message.buffer, message.byteOffset, message.length)
  for (let at = 0; at < message.length; at += 8) yield new DataView(view.buffer, view.byteOffset + at, 8)
}

/** Of a repeated varint. */
export function* varints({ integer, message }: Part): Generator<number, void> {
  if (message) yield* new Protobuf(message).integers()
  else yield integer
}

export class Protobuf implements Iterable<Part> {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  *[Symbol.iterator](): Generator<Part, void> {
    while (this.#position < this.#bytes.length) {
      const tag = this.#varint()
      const field = Math.floor(tag / 8)
      const type = tag % 8
      if (type === VARINT) yield { field, integer: this.#varint(), bits: null, message: null }
      else if (type === FIXED64) {
        const { buffer, byteOffset } = this.#take(8)
        yield { field, integer: 0, bits: new DataView(buffer, byteOffset, 8), message: null }
      } else if (type === BYTES) yield { field, integer: 0, bits: null, message: this.#take(this.#varint()) }
      else if (type === FIXED32) this.#take(4)
      else throw new OtlpError(`no wire type of protobuf: ${type}`)
    }
  }

  /** Of bytes that are nothing else. */
  *integers(): Generator<number, void> {
    while (this.#position < this.#bytes.length) yield this.#varint()
  }

  #varint(): number {
    let value = 0
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#bytes[this.#position++]
      if (byte === undefined) throw new OtlpError('a varint goes beyond the end')
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return value
    }
    throw new OtlpError('a varint is too long')
  }

  #take(length: number): Uint8Array {
    const end = this.#position + length
    if (end > this.#bytes.length) throw new OtlpError('a field goes beyond the end')
    const taken = this.#bytes.subarray(this.#position, end)
    this.#position = end
    return taken
  }
}
