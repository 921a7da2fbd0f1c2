import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupSegments, type LogFacts, planOf } from './plan.ts'

const MIB = 1024 * 1024

/** Four segments of 1 MiB at 0, 100, 200 and 300, the last one active, all of it stable. */
function facts(changes: Partial<LogFacts> = {}): LogFacts {
  return {
    segments: [0, 100, 200, 300].map(baseOffset => ({ baseOffset, sizeInBytes: MIB })),
    logStartOffset: 0,
    logEndOffset: 380,
    lastStableOffset: 380,
    checkpoint: null,
    minCleanableDirtyRatio: 0.5,
    minCompactionLagMs: 0,
    maxCompactionLagMs: Number.POSITIVE_INFINITY,
    ...changes,
  }
}

test('all but the active segment is dirty at first', () => {
  const { firstDirtyOffset, endOffset, cleanBytes, cleanableBytes, dirtyRatio, isDue } = planOf(facts(), 0)
  assert.deepEqual([firstDirtyOffset, endOffset, cleanBytes, cleanableBytes], [0, 300, 0, 3 * MIB])
  assert.deepEqual([dirtyRatio, isDue], [1, true])
})

test('dirty from the checkpoint on; due when that is more than the ratio', () => {
  const half = planOf(facts({ checkpoint: 200, minCleanableDirtyRatio: 1 / 3 }), 0)
  assert.deepEqual([half.cleanBytes, half.cleanableBytes, half.isDue], [2 * MIB, MIB, false])
  assert.equal(planOf(facts({ checkpoint: 200, minCleanableDirtyRatio: 0.33 }), 0).isDue, true)
  assert.equal(planOf(facts({ checkpoint: 300, minCleanableDirtyRatio: 0 }), 0).isDue, false)
})

test('nothing from the last stable offset on, and the segment that it is in not at all', () => {
  const { endOffset, cleanableBytes } = planOf(facts({ lastStableOffset: 250 }), 0)
  assert.deepEqual([endOffset, cleanableBytes], [200, 2 * MIB])
  assert.equal(planOf(facts({ lastStableOffset: 50 }), 0).isDue, false)
  assert.equal(planOf(facts({ lastStableOffset: 200 }), 0).endOffset, 200)
})

test('nothing from the first segment on that is younger than min.compaction.lag.ms', () => {
  const ages = [10, 500, 900, 990]
  const segments = ages.map((largestTimestamp, i) => ({ baseOffset: i * 100, sizeInBytes: MIB, largestTimestamp }))
  const end = (minCompactionLagMs: number) => planOf(facts({ segments, minCompactionLagMs }), 1000).endOffset
  assert.deepEqual([end(1000), end(600), end(500), end(300), end(50)], [0, 100, 200, 200, 300])
})

test('a record that has waited for max.compaction.lag.ms makes it due, however little is dirty', () => {
  const segments = [0, 100, 200, 300].map(baseOffset => ({
    baseOffset,
    sizeInBytes: MIB,
    firstTimestamp: 1000 + baseOffset,
  }))
  const at = (nowMs: number) =>
    planOf(facts({ segments, checkpoint: 200, maxCompactionLagMs: 5000, minCleanableDirtyRatio: 1 }), nowMs)
  assert.deepEqual([at(6200).delayMs, at(6200).isDue], [0, false])
  assert.deepEqual([at(6207).delayMs, at(6207).isDue], [7, true])
  const clean = planOf(facts({ segments, checkpoint: 300, maxCompactionLagMs: 5000 }), 1e9)
  assert.equal(clean.isDue, false)
})

test('a checkpoint that is not of this log begins it again', () => {
  const low = planOf(facts({ checkpoint: 50, logStartOffset: 120 }), 0)
  assert.deepEqual([low.firstDirtyOffset, low.correctsCheckpoint], [120, true])
  const high = planOf(facts({ checkpoint: 381 }), 0)
  assert.deepEqual([high.firstDirtyOffset, high.correctsCheckpoint], [0, true])
  assert.equal(planOf(facts({ checkpoint: 380 }), 0).correctsCheckpoint, false)
})

test('neighbours become one as long as they fit by bytes, by indexes and by offsets', () => {
  const segment = (baseOffset: number, sizeInBytes: number, indexBytes = 8) => ({
    baseOffset,
    sizeInBytes,
    offsetIndexBytes: indexBytes,
    timeIndexBytes: 12,
  })
  const bases = (...args: Parameters<typeof groupSegments>) =>
    groupSegments(...args).map(group => group.map(({ baseOffset }) => baseOffset))
  const bounds = { segmentBytes: 100, segmentIndexBytes: 40 }
  const four = [segment(0, 40), segment(10, 60), segment(20, 1), segment(30, 99)]
  assert.deepEqual(bases(four, bounds, 40), [
    [0, 10],
    [20, 30],
  ])
  const thick = [segment(0, 1, 30), segment(10, 1, 10), segment(20, 1, 1), segment(30, 1), segment(40, 1)]
  assert.deepEqual(bases(thick, bounds, 50), [
    [0, 10],
    [20, 30, 40],
  ])
  const far = [segment(0, 1), segment(2 ** 31 - 1, 1), segment(2 ** 31, 1), segment(2 ** 31 + 5, 0)]
  assert.deepEqual(bases(far, bounds, 2 ** 31 + 10), [
    [0, 2 ** 31 - 1],
    [2 ** 31, 2 ** 31 + 5],
  ])
  assert.deepEqual(bases([segment(0, 1), segment(5, 0)], bounds, 2 ** 32), [[0, 5]])
  assert.deepEqual(bases([], bounds, 0), [])
})
