/** For tests: a node that is nothing but its metadata log and its controller, with short ways to ask for things. */
import assert from 'node:assert/strict'
import type { World } from '@ottla/io'
import { LogManager } from '@ottla/log'
import { ErrorCode, errorName } from '@ottla/protocol'
import { type BrokerConfig, resolveBrokerConfig } from '../../config/index.ts'
import {
  EMPTY_IMAGE,
  type MetadataDelta,
  type MetadataImage,
  type MetadataRecord,
  registeredFeatures,
  snapshotRecords,
} from '../../image/index.ts'
import type { MetadataBatch } from '../batches.ts'
import { readBootstrapRecords } from '../bootstrap.ts'
import { ControllerDriver } from '../controller-driver.ts'
import { formatIfNeeded } from '../format.ts'
import { METADATA_FOLDER, MetadataLog } from '../metadata-log.ts'
import { SingleVoterQuorum } from '../single-voter.ts'

export const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg'
export const LOG_DIR = '/data'
export const METADATA_DIR = `${LOG_DIR}/${METADATA_FOLDER}`

export function nodeConfig(settings: Record<string, string> = {}): BrokerConfig {
  const fixed = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.bootstrap.servers': 'localhost:9093',
    'log.dirs': LOG_DIR,
    'metadata.max.idle.interval.ms': '0',
    ...settings,
  }
  if ('controller.quorum.voters' in settings) fixed['controller.quorum.bootstrap.servers'] = ''
  const given = Object.entries(fixed).filter(([, value]) => value !== '')
  return resolveBrokerConfig(new Map(given.map(([name, value]) => [name, { value, origin: 'test' }])))
}

export async function openQuorum(world: World, config: BrokerConfig, port = 9093) {
  const { nodeId, controllerQuorumVoters: staticVoters, metadataLogDir: logDir } = config
  const endpoints = [{ name: 'CONTROLLER', host: 'localhost', port }]
  const { logDirs, metadataLogDir } = config
  const logs = await LogManager.open({ world, logDirs, metadataLogDir, nodeId, clusterId: CLUSTER_ID })
  await formatIfNeeded({ world, logs, logDir, nodeId, endpoints, hasStaticVoters: staticVoters.length > 0 })
  const quorum = await SingleVoterQuorum.open({
    world,
    logs,
    logDir,
    nodeId,
    staticVoters,
    endpoints,
    ...metadataLogSettings(config),
  })
  return { quorum, logs }
}

function metadataLogSettings(config: BrokerConfig) {
  return {
    segmentBytes: config.internalMetadataLogSegmentBytes ?? config.metadataLogSegmentBytes,
    segmentMs: config.metadataLogSegmentMs,
    retentionBytes: config.metadataMaxRetentionBytes,
    retentionMs: config.metadataMaxRetentionMs,
  }
}

export async function startNode(world: World, settings: Record<string, string> = {}): Promise<TestNode> {
  const config = nodeConfig(settings)
  const { quorum, logs } = await openQuorum(world, config)
  const deltas: MetadataDelta[] = []
  const failures: Error[] = []
  const driver = await ControllerDriver.start({
    world,
    config,
    clusterId: CLUSTER_ID,
    quorum,
    bootstrapRecords: await readBootstrapRecords(world, config.metadataLogDir),
    onPublished: delta => deltas.push(delta),
    onFailure: error => failures.push(error),
  }).catch(async error => {
    await logs.close(-1)
    throw error
  })
  return new TestNode({ driver, quorum, deltas, failures }, logs)
}

export class TestNode {
  readonly driver: ControllerDriver
  readonly quorum: SingleVoterQuorum
  readonly deltas: readonly MetadataDelta[]
  readonly failures: readonly Error[]
  readonly #logs: LogManager
  brokerEpoch = -1

  constructor(parts: Pick<TestNode, 'driver' | 'quorum' | 'deltas' | 'failures'>, logs: LogManager) {
    this.driver = parts.driver
    this.quorum = parts.quorum
    this.deltas = parts.deltas
    this.failures = parts.failures
    this.#logs = logs
  }

  async registerBroker(): Promise<void> {
    this.driver.endSession(1)
    const { errorCode = 0, brokerEpoch = -1 } = await this.driver.request(
      'brokerRegistration',
      {
        brokerId: 1,
        clusterId: CLUSTER_ID,
        incarnationId: 'aW5jYXJuYXRpb25faWRfMQ',
        listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }],
        features: registeredFeatures(),
        rack: null,
        isMigratingZkBroker: false,
        logDirs: [...this.#logs.directoryIds.values()],
        previousBrokerEpoch: -1,
      },
      4,
    )
    assert.equal(errorName(errorCode), 'NONE')
    this.brokerEpoch = brokerEpoch
    assert.equal(await this.heartbeat(), 'NONE')
  }

  async heartbeat(): Promise<string> {
    const { errorCode = 0 } = await this.driver.request(
      'brokerHeartbeat',
      {
        brokerId: 1,
        brokerEpoch: this.brokerEpoch,
        currentMetadataOffset: this.driver.image.provenance.offset,
        wantFence: false,
        wantShutDown: false,
        offlineLogDirs: [],
        cordonedLogDirs: null,
      },
      2,
    )
    return errorName(errorCode)
  }

  async createTopic(name: string, partitions = 1): Promise<string> {
    const topic = { name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }
    const request = { topics: [topic], timeoutMs: 1000, validateOnly: false }
    return onlyError((await this.driver.request('createTopics', request, 7)).topics)
  }

  async deleteTopic(name: string): Promise<string> {
    const request = { topics: [{ name, topicId: NO_ID }], topicNames: [], timeoutMs: 1000 }
    return onlyError((await this.driver.request('deleteTopics', request, 6)).responses)
  }

  async setConfig(topic: string, name: string, value: string): Promise<string> {
    const resource = { resourceType: 2, resourceName: topic, configs: [{ name, configOperation: 0, value }] }
    const request = { resources: [resource], validateOnly: false }
    return onlyError((await this.driver.request('incrementalAlterConfigs', request, 1)).responses)
  }

  async close(): Promise<void> {
    await this.driver.close()
    await this.#logs.close(this.brokerEpoch)
  }
}

const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

function onlyError(responses: Iterable<{ errorCode?: number }> | undefined): string {
  const [response] = [...(responses ?? [])]
  return errorName(response?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR)
}

/** What an image holds, apart from how far it reaches: equal for equal metadata. */
export function contentOf(image: MetadataImage): MetadataRecord[] {
  return image.metadataVersion === null ? [] : [...snapshotRecords(image)]
}

export function topicNames(image: MetadataImage): string[] {
  return [...image.topicsById.values()].map(({ name }) => name).sort()
}

/** All that is in the metadata log, read while nobody writes. */
export async function readLog(world: World, config: BrokerConfig = nodeConfig()): Promise<MetadataBatch[]> {
  const { nodeId, logDirs, metadataLogDir: logDir } = config
  const logs = await LogManager.open({ world, logDirs, metadataLogDir: logDir, nodeId, clusterId: null })
  const log = await MetadataLog.open({ world, logs, logDir, ...metadataLogSettings(config) })
  const batches: MetadataBatch[] = []
  for await (const batch of log.recover(log.startOffset)) batches.push(batch)
  await logs.close(-1)
  return batches
}

/** Each delta follows the one before. */
export function checkDeltas(deltas: readonly MetadataDelta[]): void {
  let image = EMPTY_IMAGE
  for (const delta of deltas) {
    assert.equal(delta.base, image)
    assert.ok(delta.image.provenance.offset >= image.provenance.offset)
    image = delta.image
  }
}
