import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EpochCache } from './epoch-cache.ts'

const pairs = (cache: EpochCache): number[][] => cache.entries.map(({ epoch, startOffset }) => [epoch, startOffset])

function cacheOf(...entries: [number, number][]): EpochCache {
  return new EpochCache(entries.map(([epoch, startOffset]) => ({ epoch, startOffset })))
}

test('an epoch begins where it was first heard of', () => {
  const cache = cacheOf([2, 0])
  assert.equal(cache.isDirty, false)
  cache.assign(2, 10)
  assert.deepEqual(pairs(cache), [[2, 0]])
  assert.equal(cache.isDirty, false)
  cache.assign(3, 10)
  assert.deepEqual(pairs(cache), [
    [2, 0],
    [3, 10],
  ])
  assert.equal(cache.isDirty, true)
  assert.equal(cache.latestEpoch, 3)
})

test('entries that a new one contradicts go', () => {
  const cache = cacheOf([1, 0], [2, 10], [3, 20])
  cache.assign(4, 10)
  assert.deepEqual(pairs(cache), [
    [1, 0],
    [4, 10],
  ])
  cache.assign(2, 30)
  assert.deepEqual(pairs(cache), [
    [1, 0],
    [2, 30],
  ])
})

test('where an epoch ended: at the begin of the next', () => {
  const cache = cacheOf([2, 10], [4, 20], [7, 30])
  const end = (epoch: number): number[] | null => {
    const found = cache.endOffset(epoch, 99)
    return found && [found.leaderEpoch, found.endOffset]
  }
  assert.deepEqual(end(7), [7, 99])
  assert.deepEqual(end(4), [4, 30])
  assert.deepEqual(end(5), [4, 30])
  assert.deepEqual(end(2), [2, 20])
  // Before all that is known: whoever asks has to begin where the log does.
  assert.deepEqual(end(1), [1, 10])
  assert.equal(end(8), null)
  assert.equal(end(-1), null)
  assert.equal(new EpochCache().endOffset(0, 5), null)
})

test('the epoch of an offset', () => {
  const cache = cacheOf([2, 10], [4, 20])
  assert.deepEqual(
    [9, 10, 19, 20, 100].map(offset => cache.epochOf(offset)),
    [-1, 2, 2, 4, 4],
  )
})

test('a log that begins later begins with the epoch of its time', () => {
  const cache = cacheOf([1, 0], [2, 10], [3, 20])
  cache.truncateFromStart(15)
  assert.deepEqual(pairs(cache), [
    [2, 15],
    [3, 20],
  ])
  cache.truncateFromStart(20)
  assert.deepEqual(pairs(cache), [[3, 20]])
  cache.truncateFromStart(5)
  assert.deepEqual(pairs(cache), [[3, 20]])
})

test('what began behind the end did not happen', () => {
  const cache = cacheOf([1, 0], [2, 10], [3, 20])
  cache.truncateFromEnd(20)
  assert.deepEqual(pairs(cache), [
    [1, 0],
    [2, 10],
  ])
  cache.truncateFromEnd(11)
  assert.equal(cache.latestEpoch, 2)
})

test('entries ascend in epoch and offset, whatever happens', () => {
  const act = fc.tuple(fc.constantFrom('assign', 'start', 'end'), fc.nat(8), fc.nat(30))
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), acts => {
      const cache = new EpochCache()
      for (const [name, epoch, offset] of acts) {
        if (name === 'assign') cache.assign(epoch, offset)
        else if (name === 'start') cache.truncateFromStart(offset)
        else cache.truncateFromEnd(offset)
        const { entries } = cache
        for (let i = 1; i < entries.length; i++) {
          assert.ok(entries[i]!.epoch > entries[i - 1]!.epoch)
          assert.ok(entries[i]!.startOffset > entries[i - 1]!.startOffset)
        }
      }
    }),
  )
})
