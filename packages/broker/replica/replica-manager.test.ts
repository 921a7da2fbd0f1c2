/** Replicas that come and go while their logs are still being opened. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from '../errors.ts'
import { assigned, openReplicas, TOPIC_ID } from './testing/replicas.ts'

const NEXT_ID = 'b3R0bGEtbmV4dC10b3BpYw'

test('a topic that takes the name of one whose log is still being opened gets a log of its own', async () => {
  const { manager, world } = await openReplicas()
  const first = manager.assign(assigned())
  const removed = manager.removeTopic(TOPIC_ID)
  const next = manager.assign(assigned({ topicId: NEXT_ID }))
  await Promise.all([first.ready, removed, next.ready])
  assert.equal(next.leaderLog(-1).topicId, NEXT_ID)
  assert.throws(
    () => first.leaderLog(-1),
    error => error instanceof ApiError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION',
  )
  const folders = (await world.disk.list('/data')).filter(({ isDirectory }) => isDirectory).map(({ name }) => name)
  assert.match(folders.join(), /^t-0,t-0\.[0-9a-f]{32}-delete$/)
})

test('what is removed is gone for good, and nothing else with it', async () => {
  const { manager, partition } = await openReplicas()
  const gone = await partition()
  const other = await partition({ partition: 1 })
  await manager.remove(TOPIC_ID, 0)
  assert.equal(gone.log, null)
  assert.equal(manager.find(TOPIC_ID, 0), undefined)
  // Asked once more by somebody who is late.
  await manager.remove(TOPIC_ID, 0)
  assert.notEqual(other.log, null)
  await manager.removeTopic(TOPIC_ID)
  assert.equal(other.log, null)
})
