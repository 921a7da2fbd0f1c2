/**
 * Writes the primitives of Kafka's protocol into a buffer that grows. Record batches are not copied: they stay slices
 * between the stretches of the buffer, and `finish` gives all of it in order, for one writev.
 */
import { utf8Length, utf8Write, uuidWrite } from './text.ts'

/** Slices shorter than this are copied: another entry of the writev costs more. */
const COPY_BELOW_BYTES = 1024
const TWO_32 = 0x1_0000_0000
const MAX_STRING_BYTES = 0x7fff

export class Writer {
  bytes: Uint8Array
  view: DataView
  position = 0
  readonly #done: Uint8Array[] = []
  #doneBytes = 0
  /** Where in `bytes` the current stretch begins. */
  #start = 0

  constructor(initialBytes = 512) {
    this.bytes = new Uint8Array(initialBytes)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Everything written so far. */
  get length(): number {
    return this.#doneBytes + this.position - this.#start
  }

  int8(value: number): void {
    const at = this.#room(1)
    this.view.setInt8(at, value)
  }

  int16(value: number): void {
    const at = this.#room(2)
    this.view.setInt16(at, value)
  }

  int32(value: number): void {
    const at = this.#room(4)
    this.view.setInt32(at, value)
  }

  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no safe integer`)
    const at = this.#room(8)
    const high = Math.floor(value / TWO_32)
    this.view.setInt32(at, high)
    this.view.setUint32(at + 4, value - high * TWO_32)
  }

  rawInt64(value: bigint): void {
    const at = this.#room(8)
    this.view.setBigInt64(at, value)
  }

  float64(value: number): void {
    const at = this.#room(8)
    this.view.setFloat64(at, value)
  }

  uuid(value: string): void {
    const at = this.#room(16)
    if (!uuidWrite(this.bytes, value, at)) throw new TypeError(`'${value}' is no uuid in 22 characters of base64`)
  }

  uvarint(value: number): void {
    const at = this.#room(5)
    this.position = putUvarint(this.bytes, at, value)
  }

  /** int16 length, then UTF-8. */
  string(value: string): void {
    const start = this.#room(2)
    // Before the view is looked at: writing the text may have replaced it.
    const length = this.#text(value)
    this.view.setInt16(start, length)
  }

  /** uvarint length + 1, then UTF-8. */
  compactString(value: string): void {
    // Three bytes a character at most: below 42 characters the length takes one byte whatever they are.
    if (value.length < 42) {
      const start = this.#room(1)
      const length = this.#text(value)
      this.bytes[start] = length + 1
      return
    }
    const length = utf8Length(value)
    this.uvarint(length + 1)
    this.#text(value)
  }

  /** The bytes alone, copied. */
  raw(value: Uint8Array): void {
    const at = this.#room(value.length)
    this.bytes.set(value, at)
  }

  /** The bytes alone, as they are: `value` must not be changed before the message has been sent. */
  slice(value: Uint8Array): void {
    if (value.length < COPY_BELOW_BYTES) {
      this.raw(value)
      return
    }
    this.#cut()
    this.#done.push(value)
    this.#doneBytes += value.length
  }

  /** Writes `tag` and the size of what was written since `start` in front of it. Nothing there may be a slice. */
  closeTag(tag: number, start: number): void {
    const size = this.position - start
    const head = uvarintBytes(tag) + uvarintBytes(size)
    this.#room(head)
    this.bytes.copyWithin(start + head, start, start + size)
    putUvarint(this.bytes, putUvarint(this.bytes, start, tag), size)
  }

  /** All that was written, in order; the first stretch begins where the writer began. The writer can't be used afterwards. */
  finish(): Uint8Array[] {
    this.#cut()
    return this.#done
  }

  #text(value: string): number {
    const at = this.position
    const most = value.length * 3
    this.#room(most)
    const { bytes } = this
    let i = 0
    // Short ASCII by hand: cheaper than the call.
    if (value.length < 32) {
      for (; i < value.length; i++) {
        const code = value.charCodeAt(i)
        if (code > 0x7f) break
        bytes[at + i] = code
      }
    }
    const length = i === value.length ? i : utf8Write(bytes, value, at)
    if (length > MAX_STRING_BYTES)
      throw new RangeError(`a string of ${length} bytes is over the limit of ${MAX_STRING_BYTES}`)
    this.position = at + length
    return length
  }

  #cut(): void {
    if (this.position === this.#start) return
    this.#done.push(this.bytes.subarray(this.#start, this.position))
    this.#doneBytes += this.position - this.#start
    this.#start = this.position
  }

  #room(length: number): number {
    const at = this.position
    const end = at + length
    if (end > this.bytes.length) this.#grow(end)
    this.position = end
    return at
  }

  #grow(end: number): void {
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, end))
    grown.set(this.bytes.subarray(this.#start, this.position), this.#start)
    this.bytes = grown
    this.view = new DataView(grown.buffer)
  }
}

/** Returns where it ends. */
function putUvarint(bytes: Uint8Array, at: number, value: number): number {
  let to = at
  let left = value
  while (left > 0x7f) {
    bytes[to++] = (left & 0x7f) | 0x80
    left >>>= 7
  }
  bytes[to++] = left
  return to
}

function uvarintBytes(value: number): number {
  let bytes = 1
  for (let left = value >>> 7; left > 0; left >>>= 7) bytes++
  return bytes
}
