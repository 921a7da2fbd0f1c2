import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch } from '@ottla/protocol'
import { appendToLeader } from './append.ts'
import { FetchWaiter } from './fetch-waiter.ts'
import type { Partition } from './partition.ts'
import { assigned, LEADER_EPOCH, openReplicas, type Replicas } from './testing/replicas.ts'

const BATCH = encodeBatch([{ value: Buffer.alloc(100) }])

async function append(replicas: Replicas, partition: Partition): Promise<void> {
  const now = replicas.world.clock.now()
  await appendToLeader(partition, Uint8Array.from(BATCH), -1, replicas.config(), now).acknowledged
}

interface Waiting {
  isDone: boolean
  readonly done: Promise<void>
}

function wait(
  replicas: Replicas,
  partitions: readonly Partition[],
  missingBytes: number,
  { committed = false, maxWaitMs = 500, signal = new AbortController().signal } = {},
): Waiting {
  const positions = partitions.map(partition => ({
    partition,
    fetchOffset: partition.highWatermark,
    seenHighWatermark: partition.highWatermark,
  }))
  const waiter = new FetchWaiter(positions, missingBytes, committed)
  const waiting: Waiting = {
    isDone: false,
    done: waiter.wait(replicas.world.clock, maxWaitMs, signal).then(() => {
      waiting.isDone = true
    }),
  }
  return waiting
}

test('wakes when enough bytes have come, not before', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const waiting = wait(replicas, [partition], BATCH.length * 2 + 1)
  await append(replicas, partition)
  await append(replicas, partition)
  await replicas.world.advance(100)
  assert.equal(waiting.isDone, false)
  await append(replicas, partition)
  await replicas.world.advance(0)
  assert.equal(waiting.isDone, true)
})

test('bytes of all partitions count together', async () => {
  const replicas = await openReplicas()
  const partitions = [await replicas.partition(), await replicas.partition({ partition: 1 })]
  const waiting = wait(replicas, partitions, BATCH.length * 2)
  await append(replicas, partitions[0]!)
  await replicas.world.advance(100)
  assert.equal(waiting.isDone, false)
  await append(replicas, partitions[1]!)
  await replicas.world.advance(0)
  assert.equal(waiting.isDone, true)
})

test('when time is up it is done, and leaves no timer and no place in a line behind', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const before = replicas.world.time!.pending
  const waiting = wait(replicas, [partition], 1)
  await replicas.world.advance(499)
  assert.equal(waiting.isDone, false)
  await replicas.world.advance(1)
  assert.equal(waiting.isDone, true)
  const woken = wait(replicas, [partition], 1)
  await append(replicas, partition)
  await woken.done
  assert.equal(replicas.world.time!.pending, before)
})

test('a client that has gone, before or meanwhile, is waited for no longer', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const abort = new AbortController()
  const waiting = wait(replicas, [partition], 1, { signal: abort.signal })
  await replicas.world.advance(10)
  assert.equal(waiting.isDone, false)
  abort.abort()
  await waiting.done
  await wait(replicas, [partition], 1, { signal: abort.signal }).done
  assert.equal(replicas.world.clock.monotonic(), 10, 'no time has passed')
})

test('what came between reading and waiting is not slept through', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const positions = [{ partition, fetchOffset: 0, seenHighWatermark: 0 }]
  await append(replicas, partition)
  await new FetchWaiter(positions, 1, false).wait(replicas.world.clock, 500, new AbortController().signal)
  assert.equal(replicas.world.clock.monotonic(), 0)
})

test('a partition that changes hands, fails or goes away wakes whoever waits for it', async () => {
  const ends: ((partition: Partition) => void)[] = [
    partition => partition.update(assigned({ leaderId: 2, leaderEpoch: LEADER_EPOCH + 1, isNew: false })),
    partition => partition.fail(new Error('disk')),
    partition => partition.remove(),
  ]
  for (const end of ends) {
    const replicas = await openReplicas()
    const partition = await replicas.partition()
    const waiting = wait(replicas, [partition], 1_000_000)
    await replicas.world.advance(10)
    assert.equal(waiting.isDone, false)
    end(partition)
    await waiting.done
    // And it is not slept through if it happened between reading and waiting.
    const late = new FetchWaiter([{ partition, fetchOffset: 0, seenHighWatermark: 0 }], 1_000_000, false)
    if (!partition.log) await late.wait(replicas.world.clock, 500, new AbortController().signal)
    assert.equal(replicas.world.clock.monotonic(), 10)
  }
})

test('read_committed: what an open transaction holds back wakes nobody', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const options = { producerId: 4, producerEpoch: 0, isTransactional: true, baseSequence: 0 }
  const open = encodeBatch([{ value: Buffer.alloc(100) }], options)
  const appendOpen = async (): Promise<void> => {
    const result = partition.log!.append(open, { origin: 'replication', leaderEpoch: LEADER_EPOCH, nowMs: 0 })
    await result.written
    partition.onWritten(result.sizeInBytes)
  }
  const committed = wait(replicas, [partition], 1, { committed: true })
  const uncommitted = wait(replicas, [partition], 1)
  await appendOpen()
  await replicas.world.advance(100)
  assert.equal(uncommitted.isDone, true)
  assert.equal(partition.log!.lastStableOffset, 0)
  assert.equal(committed.isDone, false)
  await replicas.world.advance(400)
  assert.equal(committed.isDone, true)
})
