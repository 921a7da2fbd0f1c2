/**
 * Which partition a record goes to, as Java's producer chooses: by its key; without one to a partition at random, which
 * stays the same until it has had a batch's worth of bytes (KIP-794).
 */
import type { Random } from '@ottla/io'

const SEED = 0x9747b28c
const M = 0x5bd1e995
const R = 24

/** Java's murmur2 of Kafka, 32 bits, signed. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  let hash = SEED ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    k = Math.imul(k, M)
    k ^= k >>> R
    hash = Math.imul(hash, M) ^ Math.imul(k, M)
  }
  const left = length - at
  if (left >= 3) hash ^= bytes[at + 2]! << 16
  if (left >= 2) hash ^= bytes[at + 1]! << 8
  if (left >= 1) hash = Math.imul(hash ^ bytes[at]!, M)
  hash ^= hash >>> 13
  hash = Math.imul(hash, M)
  return hash ^ (hash >>> 15)
}

export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount
}

/** Of one topic, for records without a key. */
export class StickyPartition {
  readonly #random: Random
  readonly #batchBytes: number
  #current = -1
  #producedBytes = 0

  constructor(random: Random, batchBytes: number) {
    this.#random = random
    this.#batchBytes = batchBytes
  }

  /** Of those that have a leader, if any has. */
  partition(all: readonly { readonly partitionIndex: number; readonly leaderId: number }[]): number {
    if (!all.some(({ partitionIndex }) => partitionIndex === this.#current)) {
      const led = all.filter(({ leaderId }) => leaderId >= 0)
      const candidates = led.length > 0 ? led : all
      this.#current = candidates[this.#random.integer(candidates.length)]!.partitionIndex
      this.#producedBytes = 0
    }
    return this.#current
  }

  /**
   * So many bytes have gone to the partition. It is left at the end of a batch only, so that none goes out half full for
   * that; but after two batches' worth in any case.
   */
  produced(bytes: number, isBatchFull: boolean): void {
    this.#producedBytes += bytes
    const enough = this.#producedBytes >= this.#batchBytes
    if ((enough && isBatchFull) || this.#producedBytes >= 2 * this.#batchBytes) this.#current = -1
  }
}
