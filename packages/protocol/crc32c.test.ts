import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { crc32, crc32c, crc32cPure } from './crc32c.ts'

const text = (value: string) => new TextEncoder().encode(value)

/** Bit by bit, straight from the definition. */
function crc32cSlow(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

test('known values', () => {
  assert.equal(crc32c(text('123456789')), 0xe3069283)
  assert.equal(crc32(text('123456789')), 0xcbf43926)
  assert.equal(crc32c(new Uint8Array(0)), 0)
  // RFC 3720, B.4
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e)
})

test('tables, addon and definition agree on any length, alignment and split', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(40), fc.nat(700), (bytes, start, split) => {
      const padded = new Uint8Array(start + bytes.length + 3).fill(0xaa)
      padded.set(bytes, start)
      const end = start + bytes.length
      const expected = crc32cSlow(bytes)
      assert.equal(crc32c(padded, start, end), expected)
      assert.equal(crc32cPure(padded, start, end), expected)
      assert.equal(crc32(padded, start, end), zlibCrc32(bytes))
      const middle = Math.min(split, bytes.length)
      assert.equal(crc32c(bytes, middle, bytes.length, crc32c(bytes, 0, middle)), expected)
    }),
    { numRuns: 500 },
  )
})

test('past the point where the addon is loaded the values stay the same', () => {
  const megabyte = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 2654435761) >>> 13)
  const expected = crc32cPure(megabyte)
  for (let i = 0; i < 3; i++) assert.equal(crc32c(megabyte), expected)
})
