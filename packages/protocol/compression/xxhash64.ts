/**
 * xxHash64, whose lower half is the checksum of Zstandard frames, in 32-bit halves: BigInt would be fifty times slower.
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 */

/** A 64-bit integer that changes in place. */
class Int64 {
  high: number
  low: number

  constructor(high: number, low: number) {
    this.high = high | 0
    this.low = low | 0
  }

  set(high: number, low: number): this {
    this.high = high | 0
    this.low = low | 0
    return this
  }

  add(high: number, low: number): this {
    const sum = (this.low >>> 0) + (low >>> 0)
    this.high = (this.high + high + (sum > 0xffff_ffff ? 1 : 0)) | 0
    this.low = sum | 0
    return this
  }

  xor(high: number, low: number): this {
    this.high ^= high
    this.low ^= low
    return this
  }

  multiply(high: number, low: number): this {
    const a = this.low & 0xffff
    const b = this.low >>> 16
    const c = low & 0xffff
    const d = low >>> 16
    const middle = b * c + ((a * c) >>> 16)
    const other = a * d + (middle & 0xffff)
    const carry = b * d + Math.floor(middle / 0x1_0000) + Math.floor(other / 0x1_0000)
    this.high = (carry + Math.imul(this.high, low) + Math.imul(this.low, high)) | 0
    this.low = Math.imul(this.low, low)
    return this
  }

  rotate(bits: number): this {
    const { high, low } = this
    if (bits < 32) return this.set((high << bits) | (low >>> (32 - bits)), (low << bits) | (high >>> (32 - bits)))
    return this.set((low << (bits - 32)) | (high >>> (64 - bits)), (high << (bits - 32)) | (low >>> (64 - bits)))
  }

  /** this ^= this >>> bits */
  fold(bits: number): this {
    const { high, low } = this
    if (bits >= 32) return this.xor(0, high >>> (bits - 32))
    return this.xor(high >>> bits, (low >>> bits) | (high << (32 - bits)))
  }

  round(high: number, low: number): this {
    return this.add2(new Int64(high, low).multiply(P2H, P2L)).rotate(31).multiply(P1H, P1L)
  }

  add2(other: Int64): this {
    return this.add(other.high, other.low)
  }
}

const P1H = 0x9e3779b1
const P1L = 0x85ebca87
const P2H = 0xc2b2ae3d
const P2L = 0x27d4eb4f
const P3H = 0x165667b1
const P3L = 0x9e3779f9
const P4H = 0x85ebca77
const P4L = 0xc2b2ae63
const P5H = 0x27d4eb2f
const P5L = 0x165667c5

/** The lower 32 bits of the hash of `b[start, end)` with seed 0, unsigned. */
export function xxhash64Low(b: Uint8Array, start: number, end: number): number {
  let i = start
  let hash: Int64
  if (end - start >= 32) {
    const lanes = [
      new Int64(P1H, P1L).add(P2H, P2L),
      new Int64(P2H, P2L),
      new Int64(0, 0),
      new Int64(~P1H, ~P1L).add(0, 1),
    ]
    for (; i + 32 <= end; i += 32) {
      for (let lane = 0; lane < 4; lane++) lanes[lane]!.round(word(b, i + lane * 8 + 4), word(b, i + lane * 8))
    }
    hash = new Int64(0, 0)
    const turns = [1, 7, 12, 18]
    for (let lane = 0; lane < 4; lane++) {
      const { high, low } = lanes[lane]!
      hash.add2(new Int64(high, low).rotate(turns[lane]!))
    }
    for (const { high, low } of lanes) {
      const mixed = new Int64(0, 0).round(high, low)
      hash.xor(mixed.high, mixed.low).multiply(P1H, P1L).add(P4H, P4L)
    }
  } else {
    hash = new Int64(P5H, P5L)
  }
  hash.add(0, end - start)
  for (; i + 8 <= end; i += 8) {
    const mixed = new Int64(0, 0).round(word(b, i + 4), word(b, i))
    hash.xor(mixed.high, mixed.low).rotate(27).multiply(P1H, P1L).add(P4H, P4L)
  }
  if (i + 4 <= end) {
    const mixed = new Int64(0, word(b, i)).multiply(P1H, P1L)
    hash.xor(mixed.high, mixed.low).rotate(23).multiply(P2H, P2L).add(P3H, P3L)
    i += 4
  }
  for (; i < end; i++) {
    const mixed = new Int64(0, b[i]!).multiply(P5H, P5L)
    hash.xor(mixed.high, mixed.low).rotate(11).multiply(P1H, P1L)
  }
  hash.fold(33).multiply(P2H, P2L).fold(29).multiply(P3H, P3L).fold(32)
  return hash.low >>> 0
}

function word(b: Uint8Array, i: number): number {
  return b[i]! | (b[i + 1]! << 8) | (b[i + 2]! << 16) | (b[i + 3]! << 24)
}
