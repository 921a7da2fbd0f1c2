/**
 * The share coordinator as handlers and the group coordinator see it: one method an API, from a decoded request to its
 * response. Finds the partition of `__share_group_state` that a share partition belongs to, asks its machine (share/)
 * through the runtime, and has the records deleted that newer ones replace.
 */
import type { Timer, World } from '@ottla/io'
import { CODECS } from '@ottla/protocol'
import type {
  DeleteShareGroupStateRequest,
  DeleteShareGroupStateResponse,
} from '@ottla/protocol/messages/delete-share-group-state'
import type {
  InitializeShareGroupStateRequest,
  InitializeShareGroupStateResponse,
} from '@ottla/protocol/messages/initialize-share-group-state'
import type {
  ReadShareGroupStateRequest,
  ReadShareGroupStateResponse,
} from '@ottla/protocol/messages/read-share-group-state'
import type {
  ReadShareGroupStateSummaryRequest,
  ReadShareGroupStateSummaryResponse,
} from '@ottla/protocol/messages/read-share-group-state-summary'
import type {
  WriteShareGroupStateRequest,
  WriteShareGroupStateResponse,
} from '@ottla/protocol/messages/write-share-group-state'
import type { BrokerConfig } from '../config/index.ts'
import { isExpected, messageOf } from '../errors.ts'
import { WindowedValues, type Windows } from '../metrics/index.ts'
import { coordinatorErrorCode } from './coordinator-errors.ts'
import type { CoordinatorLog } from './coordinator-log.ts'
import type { TopicLookup } from './group-topics.ts'
import { partitionFor } from './partition-for.ts'
import { CoordinatorRuntime, type LoadTimes, type PartitionState } from './runtime.ts'
import { ShareMachine } from './share/machine.ts'
import { type ShareRecord, UNKNOWN } from './share/records.ts'
import {
  type PartitionResult,
  type RequestOf,
  type ResponseOf,
  type ShareApi,
  type SharePartitionId,
  type ShareRequest,
  type ShareResponse,
  sharePartitionName,
} from './share/requests.ts'
import { shareSerde } from './share/serde.ts'

export const SHARE_GROUP_STATE_TOPIC = '__share_group_state'

export interface ShareCoordinatorOptions {
  readonly world: World
  readonly config: BrokerConfig
  readonly metricsWindows: Windows
  readonly topics: TopicLookup
  /** Of the state topic; what it would be created with, while it is not there. */
  readonly partitionCount: () => number
  /** Throws an ApiError NOT_LEADER_OR_FOLLOWER if this node does not lead the partition. */
  readonly openLog: (partition: number) => CoordinatorLog
  /** Of a partition of the state topic: everything before the offset. Throws as `openLog`. */
  readonly deleteRecords: (partition: number, beforeOffset: number) => void
}

/** Who keeps the state of share partitions, wherever that is. */
export type Persister = Pick<
  ShareCoordinator,
  | 'initializeShareGroupState'
  | 'readShareGroupState'
  | 'writeShareGroupState'
  | 'deleteShareGroupState'
  | 'readShareGroupStateSummary'
>

/** What a request names, whatever is asked about it. */
interface Topics<Partition> {
  readonly groupId: string
  readonly topics: readonly { readonly topicId: string; readonly partitions: readonly Partition[] }[]
}

export class ShareCoordinator {
  readonly #runtime: CoordinatorRuntime<ShareRequest, ShareResponse, ShareRecord, ShareMachine>
  readonly #options: ShareCoordinatorOptions
  /** Up to where records have been deleted, by partition. */
  readonly #pruned = new Map<number, number>()
  readonly #timers = new Set<Timer>()
  /** States of share partitions that were to be written. */
  #writeCount = 0
  /** Milliseconds that it took until they were, or could not be. */
  readonly writeTimes: WindowedValues
  #isClosed = false

