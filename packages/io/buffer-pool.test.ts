import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BufferPool } from './buffer-pool.ts'

test('memory is used again for a frame of about the same size', () => {
  const pool = new BufferPool(8 * 1024 * 1024)
  const first = pool.take(100_000)
  assert.equal(first.length, 100_000)
  pool.giveBack(first)
  assert.equal(pool.idleBytes, 131_072)
  const second = pool.take(131_072)
  assert.equal(second.buffer, first.buffer)
  assert.equal(second.length, 131_072)
  assert.equal(pool.idleBytes, 0)
  assert.notEqual(pool.take(100_000).buffer, first.buffer)
  pool.giveBack(second)
  pool.giveBack(first) // is the same, and was given back
  assert.equal(pool.idleBytes, 131_072)
})

test('memory of another origin is left alone, even if its size is right', () => {
  const pool = new BufferPool(8 * 1024 * 1024)
  pool.giveBack(new Uint8Array(65_536))
  pool.giveBack(Buffer.alloc(10))
  pool.giveBack(pool.take(10))
  pool.giveBack(pool.take(50_000_000))
  assert.equal(pool.idleBytes, 0)
})

test('sizes that nobody asks for any more make room', () => {
  const pool = new BufferPool(4 * 1024 * 1024)
  const take = (count: number, size: number) => Array.from({ length: count }, () => pool.take(size))
  for (const memory of take(2, 2_000_000)) pool.giveBack(memory)
  const smaller = take(4, 1_000_000)
  for (const memory of smaller) pool.giveBack(memory)
  assert.equal(pool.idleBytes, 4 * 1024 * 1024)
  const buffers = new Set(smaller.map(({ buffer }) => buffer))
  for (const { buffer } of take(4, 1_000_000)) assert.ok(buffers.has(buffer))
})

test('what is kept unused is bounded', () => {
  const pool = new BufferPool(8 * 1024 * 1024)
  const frames = Array.from({ length: 20 }, () => pool.take(1_000_000))
  for (const frame of frames) pool.giveBack(frame)
  assert.equal(pool.idleBytes, 8 * 1024 * 1024)
})
