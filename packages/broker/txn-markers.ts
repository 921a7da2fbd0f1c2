/**
 * Writes the ends of transactions into partitions of this node, for WriteTxnMarkers, whoever it comes from. Those of
 * `__consumer_offsets` go by way of the group coordinator, which has to know what its groups have committed with them.
 */
import type { Logger, World } from '@ottla/io'
import { ErrorCode } from '@ottla/protocol'
import type { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '@ottla/protocol/messages/write-txn-markers'
import { type GroupCoordinator, OFFSETS_TOPIC } from './coordinator/group-coordinator.ts'
import { ApiError, errorCodeOf, isExpected } from './errors.ts'
import type { MetadataCache } from './metadata-cache.ts'
import type { ReplicaManager } from './replica/replica-manager.ts'
import { appendTransactionMarker, type TransactionMarker } from './replica/transaction-marker.ts'

type Marker = WriteTxnMarkersRequest['markers'][number]
/** By topic, then by partition: the error code. */
type Results = Map<string, Map<number, number>>

/** A transaction coordinator knows partitions and their leaders, not group coordinators. */
const NOT_READY: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
])

export class TxnMarkers {
  readonly #world: World
  readonly #logger: Logger
  readonly #metadata: MetadataCache
  readonly #replicas: ReplicaManager
  readonly #groups: GroupCoordinator

  constructor(world: World, metadata: MetadataCache, replicas: ReplicaManager, groups: GroupCoordinator) {
    this.#world = world
    this.#logger = world.logger
    this.#metadata = metadata
    this.#replicas = replicas
    this.#groups = groups
  }

  /** Answers for each partition once its marker is committed. */
  async write({ markers }: WriteTxnMarkersRequest): Promise<WriteTxnMarkersResponse> {
    const byProducer = new Map<number, Results>()
    await Promise.all(
      markers.map(async marker => {
        const results = await this.#writeOne(marker)
        if (results.size === 0) return
        const known = byProducer.get(marker.producerId)
        if (known) merge(known, results)
        else byProducer.set(marker.producerId, results)
      }),
    )
    return {
      markers: [...byProducer].map(([producerId, topics]) => ({
        producerId,
        topics: [...topics].map(([name, partitions]) => ({
          name,
          partitions: [...partitions].map(([partitionIndex, errorCode]) => ({ partitionIndex, errorCode })),
        })),
      })),
    }
  }

  async #writeOne(marker: Marker): Promise<Results> {
    const { producerId, producerEpoch, transactionResult, coordinatorEpoch, transactionVersion } = marker
    const end = { producerId, producerEpoch, isCommit: transactionResult, coordinatorEpoch, transactionVersion }
    const written = marker.topics.flatMap(({ name, partitionIndexes }) =>
      partitionIndexes.map(async partition => ({ name, partition, code: await this.#writeTo(name, partition, end) })),
    )
    const results: Results = new Map()
    for (const { name, partition, code } of await Promise.all(written)) {
      const codes = results.get(name) ?? new Map<number, number>()
      results.set(name, codes.set(partition, code))
    }
    return results
  }

  async #writeTo(topic: string, partition: number, marker: TransactionMarker): Promise<number> {
    try {
      const found = this.#metadata.topic(topic)
      const replica = found && this.#replicas.find(found.id, partition)
      if (!replica || replica.isOffline)
        throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `no replica of ${topic}-${partition} is here`)
      if (topic === OFFSETS_TOPIC) await this.#groups.endTransaction(partition, marker)
      else {
        if (!replica.log) await replica.ready
        const offset = appendTransactionMarker(replica, marker, this.#world.clock.now())
        await replica.whenCommitted(offset + 1)
      }
      return ErrorCode.NONE
    } catch (error) {
      if (!isExpected(error))
        this.#logger.error('a transaction marker failed', { partition: `${topic}-${partition}`, error: error as Error })
      const code = errorCodeOf(error)
      return NOT_READY.has(code) ? ErrorCode.NOT_LEADER_OR_FOLLOWER : code
    }
  }
}

function merge(known: Results, more: Results): void {
  for (const [topic, codes] of more) known.set(topic, new Map([...(known.get(topic) ?? []), ...codes]))
}
