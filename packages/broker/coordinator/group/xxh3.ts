/**
 * XXH3 with 64 bits, no seed and the default secret: Kafka's hash of the metadata that a group goes by. BigInt, because
 * it is asked for when topics change, not when requests come.
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 */

const PRIME32_1 = 0x9e3779b1n
const PRIME32_2 = 0x85ebca77n
const PRIME32_3 = 0xc2b2ae3dn
const PRIME64_1 = 0x9e3779b185ebca87n
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn
const PRIME64_3 = 0x165667b19e3779f9n
const PRIME64_4 = 0x85ebca77c2b2ae63n
const PRIME64_5 = 0x27d4eb2f165667c5n
const PRIME_MX1 = 0x165667919e3779f9n
const PRIME_MX2 = 0x9fb21c651e98df25n
const MASK_64 = 0xffff_ffff_ffff_ffffn
const MASK_32 = 0xffff_ffffn

const STRIPE_BYTES = 64
const LANES = 8
/** Each stripe uses the secret eight bytes further on, until there is no room for one more. */
const STRIPES_A_BLOCK = 16
const BLOCK_BYTES = STRIPE_BYTES * STRIPES_A_BLOCK

const SECRET = new DataView(
  Uint8Array.from(
    Buffer.from(
      'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
        'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
        'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb' +
        '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
      'hex',
    ),
  ).buffer,
)

/** Signed, as Java has it. */
export function xxh3(bytes: Uint8Array): bigint {
  const input = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return BigInt.asIntN(64, hash(input))
}

function hash(input: DataView): bigint {
  const length = input.byteLength
  if (length === 0) return xxh64Avalanche(secret(56) ^ secret(64))
  if (length <= 3) return hashUpTo3(input)
  if (length <= 8) return hashUpTo8(input)
  if (length <= 16) return hashUpTo16(input)
  if (length <= 128) return hashUpTo128(input)
  if (length <= 240) return hashUpTo240(input)
  return hashLong(input)
}

function hashUpTo3(input: DataView): bigint {
  const length = input.byteLength
  const first = input.getUint8(0)
  const middle = input.getUint8(length >> 1)
  const last = input.getUint8(length - 1)
  const combined = ((first << 16) | (middle << 24) | last | (length << 8)) >>> 0
  return xxh64Avalanche(BigInt(combined) ^ BigInt((SECRET.getUint32(0, true) ^ SECRET.getUint32(4, true)) >>> 0))
}

function hashUpTo8(input: DataView): bigint {
  const length = input.byteLength
  const high = BigInt(input.getUint32(0, true))
  const low = BigInt(input.getUint32(length - 4, true))
  let h = (low + (high << 32n)) ^ secret(8) ^ secret(16)
  h ^= rotateLeft(h, 49n) ^ rotateLeft(h, 24n)
  h = wrap(h * PRIME_MX2)
  h ^= (h >> 35n) + BigInt(length)
  h = wrap(h * PRIME_MX2)
  return h ^ (h >> 28n)
}

function hashUpTo16(input: DataView): bigint {
  const length = input.byteLength
  const low = read(input, 0) ^ secret(24) ^ secret(32)
  const high = read(input, length - 8) ^ secret(40) ^ secret(48)
  return avalanche(wrap(BigInt(length) + swapBytes(low) + high + foldedProduct(low, high)))
}

function hashUpTo128(input: DataView): bigint {
  const length = input.byteLength
  let sum = BigInt(length) * PRIME64_1
  for (let i = (length - 1) >> 5; i >= 0; i--) {
    sum += mix16(input, 16 * i, 32 * i) + mix16(input, length - 16 * (i + 1), 32 * i + 16)
  }
  return avalanche(wrap(sum))
}

function hashUpTo240(input: DataView): bigint {
  const length = input.byteLength
  let sum = BigInt(length) * PRIME64_1
  for (let i = 0; i < 8; i++) sum += mix16(input, 16 * i, 16 * i)
  sum = avalanche(wrap(sum))
  for (let i = 8; i < length >> 4; i++) sum += mix16(input, 16 * i, 16 * (i - 8) + 3)
  sum += mix16(input, length - 16, 119)
  return avalanche(wrap(sum))
}

function hashLong(input: DataView): bigint {
  const length = input.byteLength
  const lanes = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1]
  const stripes = Math.floor((length - 1) / STRIPE_BYTES)
  for (let i = 0; i < stripes; i++) {
    const inBlock = i % STRIPES_A_BLOCK
    accumulate(lanes, input, i * STRIPE_BYTES, 8 * inBlock)
    if (inBlock === STRIPES_A_BLOCK - 1 && (i + 1) * STRIPE_BYTES <= blocksEnd(length)) scramble(lanes)
  }
  accumulate(lanes, input, length - STRIPE_BYTES, 121)
  let sum = BigInt(length) * PRIME64_1
  for (let i = 0; i < LANES; i += 2) {
    sum += foldedProduct(lanes[i]! ^ secret(11 + 8 * i), lanes[i + 1]! ^ secret(19 + 8 * i))
  }
  return avalanche(wrap(sum))
}

/** Blocks that are whole, not counting one that the input ends with. */
function blocksEnd(length: number): number {
  return Math.floor((length - 1) / BLOCK_BYTES) * BLOCK_BYTES
}

function accumulate(lanes: bigint[], input: DataView, at: number, secretAt: number): void {
  for (let i = 0; i < LANES; i++) {
    const data = read(input, at + 8 * i)
    const key = data ^ secret(secretAt + 8 * i)
    lanes[i ^ 1] = wrap(lanes[i ^ 1]! + data)
    lanes[i] = wrap(lanes[i]! + (key & MASK_32) * (key >> 32n))
  }
}

function scramble(lanes: bigint[]): void {
  for (let i = 0; i < LANES; i++) {
    const lane = lanes[i]!
    lanes[i] = wrap((lane ^ (lane >> 47n) ^ secret(128 + 8 * i)) * PRIME32_1)
  }
}

function mix16(input: DataView, at: number, secretAt: number): bigint {
  return foldedProduct(read(input, at) ^ secret(secretAt), read(input, at + 8) ^ secret(secretAt + 8))
}

/** Both halves of the product, one upon the other. */
function foldedProduct(a: bigint, b: bigint): bigint {
  const product = a * b
  return wrap(product) ^ (product >> 64n)
}

function avalanche(value: bigint): bigint {
  const h = wrap((value ^ (value >> 37n)) * PRIME_MX1)
  return h ^ (h >> 32n)
}

/** The finish of the older xxHash64, for the shortest inputs. */
function xxh64Avalanche(value: bigint): bigint {
  let h = wrap((value ^ (value >> 33n)) * PRIME64_2)
  h = wrap((h ^ (h >> 29n)) * PRIME64_3)
  return h ^ (h >> 32n)
}

function rotateLeft(value: bigint, bits: bigint): bigint {
  return wrap(value << bits) | (value >> (64n - bits))
}

function swapBytes(value: bigint): bigint {
  let swapped = 0n
  for (let shift = 0n; shift < 64n; shift += 8n) swapped = (swapped << 8n) | ((value >> shift) & 0xffn)
  return swapped
}

function read(input: DataView, at: number): bigint {
  return input.getBigUint64(at, true)
}

function secret(at: number): bigint {
  return SECRET.getBigUint64(at, true)
}

function wrap(value: bigint): bigint {
  return value & MASK_64
}
