import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from './errors.ts'
import { FrameReader } from './frame-reader.ts'

function framed(payloads: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    payloads.flatMap(payload => {
      const size = Buffer.alloc(4)
      size.writeInt32BE(payload.length)
      return [size, payload]
    }),
  )
}

test('frames come out whole and in order however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 4, maxLength: 40 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1 }),
      (payloads, cuts) => {
        const reader = new FrameReader(100)
        const stream = framed(payloads)
        const got: Uint8Array[] = []
        for (let at = 0, cut = 0; at < stream.length; cut++) {
          const end = Math.min(stream.length, at + cuts[cut % cuts.length]!)
          reader.push(stream.subarray(at, end))
          for (let frame = reader.next(); frame; frame = reader.next()) got.push(frame)
          at = end
        }
        assert.deepEqual(
          got.map(f => [...f]),
          payloads.map(p => [...p]),
        )
        assert.equal(reader.bufferedBytes, 0)
      },
    ),
  )
})

test('a size over the limit, negative or too small for a header is refused before its bytes are read', () => {
  for (const [size, code] of [
    [101, 'ERR_TOO_LARGE'],
    [0x7fffffff, 'ERR_TOO_LARGE'],
    [-1, 'ERR_MALFORMED'],
    [3, 'ERR_MALFORMED'],
  ] as const) {
    const reader = new FrameReader(100)
    const head = Buffer.alloc(4)
    head.writeInt32BE(size)
    reader.push(head)
    assert.throws(
      () => reader.next(),
      (error: unknown) => error instanceof ProtocolError && error.code === code,
    )
  }
})

test('an announced frame costs nothing until its bytes arrive', () => {
  const reader = new FrameReader(100 * 1024 * 1024)
  const head = Buffer.alloc(4)
  head.writeInt32BE(100 * 1024 * 1024)
  reader.push(head)
  assert.equal(reader.nextSize(), 100 * 1024 * 1024)
  assert.equal(reader.next(), null)
  assert.equal(reader.bufferedBytes, 0)
})
