import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CachedIndexes, IndexCache } from './index-cache.ts'
import { LogTail, share, TailCache } from './tail-cache.ts'

function add(
  cache: TailCache,
  tail: LogTail,
  baseOffset: number,
  endOffset: number,
  bytes = new Uint8Array(100),
): void {
  cache.add(tail, bytes, baseOffset, endOffset)
}

test('the oldest bytes, of whatever log, make room', () => {
  const cache = new TailCache(1600) // blocks of one chunk
  const [a, b] = [new LogTail(), new LogTail()]
  for (const tail of [a, b]) tail.readTo(100)
  add(cache, a, 0, 5)
  add(cache, b, 0, 1)
  for (let i = 0; i < 14; i++) add(cache, a, 5 + i, 6 + i)
  assert.equal(cache.bytes, 1600)
  assert.equal(a.startOffset, 0)
  add(cache, a, 19, 20)
  assert.equal(a.startOffset, 5)
  assert.equal(b.startOffset, 0)
  add(cache, a, 20, 21)
  assert.equal(b.isEmpty, true)
  assert.equal(b.startOffset, Number.POSITIVE_INFINITY)
  assert.equal(cache.bytes, 1600)
})

test('it holds copies, and no more memory than its budget however small they are', () => {
  const cache = new TailCache(160_000)
  const tail = new LogTail()
  tail.readTo(100_000)
  const bytes = new Uint8Array(10)
  for (let i = 0; i < 100_000; i++) {
    bytes.fill(i)
    add(cache, tail, i, i + 1, bytes)
  }
  assert.equal(cache.bytes, 160_000)
  assert.ok(100_000 - tail.startOffset >= 15_000, `${tail.startOffset} is the first`)
  for (let offset = tail.startOffset; offset < 100_000; offset++) {
    assert.deepEqual(Buffer.from(tail.at(tail.find(offset))!.bytes), Buffer.alloc(10, offset & 0xff))
  }
})

test('what nobody has read is filled again, what a reader was given never', () => {
  const cache = new TailCache(1600)
  const tail = new LogTail()
  tail.readTo(200)
  const memory = new Set<ArrayBufferLike>()
  const shared: Uint8Array[] = []
  for (let i = 0; i < 200; i++) {
    add(cache, tail, i, i + 1, Buffer.alloc(100, i))
    const chunk = tail.at(tail.find(i))!
    memory.add(chunk.block.memory.buffer)
    if (i === 50 || i === 120) shared.push(share(chunk))
  }
  assert.deepEqual(
    shared,
    [50, 120].map(i => Buffer.alloc(100, i)),
  )
  assert.equal(memory.size, 16 + shared.length)
})

test('of a log that nobody reads nothing is kept, until there is a reader', () => {
  const cache = new TailCache(1600) // blocks of one chunk
  const [read, unread] = [new LogTail(), new LogTail()]
  const write = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      add(cache, read, i, i + 1)
      read.readTo(i)
      add(cache, unread, i, i + 1)
    }
  }
  write(0, 8)
  assert.deepEqual([read.startOffset, unread.startOffset], [0, 0])
  write(8, 9) // the oldest of `read` goes, then that of `unread`
  assert.deepEqual([read.startOffset, unread.isWanted, unread.isEmpty], [1, false, true])
  write(9, 100)
  assert.deepEqual([read.startOffset, unread.isEmpty], [84, true])
  unread.readTo(100)
  write(100, 103)
  assert.deepEqual([unread.startOffset, unread.find(99), unread.at(unread.find(102))!.endOffset], [100, -1, 103])
  write(103, 200)
  assert.deepEqual([read.startOffset, unread.isEmpty], [184, true])
})

test('a chunk is found by any offset in it, and past a hole the one behind', () => {
  const cache = new TailCache(10_000)
  const tail = new LogTail()
  add(cache, tail, 10, 20)
  add(cache, tail, 20, 25)
  add(cache, tail, 40, 50)
  const baseOf = (offset: number): number | undefined => tail.at(tail.find(offset))?.baseOffset
  assert.equal(tail.find(9), -1)
  assert.deepEqual([10, 19, 20, 24, 25, 39, 40, 49].map(baseOf), [10, 10, 20, 20, 40, 40, 40, 40])
  assert.equal(baseOf(50), undefined)
})

test('a log that is cut leaves nothing behind', () => {
  const cache = new TailCache(10_000)
  const [a, b] = [new LogTail(), new LogTail()]
  add(cache, a, 0, 1)
  add(cache, b, 0, 1)
  a.clear()
  assert.equal(a.find(0), -1)
  assert.equal(b.find(0), 0)
  add(cache, a, 1, 2)
  for (let i = 0; i < 5000; i++) add(cache, b, i + 1, i + 2, new Uint8Array(10))
  assert.ok(cache.bytes <= 10_000)
  assert.equal(a.isEmpty, true)
})

test('what is larger than the cache makes no hole in a tail', () => {
  const cache = new TailCache(150)
  const tail = new LogTail()
  add(cache, tail, 0, 1)
  add(cache, tail, 1, 2, new Uint8Array(151))
  assert.equal(tail.isEmpty, true)
  add(cache, tail, 2, 3)
  assert.equal(tail.startOffset, 2)
})

test('indexes that were not used for longest are dropped first', () => {
  const dropped: string[] = []
  const owner = (name: string, indexBytes: number): CachedIndexes => ({
    indexBytes,
    unloadIndexes: () => dropped.push(name),
  })
  const cache = new IndexCache(100)
  const [a, b, c, huge] = [owner('a', 40), owner('b', 40), owner('c', 40), owner('huge', 500)]
  cache.used(a)
  cache.used(b)
  cache.used(a)
  cache.used(c)
  assert.deepEqual(dropped, ['b'])
  cache.forget(a)
  assert.equal(cache.bytes, 40)
  cache.used(huge)
  assert.deepEqual(dropped, ['b', 'c'])
  assert.equal(cache.bytes, 500)
})
