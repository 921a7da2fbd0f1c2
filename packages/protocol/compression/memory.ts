/** Where compressed and decompressed bytes go. */

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

const pool: { allocUnsafe(length: number): Uint8Array } | undefined = (
  globalThis as { Buffer?: { allocUnsafe(length: number): Uint8Array } }
).Buffer

/** Memory that the caller fills completely before anybody else sees it: not zeroed where that can be had. */
export function allocate(length: number): Uint8Array {
  return pool === undefined ? new Uint8Array(length) : pool.allocUnsafe(length)
}

export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = allocate(end - start)
  copy.set(bytes.subarray(start, end))
  return copy
}
