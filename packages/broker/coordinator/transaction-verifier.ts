/**
 * Before the first batch of a transaction is appended to a partition, the leader asks the transaction coordinator
 * whether the partition is in it, or, for clients of transaction version 2, adds it (KIP-890). Without that, a write that
 * was long on its way could open a transaction that nobody will ever end.
 */
import type { Clock } from '@ottla/io'
import type { PartitionLog, VerificationGuard } from '@ottla/log'
import { ErrorCode } from '@ottla/protocol'
import type { BrokerConfig } from '../config/index.ts'
import { errorCodeOf } from '../errors.ts'
import { Summary, type Windows } from '../metrics/index.ts'
import type { TopicPartitions } from './transaction/transaction.ts'
import type { PartitionCode } from './transaction-coordinator.ts'

/** By the version of its request: what a client can be told, and whether partitions are added by being written to. */
export type VerificationSupport = 'legacy' | 'abortable' | 'adds'

export interface TransactionalWriter {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

export interface VerifiedPartition {
  readonly topic: string
  readonly partition: number
  /** -1: none. */
  readonly baseSequence: number
  /** Throws if this node does not lead it. */
  readonly log: () => PartitionLog
}

/** The guard to append with (null: none is needed), or why the batch can't be appended. */
export interface Verdict {
  readonly guard: VerificationGuard | null
  readonly errorCode: number
}

export interface TransactionVerifierOptions {
  readonly clock: Clock
  readonly config: () => BrokerConfig
  readonly metricsWindows: Windows
  /** Asks the coordinator of the id, on whatever node it is: to add them, or whether they are there. */
  readonly ask: (writer: TransactionalWriter, partitions: TopicPartitions, adds: boolean) => Promise<PartitionCode>
}

const MICROSECONDS = 1000
const PASSED: Verdict = { guard: null, errorCode: ErrorCode.NONE }

export class TransactionVerifier {
  readonly #options: TransactionVerifierOptions
  /** Partitions that were refused. */
  failures = 0
  /** From asking the coordinator to its answer. */
  readonly timesMs: Summary

  constructor(options: TransactionVerifierOptions) {
    this.#options = options
    this.timesMs = new Summary(options.metricsWindows, MICROSECONDS)
  }

  /** One verdict for each partition; not a promise where nobody has to be asked. */
  verify(
    writer: TransactionalWriter,
    partitions: readonly VerifiedPartition[],
    support: VerificationSupport,
  ): readonly Verdict[] | Promise<readonly Verdict[]> {
    const adds = support === 'adds'
    if (!adds && !this.#options.config().transactionPartitionVerificationEnable) return partitions.map(() => PASSED)
    const verdicts = partitions.map(partition => this.#begin(writer, partition, adds))
    const unknown = new Map<string, Set<number>>()
    for (const [i, { topic, partition }] of partitions.entries()) {
      if (verdicts[i]!.guard) unknown.set(topic, (unknown.get(topic) ?? new Set()).add(partition))
    }
    return unknown.size === 0 ? verdicts : this.#ask(writer, partitions, support, verdicts, unknown)
  }

  /**
   * As `verify`; where the end of the producer's last transaction is not complete, which is a matter of milliseconds, it
   * waits for that, so that the client need not send everything again.
   */
  verifyPatiently(
    writer: TransactionalWriter,
    partitions: readonly VerifiedPartition[],
    support: VerificationSupport,
  ): readonly Verdict[] | Promise<readonly Verdict[]> {
    const verdicts = this.verify(writer, partitions, support)
    if (support !== 'adds' || !(verdicts instanceof Promise)) return verdicts
    return this.#patiently(verdicts, () => this.verify(writer, partitions, support))
  }

  async #patiently(
    first: Promise<readonly Verdict[]>,
    again: () => readonly Verdict[] | Promise<readonly Verdict[]>,
  ): Promise<readonly Verdict[]> {
    const { clock, config } = this.#options
    const { addPartitionsToTxnRetryBackoffMs, addPartitionsToTxnRetryBackoffMaxMs, requestTimeoutMs } = config()
    const startMs = clock.monotonic()
    let verdicts = await first
    while (clock.monotonic() - startMs < Math.min(addPartitionsToTxnRetryBackoffMaxMs, requestTimeoutMs)) {
      if (!verdicts.some(({ errorCode }) => errorCode === ErrorCode.CONCURRENT_TRANSACTIONS)) break
      await new Promise<void>(resolve => void clock.setTimer(addPartitionsToTxnRetryBackoffMs, resolve))
      verdicts = await again()
    }
    return verdicts
  }

  #begin({ producerId, producerEpoch }: TransactionalWriter, partition: VerifiedPartition, adds: boolean): Verdict {
    try {
      const nowMs = this.#options.clock.now()
      const log = partition.log()
      const guard = log.startVerification(producerId, producerEpoch, partition.baseSequence, adds, nowMs)
      return { guard, errorCode: ErrorCode.NONE }
    } catch (error) {
      return { guard: null, errorCode: errorCodeOf(error) }
    }
  }

  async #ask(
    writer: TransactionalWriter,
    partitions: readonly VerifiedPartition[],
    support: VerificationSupport,
    verdicts: readonly Verdict[],
    unknown: TopicPartitions,
  ): Promise<readonly Verdict[]> {
    const { ask, clock } = this.#options
    const startMs = clock.monotonic()
    const codeOf = await ask(writer, unknown, support === 'adds')
    const nowMs = clock.monotonic()
    this.timesMs.record(nowMs - startMs, nowMs)
    return verdicts.map((verdict, i) => {
      const { topic, partition } = partitions[i]!
      if (!verdict.guard) return verdict
      const errorCode = forWriters(codeOf(topic, partition), support)
      if (errorCode !== ErrorCode.NONE) this.failures++
      return { ...verdict, errorCode }
    })
  }
}

/** What a producer expects to be told at this place. */
function forWriters(errorCode: number, support: VerificationSupport): number {
  if (errorCode === ErrorCode.PRODUCER_FENCED) return ErrorCode.INVALID_PRODUCER_EPOCH
  if (errorCode === ErrorCode.TRANSACTION_ABORTABLE && support === 'legacy') return ErrorCode.INVALID_TXN_STATE
  return errorCode
}
