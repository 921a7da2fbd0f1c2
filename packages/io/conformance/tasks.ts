/** Tasks for workers.ts: loaded by their names, in another thread or in this one. */
import { transferring } from '../transfer.ts'

export function square(n: number): number {
  return n * n
}

export async function later<T>(value: T): Promise<T> {
  return value
}

export function fill(bytes: Uint8Array): Uint8Array {
  return bytes.fill(9)
}

export function fillAndHandOver(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  return transferring(bytes.fill(9), [bytes.buffer])
}

export function fail(message: string): never {
  throw Object.assign(new TypeError(message), { code: 'ERR_NO_GOOD' })
}

export function failWithText(message: string): never {
  throw message
}

export function giveFunction(): () => void {
  return () => {}
}

/** Ends when as many threads are here as the test expects: two. */
export function meet(shared: SharedArrayBuffer): string {
  const here = new Int32Array(shared)
  if (Atomics.add(here, 0, 1) === 0) Atomics.wait(here, 0, 1)
  else Atomics.notify(here, 0)
  return 'met'
}
