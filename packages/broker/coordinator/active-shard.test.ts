/** Which records of a call go into one batch. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryWorld } from '@ottla/io'
import { ActiveShard } from './active-shard.ts'
import type { CoordinatorShard, Effects, RecordSerde } from './shard.ts'
import { MemoryCoordinatorLog } from './testing/memory-log.ts'

/** A record is a number, and as long as that. */
const serde: RecordSerde<number> = {
  encode: length => ({ key: Uint8Array.of(1), value: new Uint8Array(length) }),
  decode: (_key, value) => ({ record: value?.length ?? 0 }),
}

/** A request is what comes of it. */
class Echo implements CoordinatorShard<Effects<void, number>, void, number> {
  handle(_requestId: number, effects: Effects<void, number>) {
    return effects
  }

  expire() {
    return { records: [], completions: [], isAtomic: true }
  }

  nextDeadlineMs() {
    return Number.POSITIVE_INFINITY
  }

  replay() {}
  endTransaction() {}

  onLoaded() {
    return { records: [], completions: [], isAtomic: true }
  }

  onUnload() {
    return []
  }
}

async function batchesOf(
  maxBatchBytes: number,
  effects: Omit<Effects<void, number>, 'completions'>,
): Promise<number[]> {
  const world = memoryWorld()
  const log = new MemoryCoordinatorLog()
  log.maxBatchBytes = maxBatchBytes
  const active = new ActiveShard({
    name: 'test-0',
    shard: new Echo(),
    log,
    serde,
    clock: world.clock,
    codec: 'none',
    writeTimeoutMs: 1000,
    onErrand: () => assert.fail('there are none'),
    onFailure: error => assert.fail(String(error)),
  })
  active.start()
  void active.write({ ...effects, completions: [] })
  await world.advance(1)
  return log.batches.map(({ baseOffset, nextOffset }) => nextOffset - baseOffset)
}

test('records of a call are cut where nothing holds them together', async () => {
  const records = [100, 100, 100, 100, 100, 100]
  assert.deepEqual(await batchesOf(100_000, { records, isAtomic: false }), [6])
  assert.deepEqual(await batchesOf(400, { records, isAtomic: false }), [2, 2, 2])
  assert.deepEqual(await batchesOf(500, { records, isAtomic: false, wholes: [{ start: 1, end: 4 }] }), [1, 3, 2])
  const wholes = [
    { start: 0, end: 2 },
    { start: 2, end: 4 },
  ]
  assert.deepEqual(await batchesOf(500, { records, isAtomic: false, wholes }), [2, 3, 1])
  assert.deepEqual(await batchesOf(400, { records, isAtomic: true }), [6])
})
