/**
 * Writes the primitives of Kafka's protocol into a buffer that grows. Record batches are not copied: they stay slices
 * between the stretches of the buffer, and `finish` gives all of it in order, for one writev.
 *
 * Numbers are checked against the range of their type: a value that does not fit is our bug, and would go out as another
 * value. Most messages are small, and making a buffer costs more than filling it: writers share slabs, each taking up
 * where the one before it finished.
 */
import { utf8Length, utf8Write, uuidWrite } from './text.ts'

/** Slices shorter than this are copied: another entry of the writev costs more (docs/performance.md). */
const COPY_BELOW_BYTES = 1536
const TWO_32 = 0x1_0000_0000
const MAX_STRING_BYTES = 0x7fff
const SLAB_BYTES = 16 * 1024
/** A buffer that had to grow past this is not kept: whoever holds on to a little of it would hold all of it. */
const MAX_SPARE_BYTES = 64 * 1024

interface Slab {
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Below it is what other writers gave away. */
  readonly start: number
}

const NOTHING: Slab = slabOf(0)
/** The rest of the last finished writer's slab, unless a writer has it. */
let spare = NOTHING

export class Writer {
  bytes: Uint8Array
  view: DataView
  position: number
  readonly #done: Uint8Array[] = []
  #doneBytes = 0
  /** Where in `bytes` the current stretch begins. */
  #start: number
  #isFinished = false

  /** `initialBytes`: about as many as will be written. */
  constructor(initialBytes = 512) {
    const slab = takeSlab(initialBytes)
    this.bytes = slab.bytes
    this.view = slab.view
    this.position = slab.start
    this.#start = slab.start
  }

  /** Everything written so far. */
  get length(): number {
    return this.#doneBytes + this.position - this.#start
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) throw outOfRange(value, 'int8')
    const at = this.#room(1)
    this.view.setInt8(at, value)
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) throw outOfRange(value, 'int16')
    const at = this.#room(2)
    this.view.setInt16(at, value)
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) throw outOfRange(value, 'uint16')
    const at = this.#room(2)
    this.view.setUint16(at, value)
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw outOfRange(value, 'int32')
    const at = this.#room(4)
    this.view.setInt32(at, value)
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) throw outOfRange(value, 'uint32')
    const at = this.#room(4)
    this.view.setUint32(at, value)
  }

  /** Within ±(2^53 - 1). */
  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw outOfRange(value, 'safe integer')
    const at = this.#room(8)
    const high = Math.floor(value / TWO_32)
    this.view.setInt32(at, high)
    this.view.setUint32(at + 4, value - high * TWO_32)
  }

  rawInt64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw outOfRange(value, 'int64')
    const at = this.#room(8)
    this.view.setBigInt64(at, value)
  }

  float64(value: number): void {
    if (typeof value !== 'number') throw outOfRange(value, 'float64')
    const at = this.#room(8)
    this.view.setFloat64(at, value)
  }

  uuid(value: string): void {
    const at = this.#room(16)
    if (!uuidWrite(this.bytes, value, at)) throw new TypeError(`'${value}' is no uuid in 22 characters of base64`)
  }

  /** At most 2^32 - 1. */
  uvarint(value: number): void {
    if (value >>> 0 !== value) throw outOfRange(value, 'uint32')
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
    const rest = { bytes: this.bytes, view: this.view, start: this.position }
    if (rest.bytes.length <= MAX_SPARE_BYTES && room(rest) > room(spare)) spare = rest
    this.#isFinished = true
    this.bytes = NOTHING.bytes
    this.view = NOTHING.view
    this.position = 0
    this.#start = 0
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
    if (this.#isFinished) throw new Error('the writer is finished')
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, end))
    grown.set(this.bytes.subarray(this.#start, this.position), this.#start)
    this.bytes = grown
    this.view = new DataView(grown.buffer)
  }
}

function takeSlab(bytes: number): Slab {
  if (room(spare) < bytes) return slabOf(Math.max(bytes, SLAB_BYTES))
  const slab = spare
  spare = NOTHING
  return slab
}

function slabOf(size: number): Slab {
  const bytes = new Uint8Array(size)
  return { bytes, view: new DataView(bytes.buffer), start: 0 }
}

function room({ bytes, start }: Slab): number {
  return bytes.length - start
}

function outOfRange(value: unknown, type: string): RangeError {
  return new RangeError(`${value} is no ${type}`)
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
