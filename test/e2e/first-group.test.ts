/** The first one who asks for the coordinator of a group, when there is no `__consumer_offsets` yet. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { JoinGroupRequest, JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import { inProcess } from './in-process.ts'

const findApi = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const joinApi = { request: JoinGroupRequest, response: JoinGroupResponse }
const MEMBER_ID_REQUIRED = 79

test('is answered when the coordinator is there, and served by it at once', async () => {
  await using node = await inProcess()
  const other = await node.connect()
  const keys = Array.from({ length: 20 }, (_, i) => `group-${i}`)
  const [first, second] = await Promise.all([
    node.send(findApi, { coordinatorKeys: keys }),
    other.send(findApi, { coordinatorKeys: keys }),
  ])
  for (const { coordinators } of [first, second]) {
    assert.deepEqual(
      coordinators.map(({ key, nodeId, errorCode }) => [key, nodeId, errorCode]),
      keys.map(key => [key, 1, 0]),
    )
  }
  for (const groupId of keys) {
    const protocols = [{ name: 'range', metadata: new Uint8Array(0) }]
    const join = { groupId, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, protocolType: 'consumer', protocols }
    const { errorCode } = await node.send(joinApi, join)
    assert.equal(errorCode, MEMBER_ID_REQUIRED, groupId)
  }
  other.close()
})

test('is answered in the old form, too', async () => {
  await using node = await inProcess()
  const { errorCode, errorMessage, nodeId } = await node.send(findApi, { key: 'group' }, 2)
  assert.deepEqual([errorCode, errorMessage, nodeId], [0, 'NONE', 1])
})

test('is told to ask again if the topic cannot be made', async () => {
  await using node = await inProcess({ config: { 'offsets.topic.replication.factor': 3 } })
  const { coordinators } = await node.send(findApi, { coordinatorKeys: ['group'] })
  assert.equal(coordinators[0]!.errorCode, 15)
})
