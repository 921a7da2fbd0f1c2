/** A node in a cluster that other software, or older software, has made. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MemoryWorld, memoryWorld } from '@ottla/io/memory'
import {
  decodeResponse,
  encodeRequest,
  errorName,
  FrameReader,
  type Init,
  type Message,
  type Of,
} from '@ottla/protocol'
import { DescribeClusterRequest, DescribeClusterResponse } from '@ottla/protocol/messages/describe-cluster'
import { DescribeLogDirsRequest, DescribeLogDirsResponse } from '@ottla/protocol/messages/describe-log-dirs'
import { UpdateFeaturesRequest, UpdateFeaturesResponse } from '@ottla/protocol/messages/update-features'
import { Broker } from './broker.ts'
import { type BrokerConfig, resolveBrokerConfig } from './config/index.ts'
import { METADATA_VERSION, type MetadataImage } from './image/index.ts'
import { format } from './quorum/format.ts'
import { startNode } from './quorum/testing/node.ts'

const SETTINGS = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  listeners: 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
  'controller.listener.names': 'CONTROLLER',
  'controller.quorum.voters': '1@localhost:9093',
  'log.dirs': '/data',
  'metadata.max.idle.interval.ms': '0',
}

const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg'

function config(more: Readonly<Record<string, string>> = {}): BrokerConfig {
  const settings = Object.entries({ ...SETTINGS, ...more })
  return resolveBrokerConfig(new Map(settings.map(([name, value]) => [name, { value, origin: 'test' }])))
}

async function ask<Req extends Message, Res extends Message>(
  world: MemoryWorld,
  request: Req,
  response: Res,
  value: Init<Req>,
  port = 9092,
): Promise<Of<Res>> {
  const socket = await world.network.connect({ host: '127.0.0.1', port })
  const { promise, resolve } = Promise.withResolvers<Uint8Array>()
  const frames = new FrameReader(1_000_000)
  const onData = (bytes: Uint8Array) => {
    frames.push(bytes)
    const frame = frames.next()
    if (frame) resolve(frame)
  }
  socket.start({ onData, onDrain() {}, onClose() {} })
  const version = request.versions.max
  socket.write(encodeRequest(request, version, { correlationId: 1, clientId: 'test' }, value))
  const { body } = decodeResponse(response, version, await promise)
  socket.destroy()
  return body
}

/** The controllers' listener is asked for controllers. */
async function describeControllers(world: MemoryWorld): Promise<string> {
  const { errorCode, brokers } = await ask(
    world,
    DescribeClusterRequest,
    DescribeClusterResponse,
    { endpointType: 2 },
    9093,
  )
  return `${errorName(errorCode)} ${brokers.map(({ brokerId }) => brokerId)}`
}

async function imageAfter(world: MemoryWorld): Promise<MetadataImage> {
  const node = await startNode(world, SETTINGS)
  const { image } = node.driver
  await node.close()
  return image
}

test('a node of a cluster of an older release registers what it could not before, once the release is raised', async () => {
  const world = memoryWorld()
  await world.runUntil(
    (async () => {
      const from = { clusterId: CLUSTER_ID, initialControllers: null, releaseVersion: '3.6' }
      await format({ world, config: config(), ...from })
      const broker = await Broker.start({ world, config: config() })
      assert.equal(await describeControllers(world), 'UNSUPPORTED_VERSION ')
      await broker.close()
      const before = await imageAfter(world)
      assert.equal(before.metadataVersion, 14)
      assert.deepEqual([...before.controllers.keys()], [])
      assert.deepEqual(before.brokers.get(1)!.logDirs, [])
    })(),
  )
  await world.runUntil(
    (async () => {
      const broker = await Broker.start({ world, config: config() })
      const featureUpdates = [{ feature: METADATA_VERSION, maxVersionLevel: 30, upgradeType: 1 }]
      const { errorCode } = await ask(world, UpdateFeaturesRequest, UpdateFeaturesResponse, { featureUpdates })
      assert.equal(errorCode, 0)
      await broker.close()
      const after = await imageAfter(world)
      assert.equal(after.metadataVersion, 30)
      assert.deepEqual([...after.controllers.keys()], [1])
      assert.equal(after.brokers.get(1)!.logDirs.length, 1)
    })(),
  )
})

test('of cordoned log dirs nobody is told before the release that has them', async () => {
  const world = memoryWorld()
  const cordoned = async (): Promise<string[]> => {
    const { results } = await ask(world, DescribeLogDirsRequest, DescribeLogDirsResponse, { topics: null })
    return results.filter(({ isCordoned }) => isCordoned).map(({ logDir }) => logDir)
  }
  await world.runUntil(
    (async () => {
      const settings = config({ 'log.dirs': '/a,/b', 'cordoned.log.dirs': '/b' })
      const from = { clusterId: CLUSTER_ID, initialControllers: null, releaseVersion: '4.2' }
      await format({ world, config: settings, ...from })
      await using _broker = await Broker.start({ world, config: settings })
      assert.deepEqual(await cordoned(), [])
      const featureUpdates = [{ feature: METADATA_VERSION, maxVersionLevel: 30, upgradeType: 1 }]
      const { errorCode } = await ask(world, UpdateFeaturesRequest, UpdateFeaturesResponse, { featureUpdates })
      assert.equal(errorCode, 0)
      assert.deepEqual(await cordoned(), ['/b'])
    })(),
  )
})
