/**
 * Cuts a byte stream into frames: int32 size, then that many bytes.
 *
 * Two ways in. `push` takes bytes wherever they are. A connection that can read into memory that it is given asks
 * `target` for it first: then a large frame is received where it stays, and small ones pass through a scratch buffer that
 * all connections of a thread share, so that one that is idle holds nothing. Either way a frame's memory is asked for
 * when `next` is called in the middle of it, and grows with what arrives: a peer that announces a size and sends
 * nothing costs little.
 */
import { ProtocolError } from './errors.ts'

const SIZE_BYTES = 4
/** Nothing is shorter than the header of a response: a correlation id. */
const MIN_FRAME_BYTES = 4
const SCRATCH_BYTES = 64 * 1024
/** A frame gets all of its memory at once up to here; a larger one gets twice as much whenever it is full. */
const GROW_FROM_BYTES = 1024 * 1024
const NOTHING = new Uint8Array(0)

/** Where the memory for frames comes from. */
export interface FrameMemory {
  /** What is in it will be overwritten. */
  take(size: number): Uint8Array
  /** Nobody looks at it any more. */
  giveBack(memory: Uint8Array): void
}

/** Every byte is about to be written: there is nothing to clear. */
const allocateExactly: (size: number) => Uint8Array =
  globalThis.Buffer?.allocUnsafeSlow ?? (size => new Uint8Array(size))

/** Where the next bytes of any connection go; what is in it has been taken or copied before anything is read again. */
const scratch = allocateExactly(SCRATCH_BYTES)

const NEW_MEMORY: FrameMemory = { take: allocateExactly, giveBack: () => {} }

export class FrameReader {
  readonly #maxFrameBytes: number
  readonly #memory: FrameMemory
  /** What was pushed and belongs to no frame yet. */
  #rest: Uint8Array = NOTHING
  /** What `#rest` lies in, with room behind it, if it is not where it was pushed. */
  #saved: Uint8Array | null = null
  /** Size of the next frame, or -1. */
  #frameBytes = -1
  /** The memory of the next frame, or of its first part; NOTHING until `next` has met it half there. */
  #frame: Uint8Array = NOTHING
  #filled = 0

  /** `memory` is asked for each frame that is not a slice of what was pushed; the frame's user may give that back. */
  constructor(maxFrameBytes: number, memory: FrameMemory = NEW_MEMORY) {
    this.#maxFrameBytes = maxFrameBytes
    this.#memory = memory
  }

  get bufferedBytes(): number {
    return this.#rest.length + this.#filled
  }

  /**
   * Memory, at least a byte, for the next bytes of this connection. When they are there: `push` them, take the frames,
   * and `keep` the rest, before any connection reads again.
   */
  target(): Uint8Array {
    if (this.#frame.length === 0 || this.#filled === this.#frameBytes) return scratch
    if (this.#filled === this.#frame.length) this.#grow()
    return this.#frame.subarray(this.#filled)
  }

  push(bytes: Uint8Array): void {
    const isInPlace = bytes.buffer === this.#frame.buffer && bytes.byteOffset === this.#frame.byteOffset + this.#filled
    if (isInPlace) this.#filled += bytes.length
    else if (this.#rest.length > 0) this.#append(bytes)
    else {
      this.#forgetSaved()
      this.#rest = bytes
    }
  }

  /** What was pushed and not taken is safe from now on. */
  keep(): void {
    if (this.#rest.buffer === scratch.buffer) this.#save(this.#rest.length)
  }

  /** Size of the next frame, or -1 while its four bytes are not there. */
  nextSize(): number {
    if (this.#frameBytes >= 0 || this.#rest.length < SIZE_BYTES) return this.#frameBytes
    const head = this.#take(SIZE_BYTES)
    const size = (head[0]! << 24) | (head[1]! << 16) | (head[2]! << 8) | head[3]!
    if (size > this.#maxFrameBytes) {
      throw new ProtocolError('ERR_TOO_LARGE', `frame of ${size} bytes is over the limit of ${this.#maxFrameBytes}`)
    }
    if (size < MIN_FRAME_BYTES) throw new ProtocolError('ERR_MALFORMED', `frame of ${size} bytes holds no header`)
    this.#frameBytes = size
    return size
  }

  /** The next frame without its size, or null while it is not complete. It stays as it is for as long as it is used. */
  next(): Uint8Array | null {
    const size = this.nextSize()
    if (size < 0) return null
    if (this.#frame.length === 0 && this.#rest.length >= size) {
      this.#frameBytes = -1
      const frame = this.#own(this.#take(size))
      this.#forgetSaved()
      return frame
    }
    if (this.#frame.length === 0)
      this.#frame = this.#memory.take(Math.min(size, Math.max(GROW_FROM_BYTES, this.#rest.length)))
    while (this.#rest.length > 0 && this.#filled < size) {
      if (this.#filled === this.#frame.length) this.#grow()
      const part = this.#take(Math.min(this.#rest.length, this.#frame.length - this.#filled))
      this.#frame.set(part, this.#filled)
      this.#filled += part.length
    }
    this.#forgetSaved()
    return this.#filled === size ? this.#takeFrame() : null
  }

  #take(size: number): Uint8Array {
    const taken = this.#rest.subarray(0, size)
    this.#rest = this.#rest.length === size ? NOTHING : this.#rest.subarray(size)
    return taken
  }

  #takeFrame(): Uint8Array {
    const frame = this.#frame
    this.#frame = NOTHING
    this.#filled = 0
    this.#frameBytes = -1
    return frame
  }

  #own(bytes: Uint8Array): Uint8Array {
    if (!this.#saved && bytes.buffer !== scratch.buffer) return bytes
    const frame = this.#memory.take(bytes.length)
    frame.set(bytes)
    return frame
  }

  /** What comes byte by byte is not copied for each of them: there is room for as much again. */
  #append(bytes: Uint8Array): void {
    const { length } = this.#rest
    const used = this.#saved ? this.#rest.byteOffset - this.#saved.byteOffset + length : 0
    const hasRoom = this.#saved !== null && used + bytes.length <= this.#saved.length
    const saved = hasRoom ? this.#saved! : this.#save(2 * (length + bytes.length))
    const end = hasRoom ? used : length
    saved.set(bytes, end)
    this.#rest = saved.subarray(end - length, end + bytes.length)
  }

  #save(capacity: number): Uint8Array {
    const saved = this.#memory.take(capacity)
    saved.set(this.#rest)
    if (this.#saved) this.#memory.giveBack(this.#saved)
    this.#saved = saved
    this.#rest = saved.subarray(0, this.#rest.length)
    return saved
  }

  #forgetSaved(): void {
    if (!this.#saved || this.#rest.length > 0) return
    this.#memory.giveBack(this.#saved)
    this.#saved = null
  }

  #grow(): void {
    const grown = this.#memory.take(Math.min(this.#frameBytes, this.#frame.length * 2))
    grown.set(this.#frame)
    this.#memory.giveBack(this.#frame)
    this.#frame = grown
  }
}
