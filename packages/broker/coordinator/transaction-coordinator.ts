/**
 * The transaction coordinator as handlers see it: one method an API. Finds the partition of `__transaction_state` that a
 * transactional id belongs to, asks its machine (transaction/) through the runtime, and has the markers of what was
 * decided written (marker-sender.ts). What a client may do is checked before, by the handlers.
 */
import type { Logger, World } from '@ottla/io'
import { ErrorCode, type Init } from '@ottla/protocol'
import type { DescribeTransactionsResponse } from '@ottla/protocol/messages/describe-transactions'
import type { EndTxnRequest, EndTxnResponse } from '@ottla/protocol/messages/end-txn'
import type { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import type { ListTransactionsRequest, ListTransactionsResponse } from '@ottla/protocol/messages/list-transactions'
import type { BrokerConfig } from '../config/index.ts'
import { ApiError, isExpected } from '../errors.ts'
import { coordinatorErrorCode } from './coordinator-errors.ts'
import type { CoordinatorLog } from './coordinator-log.ts'
import { MarkerSender, type MarkerTransport } from './marker-sender.ts'
import { partitionFor } from './partition-for.ts'
import { re2 } from './re2.ts'
import { CoordinatorRuntime, type LoadTimes } from './runtime.ts'
import type { VerifyCall } from './transaction/add-partitions.ts'
import {
  type DescribedTransaction,
  type ListedTransaction,
  type ListFilter,
  notDescribed,
} from './transaction/listing.ts'
import { TransactionMachine } from './transaction/machine.ts'
import type { TransactionRecord } from './transaction/records.ts'
import {
  type AddPartitionsCall,
  type ErrorAnswer,
  type MarkerErrand,
  type ProducerAnswer,
  type RequestOf,
  type ResponseOf,
  refused,
  type TransactionApi,
  type TransactionRequest,
  type TransactionResponse,
} from './transaction/requests.ts'
import { transactionSerde } from './transaction/serde.ts'
import {
  NEVER_TIMES_OUT_MS,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  TRANSACTION_STATES,
  type TransactionState,
} from './transaction/transaction.ts'

export const TRANSACTION_TOPIC = '__transaction_state'

export interface ProducerIdSource {
  next(): Promise<number>
  whenReady(): Promise<void>
  take(): number | null
}

export interface TransactionCoordinatorOptions {
  readonly world: World
  readonly config: BrokerConfig
  /** Of the topic; what it would be created with, while it is not there. */
  readonly partitionCount: () => number
  /** Throws an ApiError NOT_LEADER_OR_FOLLOWER if this node does not lead the partition. */
  readonly openLog: (partition: number) => CoordinatorLog
  /** The finalized level of `transaction.version`. */
  readonly transactionVersion: () => number
  readonly producerIds: ProducerIdSource
  readonly markers: MarkerTransport
}

/** Those that a transactional id is in for longer than it takes to answer a request. */
const LASTING_STATES = ['Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit', 'CompleteAbort'] as const

/** The error code of a partition that is to be in a transaction. */
export type PartitionCode = (topic: string, partition: number) => number

/** Before it clients have no word for PRODUCER_FENCED, and read INVALID_PRODUCER_EPOCH as that. */
const FENCED_SINCE_INIT = 4
const FENCED_SINCE = 2
/** From which version of EndTxn on the client knows epochs of single transactions. */
const EPOCH_BUMP_SINCE = 5
const EPOCH_BUMP_VERSION = 2

export class TransactionCoordinator {
  readonly #runtime: CoordinatorRuntime<
    TransactionRequest,
    TransactionResponse,
    TransactionRecord,
    TransactionMachine,
    MarkerErrand
  >
  readonly #options: TransactionCoordinatorOptions
  readonly #logger: Logger
  readonly #markers: MarkerSender
  readonly #completions = new Completions()

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options
    const { world, config, openLog, transactionVersion, producerIds } = options
    const logger = world.logger.child({ component: 'transaction-coordinator' })
    this.#logger = logger
    const machineConfig = {
      idExpirationMs: config.transactionalIdExpirationMs,
      abortCheckIntervalMs: config.transactionAbortTimedOutTransactionCleanupIntervalMs,
      expiryCheckIntervalMs: config.transactionRemoveExpiredTransactionCleanupIntervalMs,
    }
    this.#runtime = new CoordinatorRuntime({
      topic: TRANSACTION_TOPIC,
      clock: world.clock,
      logger,
      openLog,
      createShard: (partition, log) => {
        this.#markers.forget(partition)
        const maxBatchBytes = () => log.maxBatchBytes
        const takeProducerId = () => producerIds.take()
        return new TransactionMachine({
          config: machineConfig,
          transactionVersion,
          takeProducerId,
          maxBatchBytes,
          log: logger,
        })
      },
      serde: transactionSerde,
      codec: 'none',
      loadBufferBytes: config.transactionStateLogLoadBufferSize,
      writeTimeoutMs: config.requestTimeoutMs,
      onErrand: (partition, errand) => this.#markers.add(partition, errand),
    })
    this.#markers = new MarkerSender({
      clock: world.clock,
      logger,
      transport: options.markers,
      coordinatorEpochOf: partition => this.#runtime.leaderEpochOf(partition),
      onWritten: (partition, request) => {
        const { transactionalId } = request
        this.#runtime.write(partition, { api: 'markersWritten', request }).then(
          () => this.#completions.emit(transactionalId),
          error => {
            // The state is lost, here: whoever loads it has the markers written once more.
            if (!isExpected(error)) logger.error('markers are written, and that is lost', { error: error as Error })
          },
        )
      },
    })
  }

  // ------------------------------------------------------------------------------------------------- the cluster

  /** Of `__transaction_state`. */
  partitionFor(transactionalId: string): number {
    return partitionFor(transactionalId, this.#options.partitionCount())
  }

  /** This node leads the partition. Resolves when its transactions are loaded, or can't be. */
  onElection(partition: number, leaderEpoch: number): Promise<void> {
    return this.#runtime.loadPartition(partition, leaderEpoch)
  }

  /** Resolves once the partition is loaded, or can't be; it need not be known yet that this node leads it. */
  whenLoaded(partition: number): Promise<void> {
    return this.#runtime.whenLoaded(partition)
  }

  /** Another node leads it; null: this node has no replica of it any more. */
  onResignation(partition: number, leaderEpoch: number | null): void {
    this.#runtime.unloadPartition(partition, leaderEpoch)
    if (this.#runtime.leaderEpochOf(partition) === null) this.#markers.forget(partition)
  }

  // ------------------------------------------------------------------------------------------------ for who watches

  get loadTimes(): LoadTimes {
    return this.#runtime.loads
  }

  /** Transactional ids that this node coordinates, by state. */
  get counts(): ReadonlyMap<TransactionState, number> {
    const counts = new Map<TransactionState, number>(LASTING_STATES.map(state => [state, 0]))
    for (const shard of this.#runtime.survey(machine => machine.counts)) {
      for (const [state, count] of shard) counts.set(state, (counts.get(state) ?? 0) + count)
    }
    return counts
  }

  /** Decisions whose markers wait for a partition to have a leader. */
  get unknownDestinationCount(): number {
    return this.#markers.unknownDestinationCount
  }

  close(): void {
    this.#runtime.close()
    this.#markers.close()
  }

  // ----------------------------------------------------------------------------------------------------- producers

  /** Without a transactional id, of an idempotent producer, too. */
  async initProducerId(
    request: InitProducerIdRequest,
    apiVersion: number,
  ): Promise<Init<typeof InitProducerIdResponse>> {
    const { errorCode, ...producer } = await this.#initProducerId(request)
    const isOld = apiVersion < FENCED_SINCE_INIT
    return { errorCode: isOld ? withoutFenced(errorCode) : errorCode, ...producer }
  }

  async #initProducerId(request: InitProducerIdRequest): Promise<ProducerAnswer> {
    const { transactionalId, producerId, producerEpoch, enable2Pc } = request
    const { producerIds, config } = this.#options
    if ((producerId === NO_PRODUCER_ID) !== (producerEpoch === NO_PRODUCER_EPOCH))
      return refused(ErrorCode.INVALID_REQUEST)
    if (transactionalId === null) {
      const id = await producerIds.next()
      return { errorCode: ErrorCode.NONE, producerId: id, producerEpoch: 0 }
    }
    if (transactionalId === '') return refused(ErrorCode.INVALID_REQUEST)
    if (enable2Pc && !config.transactionTwoPhaseCommitEnable)
      return refused(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    // KIP-939's other half: Kafka 4.3 does not have it either.
    if (request.keepPreparedTxn) return refused(ErrorCode.UNSUPPORTED_VERSION)
    const timeoutMs = enable2Pc ? NEVER_TIMES_OUT_MS : request.transactionTimeoutMs
    if (!enable2Pc && (timeoutMs <= 0 || timeoutMs > config.transactionMaxTimeoutMs))
      return refused(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    const expected = producerId === NO_PRODUCER_ID ? null : { producerId, producerEpoch }
    try {
      await producerIds.whenReady()
      return await this.#write('initProducerId', { transactionalId, timeoutMs, expected })
    } catch (error) {
      return refused(this.#errorCode('initProducerId', error))
    }
  }

  async endTxn(request: EndTxnRequest, apiVersion: number): Promise<Init<typeof EndTxnResponse>> {
    const { transactionalId, producerId, producerEpoch, committed } = request
    if (transactionalId === '') return refused(ErrorCode.INVALID_REQUEST)
    const transactionVersion = apiVersion >= EPOCH_BUMP_SINCE ? EPOCH_BUMP_VERSION : 0
    const call = { transactionalId, producerId, producerEpoch, isCommit: committed, transactionVersion }
    try {
      const { errorCode, ...producer } = await this.#write('endTransaction', call)
      return { errorCode: apiVersion < FENCED_SINCE ? withoutFenced(errorCode) : errorCode, ...producer }
    } catch (error) {
      return refused(this.#errorCode('endTxn', error))
    }
  }

  /** The error code, of all of them. */
  async addPartitions(call: AddPartitionsCall, apiVersion: number): Promise<number> {
    if (call.transactionalId === '') return ErrorCode.INVALID_REQUEST
    try {
      const { errorCode } = await this.#afterLastEnd(call.transactionalId, () => this.#write('addPartitions', call))
      return apiVersion < FENCED_SINCE ? withoutFenced(errorCode) : errorCode
    } catch (error) {
      return this.#errorCode('addPartitions', error)
    }
  }

  /**
   * The last transaction of an id may have been decided, and its markers not all be written: that takes milliseconds, and
   * whoever is told to come back comes later than that.
   */
  async #afterLastEnd(transactionalId: string, ask: () => Promise<ErrorAnswer>): Promise<ErrorAnswer> {
    const { world, config } = this.#options
    let isLate = false
    let changed = Promise.withResolvers<void>()
    const stop = this.#completions.on(transactionalId, () => changed.resolve())
    const timer = world.clock.setTimer(config.addPartitionsToTxnRetryBackoffMaxMs, () => {
      isLate = true
      changed.resolve()
    })
    try {
      for (;;) {
        const answer = await ask()
        if (answer.errorCode !== ErrorCode.CONCURRENT_TRANSACTIONS || isLate) return answer
        await changed.promise
        changed = Promise.withResolvers<void>()
      }
    } finally {
      timer.cancel()
      stop()
    }
  }

  /** Whether they are in the transaction. */
  async verifyPartitions(call: VerifyCall): Promise<PartitionCode> {
    if (call.transactionalId === '') return () => ErrorCode.INVALID_REQUEST
    try {
      const partition = this.partitionFor(call.transactionalId)
      return await this.#runtime.read(partition, machine => machine.verifyPartitions(call))
    } catch (error) {
      const errorCode = this.#errorCode('verifyPartitions', error)
      return () => errorCode
    }
  }

  // ------------------------------------------------------------------------------------------------ administration

  async describeTransactions(transactionalIds: readonly string[]): Promise<Init<typeof DescribeTransactionsResponse>> {
    return { transactionStates: await Promise.all(transactionalIds.map(id => this.#describe(id))) }
  }

  async #describe(transactionalId: string): Promise<DescribedTransaction> {
    if (transactionalId === '') return notDescribed(transactionalId, ErrorCode.INVALID_REQUEST)
    try {
      const partition = this.partitionFor(transactionalId)
      return await this.#runtime.read(partition, machine => machine.describeTransaction(transactionalId))
    } catch (error) {
      return notDescribed(transactionalId, this.#errorCode('describeTransactions', error))
    }
  }

  /** Those that this node coordinates. */
  async listTransactions(request: ListTransactionsRequest): Promise<Init<typeof ListTransactionsResponse>> {
    const known = new Set(TRANSACTION_STATES.filter(state => request.stateFilters.includes(state)))
    const wallMs = this.#options.world.clock.now()
    try {
      const filter: ListFilter = {
        states: request.stateFilters.length === 0 ? null : known,
        producerIds: request.producerIdFilters.length === 0 ? null : new Set(request.producerIdFilters),
        durationMs: request.durationFilter,
        matchesId: matcherOf(request.transactionalIdPattern),
      }
      const listed = this.#runtime.partitions.map(partition => this.#list(partition, filter, wallMs))
      const unknownStateFilters = request.stateFilters.filter(name => !(known as ReadonlySet<string>).has(name))
      return { errorCode: 0, unknownStateFilters, transactionStates: (await Promise.all(listed)).flat() }
    } catch (error) {
      return { errorCode: this.#errorCode('listTransactions', error) }
    }
  }

  async #list(partition: number, filter: ListFilter, wallMs: number): Promise<ListedTransaction[]> {
    try {
      return await this.#runtime.read(partition, machine => machine.listTransactions(filter, wallMs))
    } catch (error) {
      // Another node will tell of those.
      if (coordinatorErrorCode(error) === ErrorCode.NOT_COORDINATOR) return []
      throw error
    }
  }

  // -------------------------------------------------------------------------------------------------------- common

  async #write<Api extends TransactionApi>(
    api: Api,
    request: RequestOf<Api> & { readonly transactionalId: string },
  ): Promise<ResponseOf<Api>> {
    const call = { api, request } as unknown as TransactionRequest
    return (await this.#runtime.write(this.partitionFor(request.transactionalId), call)) as ResponseOf<Api>
  }

  #errorCode(api: string, error: unknown): number {
    if (!isExpected(error))
      this.#logger.error('request to the transaction coordinator failed', { api, error: error as Error })
    return coordinatorErrorCode(error)
  }
}

/** Who waits for the end of a transaction, by its id. */
class Completions {
  readonly #listeners = new Map<string, Set<() => void>>()

  on(transactionalId: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(transactionalId) ?? new Set()
    this.#listeners.set(transactionalId, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(transactionalId) === listeners)
        this.#listeners.delete(transactionalId)
    }
  }

  emit(transactionalId: string): void {
    for (const listener of [...(this.#listeners.get(transactionalId) ?? [])]) listener()
  }
}

function withoutFenced(errorCode: number): number {
  return errorCode === ErrorCode.PRODUCER_FENCED ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode
}

/** Of RE2's expressions, which take time in proportion to the text, whatever they are. Throws INVALID_REGULAR_EXPRESSION. */
function matcherOf(pattern: string | null): ListFilter['matchesId'] {
  if (!pattern) return null
  const { RE2JS, RE2JSSyntaxException } = re2()
  try {
    const compiled = RE2JS.compile(pattern)
    return transactionalId => compiled.matches(transactionalId)
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error
    throw new ApiError('INVALID_REGULAR_EXPRESSION', `${pattern}: ${error.message}`, { cause: error })
  }
}
