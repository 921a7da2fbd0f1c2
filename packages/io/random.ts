/**
 * What every source of randomness shares, so that the real and the seeded one differ in their bits only: a subclass
 * gives 32 random bits at a time, the rest is here.
 */
import type { Random } from './io.ts'

const TWO_32 = 2 ** 32
const TWO_53 = 2 ** 53
/** Text that begins with '-' looks like an option to every command line tool. */
const BEGINS_WITH_DASH = 62 << 2

export abstract class RandomSource implements Random {
  /** A uniform integer in [0, 2^32). */
  protected abstract next32(): number

  integer(bound: number): number {
    if (!Number.isSafeInteger(bound) || bound < 1) throw new RangeError(`bound ${bound} is not a positive safe integer`)
    // Values past the last whole multiple of the bound are drawn again: a bare remainder would favour small results.
    if (bound <= TWO_32) {
      const limit = TWO_32 - (TWO_32 % bound)
      let value = this.next32()
      while (value >= limit) value = this.next32()
      return value % bound
    }
    const limit = TWO_53 - (TWO_53 % bound)
    let value = this.#next53()
    while (value >= limit) value = this.#next53()
    return value % bound
  }

  float(): number {
    return this.#next53() / TWO_53
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 4) {
      const bits = this.next32()
      for (let i = at; i < at + 4 && i < length; i++) bytes[i] = bits >>> (8 * (i - at))
    }
    return bytes
  }

  /** Kafka's reserved ids all have zeros where a version 4 id says so, hence none of them can come up. */
  uuid(): string {
    const bytes = this.bytes(16)
    while ((bytes[0]! & 0xfc) === BEGINS_WITH_DASH) bytes[0] = this.next32()
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    return Buffer.from(bytes.buffer).toString('base64url')
  }

  #next53(): number {
    return (this.next32() >>> 11) * TWO_32 + this.next32()
  }
}
