/** Where compressed and decompressed bytes go. */

/** Up to here a loop is faster than a call into native code. */
const SHORT = 48
/** How large the scratch memory may stay between calls. */
const KEPT_BYTES = 1 << 20

let scratch = new Uint8Array(0)

/** Memory for the time of one synchronous call; whatever was in it before still is. Copy out what is to last. */
export function borrow(length: number): Uint8Array {
  if (length <= scratch.length) return scratch
  const grown = new Uint8Array(Math.max(length, Math.min(length * 2, KEPT_BYTES)))
  if (grown.length <= KEPT_BYTES) scratch = grown
  return grown
}

interface Pool {
  allocUnsafe(length: number): Uint8Array
}

const pool = (globalThis as { Buffer?: Pool }).Buffer

/**
 * Memory that the caller fills completely before anybody else sees it: not zeroed, and cut from a larger piece if it is
 * short, where that can be had. Not as a Buffer, whose `slice` does not copy.
 */
export function allocate(length: number): Uint8Array {
  if (pool === undefined) return new Uint8Array(length)
  const { buffer, byteOffset } = pool.allocUnsafe(length)
  return new Uint8Array(buffer, byteOffset, length)
}

export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = allocate(end - start)
  copy.set(bytes.subarray(start, end))
  return copy
}

/** Output of unknown length, up to a bound. Its fields are for decoders to work on directly. */
export class Output {
  bytes: Uint8Array
  /** Where the next byte goes. */
  at = 0
  readonly #maxBytes: number
  readonly #onOverflow: () => Error

  constructor(expectedBytes: number, maxBytes: number, onOverflow: () => Error) {
    this.bytes = new Uint8Array(Math.min(expectedBytes, maxBytes))
    this.#maxBytes = maxBytes
    this.#onOverflow = onOverflow
  }

  /** Makes room for `more` bytes; throws if that goes past the bound. */
  reserve(more: number): void {
    const needed = this.at + more
    if (needed <= this.bytes.length) return
    if (needed > this.#maxBytes) throw this.#onOverflow()
    const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, this.bytes.length * 2)))
    grown.set(this.bytes.subarray(0, this.at))
    this.bytes = grown
  }

  /** Appends `length` bytes from `distance` bytes ago, which may be among those it appends. Both were checked. */
  repeat(distance: number, length: number): void {
    const { bytes, at } = this
    const end = at + length
    if (length >= SHORT && distance >= length) bytes.copyWithin(at, at - distance, end - distance)
    else for (let i = at; i < end; i++) bytes[i] = bytes[i - distance]!
    this.at = end
  }

  append(source: Uint8Array, start: number, end: number): void {
    const { bytes, at } = this
    if (end - start >= SHORT) bytes.set(source.subarray(start, end), at)
    else for (let i = start; i < end; i++) bytes[at + i - start] = source[i]!
    this.at = at + end - start
  }

  finish(): Uint8Array {
    return this.bytes.subarray(0, this.at)
  }
}
