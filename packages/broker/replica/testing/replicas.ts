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
export const LEADER_EPOCH = 3

export interface Replicas {
  readonly world: MemoryWorld
  readonly manager: ReplicaManager
  config(overrides?: Readonly<Record<string, string>>): TopicConfig
  partition(assignment?: Partial<PartitionAssignment>): Promise<Partition>
}

export async function openReplicas(): Promise<Replicas> {
  const world = memoryWorld({ time: { flow: 'auto' } })
  const logs = await LogManager.open({ world, logDirs: ['/data'], nodeId: NODE_ID, clusterId: world.random.uuid() })
  const { raw } = loadConfig({ set: [], defaults: developerDefaults({ dataDir: '/data', port: 0 }) })
  const broker = resolveBrokerConfig(raw)
  const config = (overrides = {}) => resolveTopicConfig(broker, new Map(Object.entries(overrides)))
  await logs.load({ defaults: config() })
  const manager = new ReplicaManager({ nodeId: NODE_ID, logs, logger: world.logger })
  return {
    world,
    manager,
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
