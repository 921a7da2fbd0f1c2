import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch } from '@ottla/protocol'
import { appendToLeader } from './append.ts'
import { assigned, LEADER_EPOCH, openReplicas } from './testing/replicas.ts'

const value = Buffer.alloc(10)

test('whenCommitted resolves in order, as the high watermark passes', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const done: number[] = []
  const outcomes = Array.from({ length: 5 }, () =>
    appendToLeader(partition, encodeBatch([{ value }]), 1, replicas.config(), replicas.world.clock.now()),
  )
  for (const offset of [1, 2, 3, 4, 5]) void partition.whenCommitted(offset).then(() => done.push(offset))
  assert.equal(partition.highWatermark, 0)
  await Promise.all(outcomes.map(({ acknowledged }) => acknowledged))
  await replicas.world.advance(0)
  assert.deepEqual(done, [1, 2, 3, 4, 5])
  await partition.whenCommitted(5)
  let isAhead = false
  void partition.whenCommitted(6).then(() => {
    isAhead = true
  })
  await replicas.world.advance(1000)
  assert.equal(isAhead, false)
})

test('whoever waits for a commit that will never be is told why', async () => {
  const replicas = await openReplicas()
  const ends = {
    NOT_LEADER_OR_FOLLOWER: 0,
    KAFKA_STORAGE_ERROR: 1,
    UNKNOWN_TOPIC_OR_PARTITION: 2,
  }
  for (const [code, number] of Object.entries(ends)) {
    const partition = await replicas.partition({ partition: number })
    const committed = partition.whenCommitted(1)
    if (number === 0) partition.update(assigned({ leaderId: 2, leaderEpoch: LEADER_EPOCH + 1, isNew: false }))
    if (number === 1) partition.fail(new Error('disk'))
    if (number === 2) partition.remove()
    await assert.rejects(committed, { code })
  }
})

test('a new term of the same leader keeps what waits', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  const outcome = appendToLeader(partition, encodeBatch([{ value }]), -1, replicas.config(), replicas.world.clock.now())
  partition.update(assigned({ leaderEpoch: LEADER_EPOCH + 1, isNew: false }))
  await outcome.acknowledged
  assert.equal(partition.highWatermark, 1)
})

test('epochs: an old one is fenced, a later one unknown, none is not asked about', async () => {
  const replicas = await openReplicas()
  const partition = await replicas.partition()
  assert.equal(partition.leaderLog(-1), partition.log)
  assert.equal(partition.leaderLog(LEADER_EPOCH), partition.log)
  assert.throws(() => partition.leaderLog(LEADER_EPOCH - 1), { code: 'FENCED_LEADER_EPOCH' })
  assert.throws(() => partition.leaderLog(LEADER_EPOCH + 1), { code: 'UNKNOWN_LEADER_EPOCH' })
  partition.update(assigned({ leaderId: 2, isNew: false }))
  assert.throws(() => partition.leaderLog(LEADER_EPOCH), { code: 'NOT_LEADER_OR_FOLLOWER' })
})

test('a log that cannot be opened is offline, and says so', async () => {
  const replicas = await openReplicas()
  replicas.world.disk.inject({ operation: 'makeDirectory', code: 'EIO' })
  const partition = await replicas.partition()
  assert.throws(() => partition.leaderLog(-1), { code: 'KAFKA_STORAGE_ERROR' })
})

test('a deleted topic answers nobody, and its name can be used again', async () => {
  const replicas = await openReplicas()
  const first = await replicas.partition()
  await replicas.manager.removeTopic(first.topicId)
  assert.throws(() => first.leaderLog(-1), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  assert.throws(() => replicas.manager.get(first.topicId, 0), { code: 'NOT_LEADER_OR_FOLLOWER' })
  const second = await replicas.partition({ topicId: replicas.world.random.uuid() })
  assert.equal(second.leaderLog(-1).logEndOffset, 0)
})
