import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MemoryWorld, memoryWorld } from '@ottla/io/memory'
import { DirectoryAssignments } from './directory-assignments.ts'
import { DirectoryId, directoryOf } from './image/index.ts'
import { startNode, type TestNode } from './quorum/testing/node.ts'

const SETTINGS = { 'log.dirs': '/data,/more' }
const STALE = 1_000_000

async function open(world: MemoryWorld): Promise<TestNode> {
  const node = await startNode(world, SETTINGS)
  await node.registerBroker()
  return node
}

function directoriesOf(node: TestNode, topic: string): (string | null)[] {
  return node.driver.image.topicsByName.get(topic)!.partitions.map(partition => directoryOf(partition, 1))
}

test('the controller is told where replicas lie, many at once, and again until it takes it', async () => {
  const world = memoryWorld()
  await world.runUntil(
    (async () => {
      const node = await open(world)
      await node.createTopic('a', 3)
      assert.deepEqual(directoriesOf(node, 'a'), Array(3).fill(DirectoryId.UNASSIGNED))
      const topicId = node.driver.image.topicsByName.get('a')!.id
      const [first, second] = node.driver.image.brokers.get(1)!.logDirs
      let brokerEpoch = STALE
      const assignments = new DirectoryAssignments({
        world,
        controller: node.driver,
        nodeId: 1,
        brokerEpoch: () => brokerEpoch,
        isWanted: (_, partition) => partition < 3,
      })
      const { offset } = node.driver.image.provenance
      assignments.add(topicId, 0, second!)
      assignments.add(topicId, 0, first!)
      assignments.add(topicId, 1, second!)
      assignments.add(topicId, 2, first!)
      assignments.add(topicId, 7, first!)
      await pause(world, 150)
      assert.equal(node.driver.image.provenance.offset, offset, 'a stale broker is not listened to')
      brokerEpoch = node.brokerEpoch
      await pause(world, 200)
      assert.deepEqual(directoriesOf(node, 'a'), [first, second, first])
      assert.equal(node.driver.image.provenance.offset, offset + 3)
      await pause(world, 5000)
      assert.equal(node.driver.image.provenance.offset, offset + 3, 'what was taken is told again')
      assignments.close()
      await node.close()
    })(),
  )
})

test('what cannot be taken does not keep the rest from being told', async () => {
  const world = memoryWorld()
  await world.runUntil(
    (async () => {
      const node = await open(world)
      await node.createTopic('a', 1)
      const topicId = node.driver.image.topicsByName.get('a')!.id
      const [first] = node.driver.image.brokers.get(1)!.logDirs
      const assignments = new DirectoryAssignments({
        world,
        controller: node.driver,
        nodeId: 1,
        brokerEpoch: () => node.brokerEpoch,
        isWanted: () => true,
      })
      assignments.add('b3R0bGEtdGVzdC10b3BpYw', 0, first!)
      assignments.add(topicId, 0, first!)
      await pause(world, 150)
      assert.deepEqual(directoriesOf(node, 'a'), [first])
      assignments.close()
      const lines = world.log.lines.length
      await pause(world, 60_000)
      assert.equal(world.log.lines.length, lines, 'it goes on after it was closed')
      await node.close()
    })(),
  )
})

function pause(world: MemoryWorld, ms: number): Promise<void> {
  return new Promise(resolve => {
    world.clock.setTimer(ms, resolve)
  })
}
