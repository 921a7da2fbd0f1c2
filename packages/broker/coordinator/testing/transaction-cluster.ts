/** A transaction coordinator over logs in memory and virtual time, with every partition of its topic led here. */
import { type MemoryWorld, memoryWorld } from '@ottla/io'
import { errorName } from '@ottla/protocol'
import type { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '@ottla/protocol/messages/write-txn-markers'
import { developerDefaults, loadConfig, resolveBrokerConfig } from '../../config/index.ts'
import { ApiError } from '../../errors.ts'
import { topicPartitions } from '../transaction/transaction.ts'
import { TransactionCoordinator } from '../transaction-coordinator.ts'
import { MemoryCoordinatorLog } from './memory-log.ts'

export interface TransactionClusterOptions {
  /** By partition; one empty log if left out. */
  readonly logs?: readonly MemoryCoordinatorLog[]
  /** `name=value` */
  readonly set?: readonly string[]
  readonly world?: MemoryWorld
}

/** What the partitions' leaders do with markers: the test's to say. */
export type Leaders = (request: WriteTxnMarkersRequest) => Promise<WriteTxnMarkersResponse>

export class TransactionCluster {
  readonly world: MemoryWorld
  readonly logs: readonly MemoryCoordinatorLog[]
  readonly transactions: TransactionCoordinator
  /** Every request that was sent to a leader. */
  readonly sent: WriteTxnMarkersRequest[] = []
  leaders: Leaders = request => Promise.resolve(answering(request, () => 0))
  /** Of a partition of a topic: who leads it. */
  leaderOf: (topic: string, partition: number) => number | null = () => 1
  /** Partitions that another node leads. */
  readonly lost = new Set<number>()
  nextProducerId = 1000
  transactionVersion = 2

  private constructor(options: TransactionClusterOptions) {
    const { logs = [new MemoryCoordinatorLog()], set = [], world = memoryWorld() } = options
    this.world = world
    this.logs = logs
    const defaults = developerDefaults({ dataDir: '/data' })
    const config = resolveBrokerConfig(loadConfig({ defaults, set: [...set] }).raw)
    this.transactions = new TransactionCoordinator({
      world,
      config,
      partitionCount: () => logs.length,
      openLog: partition => {
        if (this.lost.has(partition)) throw new ApiError('NOT_LEADER_OR_FOLLOWER', 'another node leads')
        return logs[partition]!
      },
      transactionVersion: () => this.transactionVersion,
      producerIds: {
        next: () => Promise.resolve(this.nextProducerId++),
        whenReady: () => Promise.resolve(),
        take: () => this.nextProducerId++,
      },
      markers: {
        leaderOf: (topic, partition) => this.leaderOf(topic, partition),
        send: (_nodeId, request) => {
          this.sent.push(request)
          return this.leaders(request)
        },
      },
    })
  }

  /** With all partitions loaded. */
  static async start(options: TransactionClusterOptions = {}): Promise<TransactionCluster> {
    const cluster = new TransactionCluster(options)
    await cluster.elect(0)
    return cluster
  }

  /** Without any. */
  static create(options: TransactionClusterOptions = {}): TransactionCluster {
    return new TransactionCluster(options)
  }

  async elect(leaderEpoch: number): Promise<void> {
    const loaded = this.logs.map((_, partition) => this.transactions.onElection(partition, leaderEpoch))
    await this.until(Promise.all(loaded))
  }

  /** Time stands still, but everything that is due now happens. */
  until<T>(promise: Promise<T>): Promise<T> {
    return this.world.time!.runUntil(promise)
  }

  // -------------------------------------------------------------------------------------------- requests for short

  init(transactionalId: string, { producerId = -1, producerEpoch = -1, timeoutMs = 60_000 } = {}) {
    const two = { enable2Pc: false, keepPreparedTxn: false }
    const request = { transactionalId, transactionTimeoutMs: timeoutMs, producerId, producerEpoch, ...two }
    return this.transactions.initProducerId(request, 5)
  }

  async add(transactionalId: string, producerId: number, producerEpoch: number, topic: string, ...ids: number[]) {
    const partitions = topicPartitions([{ name: topic, partitions: ids }])
    const call = { transactionalId, producerId, producerEpoch, partitions, transactionVersion: 2 }
    return errorName(await this.transactions.addPartitions(call, 5))
  }

  async end(transactionalId: string, producerId: number, producerEpoch: number, committed: boolean, version = 5) {
    const request = { transactionalId, producerId, producerEpoch, committed }
    return errorName((await this.transactions.endTxn(request, version)).errorCode!)
  }

  async state(transactionalId: string): Promise<string> {
    const { transactionStates } = await this.transactions.describeTransactions([transactionalId])
    const { errorCode, transactionState, producerId, producerEpoch } = transactionStates![0]!
    return errorCode ? errorName(errorCode) : `${transactionState} ${producerId}/${producerEpoch}`
  }
}

/** The answer of a leader, with a code for each partition. */
export function answering(
  { markers }: WriteTxnMarkersRequest,
  codeOf: (topic: string, partition: number) => number,
): WriteTxnMarkersResponse {
  return {
    markers: markers.map(({ producerId, topics }) => ({
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map(partitionIndex => ({
          partitionIndex,
          errorCode: codeOf(name, partitionIndex),
        })),
      })),
    })),
  }
}
