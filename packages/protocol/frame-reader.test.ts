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

test('frames come out whole through the memory that the reader gives, taken at once or later, large or small', () => {
  const length = fc.oneof(fc.integer({ min: 4, max: 40 }), fc.integer({ min: 60_000, max: 3_000_000 }))
  fc.assert(
    fc.property(
      fc.array(length, { maxLength: 4 }),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 17 }), fc.constant(1 << 20)), { minLength: 1 }),
      fc.array(fc.boolean(), { minLength: 1 }),
      (lengths, cuts, takes) => {
        const payloads = lengths.map((size, i) => Buffer.alloc(size, i + 1))
        const stream = framed(payloads)
        // What is given back is written over at once, and given out again.
        const idle: Uint8Array[] = []
        const memory = {
          take: (size: number) => (idle.at(-1)?.length === size ? idle.pop()! : new Uint8Array(size)),
          giveBack: (given: Uint8Array) => void idle.push(given.fill(0xff)),
        }
        const reader = new FrameReader(10_000_000, memory)
        const got: Uint8Array[] = []
        const take = (): void => {
          for (let frame = reader.next(); frame; frame = reader.next()) got.push(frame)
        }
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const target = reader.target()
          // A large frame in small pieces would take for ever: most of it comes at once.
          const cut = at % 60_000 < 100 ? cuts[turn % cuts.length]! : 1 << 20
          const part = stream.subarray(at, at + Math.min(cut, target.length))
          target.set(part)
          reader.push(target.subarray(0, part.length))
          if (takes[turn % takes.length]) take()
          reader.keep()
          at += part.length
        }
        take()
        assert.deepEqual(
          got.map(frame => Buffer.compare(frame, payloads[frame[0]! - 1]!)),
          payloads.map(() => 0),
        )
        assert.equal(reader.bufferedBytes, 0)
      },
    ),
    { numRuns: 50 },
  )
})

test('many readers share a scratch buffer, and keep what is theirs', () => {
  const readers = Array.from({ length: 10 }, () => new FrameReader(1000))
  const frames = readers.map((_, i) => framed([Buffer.alloc(100, i), Buffer.alloc(50, 100 + i)]))
  for (const [i, reader] of readers.entries()) {
    const target = reader.target()
    target.set(frames[i]!)
    reader.push(target.subarray(0, frames[i]!.length))
    assert.deepEqual(reader.next(), Buffer.alloc(100, i))
    reader.keep()
  }
  const taken = readers.map(reader => reader.next())
  for (const [i, frame] of taken.entries()) assert.deepEqual(Buffer.from(frame!), Buffer.alloc(50, 100 + i))
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
  assert.ok(reader.target().length <= 1024 * 1024)
})

test('a large frame that comes byte by byte is not kept in as many pieces', () => {
  const allocated: number[] = []
  const take = (size: number): Uint8Array => {
    allocated.push(size)
    return new Uint8Array(size)
  }
  const reader = new FrameReader(10_000_000, { take, giveBack: () => {} })
  const stream = framed([Buffer.alloc(300_000, 7)])
  for (let at = 0; at < stream.length; at++) {
    reader.push(stream.subarray(at, at + 1))
    const frame = reader.next()
    assert.equal(frame?.length, at === stream.length - 1 ? 300_000 : undefined)
  }
  assert.deepEqual(
    allocated.filter(size => size > 16),
    [300_000],
  )
})

test('a frame that comes byte by byte is gathered in few pieces, beside frames that are slices of what came', () => {
  const reader = new FrameReader(100_000)
  const payload = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 251))
  const stream = Buffer.from(framed([payload, Buffer.from('next'), payload.subarray(0, 3000)]))
  const before = process.memoryUsage().arrayBuffers
  for (let at = 0; at < 69_000; at++) reader.push(stream.subarray(at, at + 1))
  assert.ok(process.memoryUsage().arrayBuffers - before < 150_000)
  assert.equal(reader.next(), null)
  for (let at = 69_000; at < 70_010; at += 10) reader.push(stream.subarray(at, at + 10))
  assert.deepEqual(reader.next(), payload)
  const first = stream.subarray(70_010, 72_100)
  reader.push(first)
  reader.push(stream.subarray(72_100))
  assert.equal(Buffer.from(reader.next()!).toString(), 'next')
  assert.deepEqual(reader.next(), payload.subarray(0, 3000))
  assert.equal(reader.bufferedBytes, 0)
})

test('what was handed out is not written over by what comes after it', () => {
  const reader = new FrameReader(100)
  const stream = framed(['one!', 'two!', 'three'].map(text => Buffer.from(text)))
  const frames: Uint8Array[] = []
  for (let at = 0; at < stream.length; at++) {
    reader.push(stream.subarray(at, at + 1))
    const frame = reader.next()
    if (frame) frames.push(frame)
  }
  assert.deepEqual(
    frames.map(frame => Buffer.from(frame).toString()),
    ['one!', 'two!', 'three'],
  )
})
