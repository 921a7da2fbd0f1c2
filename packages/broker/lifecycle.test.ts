import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MemoryWorld, memoryWorld } from '@ottla/io/memory'
import { BrokerLifecycle } from './lifecycle.ts'
import { CLUSTER_ID, startNode, type TestNode } from './quorum/testing/node.ts'

const DIRS = ['Zmlyc3RfbG9nX2Rpcl9pZA', 'c2Vjb25kX2xvZ19kaXJfaQ']
const TIMEOUT_MS = 30_000

class Standing {
  readonly offline: string[] = []
  readonly failures: string[] = []
  readonly lifecycle: BrokerLifecycle
  readonly node: TestNode

  constructor(world: MemoryWorld, node: TestNode) {
    this.node = node
    this.lifecycle = new BrokerLifecycle({
      world,
      controller: node.driver,
      nodeId: 1,
      clusterId: CLUSTER_ID,
      unstableFeatures: false,
      rack: null,
      listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }],
      controllerListeners: [],
      logDirs: () => DIRS.filter(id => !this.offline.includes(id)),
      cordonedLogDirs: () => [],
      offlineLogDirs: () => this.offline,
      logDirFailureTimeoutMs: TIMEOUT_MS,
      onFailure: error => this.failures.push(error.message),
      previousBrokerEpoch: -1,
      heartbeatIntervalMs: 2000,
      metadataOffset: () => node.driver.image.provenance.offset,
    })
  }

  get registeredDirs(): readonly string[] {
    return node1(this.node).logDirs
  }

  fail(directoryId: string): void {
    this.offline.push(directoryId)
    this.lifecycle.reportLogDirFailure(directoryId)
  }
}

function node1({ driver }: TestNode) {
  return driver.image.brokers.get(1)!
}

async function withBroker(body: (standing: Standing, world: MemoryWorld) => Promise<void>): Promise<void> {
  const world = memoryWorld()
  await world.runUntil(
    (async () => {
      const node = await startNode(world)
      const standing = new Standing(world, node)
      await standing.lifecycle.register()
      await standing.lifecycle.unfence()
      await body(standing, world)
    })(),
  )
}

function pause(world: MemoryWorld, ms: number): Promise<void> {
  return new Promise(resolve => {
    world.clock.setTimer(ms, resolve)
  })
}

test('the controller hears of a failed log dir at once, and each time again', () =>
  withBroker(async (standing, world) => {
    assert.deepEqual(standing.registeredDirs, DIRS)
    await pause(world, 100)
    standing.fail(DIRS[1]!)
    await pause(world, 10)
    assert.deepEqual(standing.registeredDirs, [DIRS[0]])
    await pause(world, 2 * TIMEOUT_MS)
    assert.deepEqual(standing.failures, [])
    assert.equal(node1(standing.node).fenced, false, 'the heartbeats have stopped')
    await standing.lifecycle.leave()
    await standing.node.close()
  }))

test('a broker that cannot tell of a failed log dir must not go on', () =>
  withBroker(async (standing, world) => {
    await standing.node.driver.close()
    standing.fail(DIRS[1]!)
    await pause(world, TIMEOUT_MS - 1)
    assert.deepEqual(standing.failures, [])
    await pause(world, 2)
    assert.deepEqual(standing.failures, [`the controller could not be told that log dir ${DIRS[1]} has failed`])
    await standing.lifecycle.leave()
    await standing.node.close()
  }))
