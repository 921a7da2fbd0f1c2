/**
 * The order in which Kafka's coordinator names groups and members: that of its hash tables. Nothing depends on it but
 * what people see, and tests of Kafka's own that compare whole lists. It is the order of the names' Java hashes, times a
 * constant, as unsigned numbers of 64 bits; with more slots a table looks at more of their upper bits, so the order is
 * the same in tables of all sizes. Of names that share a slot Kafka takes the later one first, which is not followed.
 */
import { javaHashCode } from '../../java-hash.ts'

/** 2^64 divided by the golden ratio (Fibonacci hashing), in halves. */
const FACTOR_HIGH = 0x9e3779b9
const FACTOR_LOW_HIGH = 0x7f4a
const FACTOR_LOW_LOW = 0x7c15
const FACTOR_LOW = FACTOR_LOW_HIGH * 0x10000 + FACTOR_LOW_LOW

export function inTableOrder<T>(things: Iterable<T>, nameOf: (thing: T) => string): T[] {
  const placed = Array.from(things, thing => ({ thing, place: upperHalf(javaHashCode(nameOf(thing))) }))
  return placed.sort((a, b) => a.place - b.place).map(({ thing }) => thing)
}

/** Of the product of the hash, as a signed number, and the factor. No step is past 2^53. */
function upperHalf(hash: number): number {
  const unsigned = hash >>> 0
  const carried = Math.floor((unsigned * FACTOR_LOW_LOW) / 0x10000) + unsigned * FACTOR_LOW_HIGH
  const upper = Math.floor(carried / 0x10000) + (Math.imul(hash, FACTOR_HIGH) >>> 0) - (hash < 0 ? FACTOR_LOW : 0)
  return upper >>> 0
}
