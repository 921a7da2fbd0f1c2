/** A share coordinator over logs in memory and virtual time, with every partition of the state topic led here. */
import { type MemoryWorld, memoryWorld } from '@ottla/io'
import { developerDefaults, loadConfig, resolveBrokerConfig } from '../../config/index.ts'
import { ApiError } from '../../errors.ts'
import { ShareCoordinator } from '../share-coordinator.ts'
import { MemoryCoordinatorLog } from './memory-log.ts'

export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

export class ShareCluster {
  readonly world: MemoryWorld = memoryWorld()
  readonly shares: ShareCoordinator
  /** Up to where records were deleted, by partition. */
  readonly deleted = new Map<number, number>()
  /** Partitions that another node leads. */
  readonly lost = new Set<number>()

  /** Nothing is loaded. */
  constructor(logs: readonly MemoryCoordinatorLog[] = [], set: readonly string[] = []) {
    const defaults = developerDefaults({ dataDir: '/data' })
    this.shares = new ShareCoordinator({
      world: this.world,
      config: resolveBrokerConfig(loadConfig({ defaults, set }).raw),
      metricsWindows: { count: 2, lengthMs: 30_000 },
      topics: {
        topic: () => undefined,
        topicById: id => (id === TOPIC_ID ? { id, name: 't', partitions: { length: 3 } } : undefined),
      },
      partitionCount: () => Math.max(logs.length, 1),
      openLog: partition => {
        if (this.lost.has(partition)) throw new ApiError('NOT_LEADER_OR_FOLLOWER', 'another node leads')
        return logs[partition]!
      },
      deleteRecords: (partition, beforeOffset) => this.deleted.set(partition, beforeOffset),
    })
  }

  /** With all partitions loaded. */
  static async start(logs = [new MemoryCoordinatorLog()], set: readonly string[] = []): Promise<ShareCluster> {
    const cluster = new ShareCluster(logs, set)
    await cluster.until(Promise.all(logs.map((_, partition) => cluster.shares.onElection(partition, 0))))
    return cluster
  }

  /** Time stands still, but everything that is due now happens. */
  until<T>(promise: Promise<T>): Promise<T> {
    return this.world.time!.runUntil(promise)
  }

  // -------------------------------------------------------------------------------------------- requests for short

  initialize(partition = 0, stateEpoch = 1, startOffset = 0) {
    return this.shares.initializeShareGroupState(request({ partition, stateEpoch, startOffset }))
  }

  write(startOffset: number, partition = 0) {
    const written = { stateEpoch: -1, leaderEpoch: -1, deliveryCompleteCount: 0, stateBatches: [] }
    return this.shares.writeShareGroupState(request({ partition, startOffset, ...written }))
  }

  async startOffset(partition = 0): Promise<number> {
    const { results } = await this.until(this.shares.readShareGroupState(request({ partition, leaderEpoch: -1 })))
    const { errorCode, startOffset } = results[0]!.partitions[0]!
    return errorCode === 0 ? startOffset : -errorCode
  }
}

export function request<Partition>(...partitions: Partition[]) {
  return { groupId: 'g', topics: [{ topicId: TOPIC_ID, partitions }] }
}
