/** Partitions over real logs on a disk in memory, for tests. Node 1 leads them at epoch 3. */
import { type MemoryWorld, memoryWorld } from '@ottla/io/memory'
import { LogManager } from '@ottla/log'
import {
  developerDefaults,
  loadConfig,
  resolveBrokerConfig,
  resolveTopicConfig,
  type TopicConfig,
} from '../../config/index.ts'
import type { Partition, PartitionAssignment } from '../partition.ts'
import { ReplicaManager } from '../replica-manager.ts'

export const TOPIC_ID = 'b3R0bGEtdGVzdC10b3BpYw'
export const NODE_ID = 1
const CLUSTER_ID = 'b3R0bGEtdGVzdC1jbHVzdA'
export const LEADER_EPOCH = 3

export interface Replicas {
  readonly world: MemoryWorld
  readonly manager: ReplicaManager
  /** Log dirs that the controller was told of. */
  readonly placed: readonly string[]
  config(overrides?: Readonly<Record<string, string>>): TopicConfig
  partition(assignment?: Partial<PartitionAssignment>): Promise<Partition>
}

export interface ReplicasOptions {
  readonly logDirs?: readonly string[]
  /** With what an earlier node has left there. */
  readonly world?: MemoryWorld
  /** Of moves. */
  readonly bytesPerSecond?: number
  /** Of all topics that have none of their own. */
  readonly config?: Readonly<Record<string, string>>
}

export async function openReplicas(options: ReplicasOptions = {}): Promise<Replicas> {
  const { logDirs = ['/data'], bytesPerSecond = Number.POSITIVE_INFINITY } = options
  const world = options.world ?? memoryWorld({ time: { flow: 'auto' } })
  const logs = await LogManager.open({ world, logDirs, nodeId: NODE_ID, clusterId: CLUSTER_ID })
  const { raw } = loadConfig({ set: [], defaults: developerDefaults({ dataDir: '/data', port: 0 }) })
  const broker = resolveBrokerConfig(raw)
  const config = (overrides = {}) => {
    return resolveTopicConfig(broker, new Map(Object.entries({ ...options.config, ...overrides })))
  }
  await logs.load({ defaults: config() })
  const placed: string[] = []
  const manager = new ReplicaManager({
    nodeId: NODE_ID,
    logs,
    logger: world.logger,
    onPlaced(_topicId, _partition, directoryId, onAccepted) {
      placed.push([...logs.directoryIds].find(([, id]) => id === directoryId)![0])
      // The controller takes its time.
      if (onAccepted) world.clock.setTimer(5, onAccepted)
    },
    moves: {
      clock: world.clock,
      bytesPerSecond: () => bytesPerSecond,
      concurrency: 2,
      onReplacing() {},
      onReplaced() {},
    },
  })
  return {
    world,
    manager,
    placed,
    config,
    async partition(assignment = {}) {
      const partition = manager.assign(assigned(assignment))
      await partition.ready
      return partition
    },
  }
}

export function assigned(assignment: Partial<PartitionAssignment> = {}): PartitionAssignment {
  return {
    topic: 't',
    topicId: TOPIC_ID,
    partition: 0,
    leaderId: NODE_ID,
    leaderEpoch: LEADER_EPOCH,
    replicas: [NODE_ID],
    isr: [NODE_ID],
    directoryId: null,
    isNew: true,
    ...assignment,
  }
}
