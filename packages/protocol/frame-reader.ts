/**
 * Cuts a byte stream into frames: int32 size, then that many bytes. A frame that lies within one received chunk is a
 * slice of it; one that spans several is put together once, when its last byte is there, so that a peer that announces
 * a size and sends nothing holds no memory.
 */
import { ProtocolError } from './errors.ts'

const SIZE_BYTES = 4
/** Nothing is shorter than the header of a response: a correlation id. */
const MIN_FRAME_BYTES = 4

/** Every byte is about to be written: there is nothing to clear. */
const allocate: (size: number) => Uint8Array = globalThis.Buffer?.allocUnsafeSlow ?? (size => new Uint8Array(size))

export class FrameReader {
  readonly #maxFrameBytes: number
  readonly #chunks: Uint8Array[] = []
  #buffered = 0
  #frameBytes = -1

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  get bufferedBytes(): number {
    return this.#buffered
  }

  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
    this.#buffered += bytes.length
  }

  /** Size of the next frame, or -1 while its four bytes are not there. */
  nextSize(): number {
    if (this.#frameBytes >= 0 || this.#buffered < SIZE_BYTES) return this.#frameBytes
    const head = this.#take(SIZE_BYTES)
    const size = (head[0]! << 24) | (head[1]! << 16) | (head[2]! << 8) | head[3]!
    if (size > this.#maxFrameBytes) {
      throw new ProtocolError('ERR_TOO_LARGE', `frame of ${size} bytes is over the limit of ${this.#maxFrameBytes}`)
    }
    if (size < MIN_FRAME_BYTES) throw new ProtocolError('ERR_MALFORMED', `frame of ${size} bytes holds no header`)
    this.#frameBytes = size
    return size
  }

  /** The next frame without its size, or null while it is not complete. */
  next(): Uint8Array | null {
    const size = this.nextSize()
    if (size < 0 || this.#buffered < size) return null
    this.#frameBytes = -1
    return this.#take(size)
  }

  #take(size: number): Uint8Array {
    this.#buffered -= size
    const first = this.#chunks[0]!
    if (first.length === size) {
      this.#chunks.shift()
      return first
    }
    if (first.length > size) {
      this.#chunks[0] = first.subarray(size)
      return first.subarray(0, size)
    }
    return this.#join(size)
  }

  #join(size: number): Uint8Array {
    const frame = allocate(size)
    let filled = 0
    let used = 0
    while (filled < size) {
      const chunk = this.#chunks[used]!
      const wanted = Math.min(chunk.length, size - filled)
      frame.set(wanted === chunk.length ? chunk : chunk.subarray(0, wanted), filled)
      filled += wanted
      if (wanted === chunk.length) used++
      else this.#chunks[used] = chunk.subarray(wanted)
    }
    this.#chunks.splice(0, used)
    return frame
  }
}