  constructor(options: ShareCoordinatorOptions) {
    const { world, config, topics, openLog } = options
    this.#options = options
    this.writeTimes = new WindowedValues(options.metricsWindows)
    const codec = CODECS[config.shareCoordinatorStateTopicCompressionCodec]!
    this.#runtime = new CoordinatorRuntime({
      topic: SHARE_GROUP_STATE_TOPIC,
      clock: world.clock,
      logger: world.logger.child({ component: 'share-coordinator' }),
      openLog,
      createShard: (_partition, log) =>
        new ShareMachine({
          updatesPerSnapshot: config.shareCoordinatorSnapshotUpdateRecordsPerSnapshot,
          coldSnapshotIntervalMs: config.shareCoordinatorColdPartitionSnapshotIntervalMs,
          partitionCount: topicId => topics.topicById(topicId)?.partitions.length,
          // How small compression makes a batch is not known before it is done.
          maxBatchBytes: () => (codec === 'none' ? log.maxBatchBytes : Number.POSITIVE_INFINITY),
        }),
      serde: shareSerde,
      codec,
      loadBufferBytes: config.shareCoordinatorLoadBufferSize,
      writeTimeoutMs: config.shareCoordinatorWriteTimeoutMs,
    })
    this.#every(config.shareCoordinatorStateTopicPruneIntervalMs, () => this.#prune())
    this.#every(config.shareCoordinatorColdPartitionSnapshotIntervalMs, () => {
      this.#runtime.runOnAll((machine, now) => machine.snapshotColdPartitions(now))
    })
  }

  // ------------------------------------------------------------------------------------------------- the cluster

  /** Of the state topic; `name` is what `sharePartitionName` makes, and what FindCoordinator is asked with. */
  partitionFor(name: string): number {
    return partitionFor(name, this.#options.partitionCount())
  }

  /** This node leads the partition of the state topic. Resolves when its states are loaded, or can't be. */
  onElection(partition: number, leaderEpoch: number): Promise<void> {
    return this.#runtime.loadPartition(partition, leaderEpoch)
  }

  /** Resolves once the states of the partition are loaded, or can't be; it need not be known yet that this node leads it. */
  whenLoaded(partition: number): Promise<void> {
    return this.#runtime.whenLoaded(partition)
  }

  /** Another node leads it; null: this node has no replica of it any more. */
  onResignation(partition: number, leaderEpoch: number | null): void {
    this.#pruned.delete(partition)
    this.#runtime.unloadPartition(partition, leaderEpoch)
  }

  onTopicsDeleted(topics: readonly { readonly id: string }[]): void {
    const topicIds = topics.map(({ id }) => id)
    this.#runtime.runOnAll(machine => machine.onTopicsDeleted(topicIds))
  }

  // ------------------------------------------------------------------------------------------------ for who watches

  get partitionStates(): Readonly<Record<PartitionState, number>> {
    return this.#runtime.partitionStates
  }

  get loadTimes(): LoadTimes {
    return this.#runtime.loads
  }

  get writeCount(): number {
    return this.#writeCount
  }

  /** Up to where records of the state topic were deleted, by partition. */
  get prunedOffsets(): ReadonlyMap<number, number> {
    return this.#pruned
  }

  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.#runtime.close()
  }

  // ------------------------------------------------------------------------------------------------------- requests

  initializeShareGroupState(request: InitializeShareGroupStateRequest): Promise<InitializeShareGroupStateResponse> {
    // Only here may a topic have no partitions; it is left out.
    const topics = request.topics.filter(({ partitions }) => partitions.length > 0)
    return forEach({ ...request, topics }, (id, { stateEpoch, startOffset }) =>
      this.#write('initialize', id, { stateEpoch, startOffset }, failure => failure),
    )
  }

  readShareGroupState(request: ReadShareGroupStateRequest): Promise<ReadShareGroupStateResponse> {
    const nothing = { stateEpoch: 0, startOffset: 0, stateBatches: [] }
    return forEach(request, async (id, { leaderEpoch }) => {
      const result = await this.#write('read', id, { leaderEpoch }, failure => ({ ...failure, ...nothing }))
      return { ...result, stateBatches: [...result.stateBatches] }
    })
  }

  async writeShareGroupState(request: WriteShareGroupStateRequest): Promise<WriteShareGroupStateResponse> {
    const { clock } = this.#options.world
    const startMs = clock.monotonic()
    const response = await forEach(request, (id, written) => {
      this.#writeCount++
      return this.#write('write', id, written, failure => failure)
    })
    const nowMs = clock.monotonic()
    this.writeTimes.record(nowMs - startMs, nowMs)
    return response
  }

  deleteShareGroupState(request: DeleteShareGroupStateRequest): Promise<DeleteShareGroupStateResponse> {
    return forEach(request, id => this.#write('delete', id, null, failure => failure))
  }

  readShareGroupStateSummary(request: ReadShareGroupStateSummaryRequest): Promise<ReadShareGroupStateSummaryResponse> {
    const nothing = { stateEpoch: 0, leaderEpoch: 0, startOffset: 0, deliveryCompleteCount: UNKNOWN }
    return forEach(request, async id => {
      try {
        const partition = this.partitionFor(sharePartitionName(id))
        return await this.#runtime.read(partition, machine => machine.readSummary(id))
      } catch (error) {
        return { ...this.#failed('read share group state summary', id, error), ...nothing }
      }
    })
  }

  async #write<Api extends ShareApi>(
    api: Api,
    id: SharePartitionId,
    request: RequestOf<Api>,
    failed: (failure: PartitionResult) => ResponseOf<Api>,
  ): Promise<ResponseOf<Api>> {
    try {
      const partition = this.partitionFor(sharePartitionName(id))
      return (await this.#runtime.write(partition, { api, id, request } as ShareRequest)) as ResponseOf<Api>
    } catch (error) {
      return failed(this.#failed(`${api} share group state`, id, error))
    }
  }

  #failed(what: string, { partition }: SharePartitionId, error: unknown): PartitionResult {
    if (!isExpected(error)) {
      this.#options.world.logger.error('request to the share coordinator failed', { what, error: error as Error })
    }
    return {
      partition,
      errorCode: coordinatorErrorCode(error),
      errorMessage: `Unable to ${what}: ${messageOf(error)}`,
    }
  }

  // -------------------------------------------------------------------------------------------------------- pruning

  async #prune(): Promise<void> {
    for (const partition of this.#runtime.activePartitions) {
      try {
        const offset = await this.#runtime.read(partition, machine => machine.redundantOffset())
        if (offset === 0 || this.#pruned.get(partition) === offset) continue
        this.#options.deleteRecords(partition, offset)
        this.#pruned.set(partition, offset)
      } catch (error) {
        // Another node has it now, or will have; or the log is loaded again.
        if (isExpected(error)) continue
        const name = `${SHARE_GROUP_STATE_TOPIC}-${partition}`
        this.#options.world.logger.error('cannot delete old records', { partition: name, error: error as Error })
      }
    }
  }

  #every(ms: number, work: () => void | Promise<void>): void {
    const timer = this.#options.world.clock.setTimer(ms, async () => {
      this.#timers.delete(timer)
      await work()
      if (!this.#isClosed) this.#every(ms, work)
    })
    this.#timers.add(timer)
  }
}

/**
 * A request that names no group or, in any topic, no partition, is answered with nothing; one that names a partition twice
 * is done twice, and answered with what came of the second time.
 */
async function forEach<Partition extends { readonly partition: number }, Result>(
  { groupId, topics }: Topics<Partition>,
  ask: (id: SharePartitionId, partition: Partition) => Promise<Result>,
): Promise<{ results: { topicId: string; partitions: Result[] }[] }> {
  if (groupId === '' || topics.some(({ partitions }) => partitions.length === 0)) return { results: [] }
  const asked = new Map<string, Map<number, Promise<Result>>>()
  for (const { topicId, partitions } of topics) {
    const ofTopic = asked.get(topicId) ?? new Map<number, Promise<Result>>()
    asked.set(topicId, ofTopic)
    for (const one of partitions) ofTopic.set(one.partition, ask({ groupId, topicId, partition: one.partition }, one))
  }
  const results = [...asked].map(async ([topicId, partitions]) => ({
    topicId,
    partitions: await Promise.all(partitions.values()),
  }))
  return { results: await Promise.all(results) }
}
