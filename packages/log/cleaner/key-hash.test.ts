import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyHash } from './key-hash.ts'

/** Of the designers' reference code (chaskey.c, 8 rounds): tags of 0, 1, 2, ... bytes 00 01 02 ... */
const SECRET = [0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39]
const TAGS = [
  [0x792e8fe5, 0x75ce87aa, 0x2d1450b5, 0x1191970b],
  [0x13a9307b, 0x50e62c89, 0x4577bd88, 0xc0bbdc18],
]

function hash(hash: KeyHash, key: Uint8Array, before = 0): string {
  const bytes = Buffer.concat([Buffer.alloc(before, 7), key, Buffer.alloc(20, 9)])
  hash.of(bytes, before, before + key.length)
  return [hash.h0, hash.h1, hash.h2, hash.h3].map(word => (word >>> 0).toString(16)).join(' ')
}

function bytes(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => i))
}

test('the published test vectors', () => {
  const secret = Buffer.alloc(16)
  for (const [i, word] of SECRET.entries()) secret.writeUInt32LE(word, i * 4)
  const eight = new KeyHash(secret, 8)
  for (const [length, tag] of TAGS.entries()) {
    assert.equal(hash(eight, bytes(length)), tag.map(word => word.toString(16)).join(' '))
  }
})

test('all lengths, wherever the key is, with nothing of what is around it', () => {
  const keyed = new KeyHash(bytes(16))
  const seen = new Set<string>()
  for (let length = 0; length < 100; length++) {
    const found = hash(keyed, bytes(length))
    assert.equal(hash(keyed, bytes(length), 3), found)
    seen.add(found)
  }
  assert.equal(seen.size, 100)
  // A last block that is filled up is not one that ends with what it is filled up with.
  assert.notEqual(hash(keyed, Buffer.from([5])), hash(keyed, Buffer.from([5, 1])))
})

test('another secret, another hash', () => {
  assert.notEqual(hash(new KeyHash(bytes(16)), bytes(4)), hash(new KeyHash(Buffer.alloc(16)), bytes(4)))
  assert.throws(() => new KeyHash(bytes(15)), RangeError)
})
