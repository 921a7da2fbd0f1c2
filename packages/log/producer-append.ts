/**
 * The rules by which one append changes what the log knows of one producer. Nothing is changed in the log's state
 * until the whole append is found good: this works on a copy, which `ProducerState.update` takes over.
 */
import { LogError } from './errors.ts'
import { NO_EPOCH, NO_OFFSET, ProducerEntry } from './producer-entry.ts'
import type { AppendOrigin } from './types.ts'
import type { VerificationEntry } from './verification.ts'

/** What the rules need to know of a batch. */
export interface ProducerBatch {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly isTransactional: boolean
}

/** A control record that ends a transaction. */
export interface TransactionMarker {
  readonly isCommit: boolean
  readonly coordinatorEpoch: number
  readonly timestamp: number
}

export interface CompletedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Of the marker. */
  readonly lastOffset: number
  readonly isAborted: boolean
}

const MAX_EPOCH = 0x7fff
const MAX_SEQUENCE = 0x7fffffff

export class ProducerAppend {
  readonly updated: ProducerEntry
  /** First offsets of the transactions that began in this append. */
  readonly startedTransactions: number[] = []
  readonly #current: ProducerEntry
  readonly #origin: AppendOrigin
  readonly #verification: VerificationEntry | null

  /** `current`: an empty entry if the producer is not known. */
  constructor(current: ProducerEntry, origin: AppendOrigin, verification: VerificationEntry | null) {
    this.#current = current
    this.#origin = origin
    this.#verification = verification
    this.updated = new ProducerEntry(current.producerId)
    this.updated.producerEpoch = current.producerEpoch
    this.updated.coordinatorEpoch = current.coordinatorEpoch
    this.updated.lastTimestamp = current.lastTimestamp
    this.updated.currentTxnFirstOffset = current.currentTxnFirstOffset
  }

  appendData(batch: ProducerBatch): void {
    const { producerId, producerEpoch, baseOffset, lastOffset } = batch
    this.#checkEpoch(producerEpoch, baseOffset, 0)
    if (this.#origin === 'client') this.#checkSequence(batch)
    const updated = this.updated
    const isOpen = updated.currentTxnFirstOffset !== NO_OFFSET
    if (isOpen && !batch.isTransactional && this.#origin !== 'replication') {
      throw new LogError('INVALID_TXN_STATE', `producer ${producerId} writes outside of its open transaction`)
    }
    updated.addBatch(producerEpoch, {
      lastSequence: batch.lastSequence,
      lastOffset,
      offsetDelta: lastOffset - baseOffset,
      timestamp: batch.maxTimestamp,
    })
    if (batch.isTransactional && !isOpen) {
      updated.currentTxnFirstOffset = baseOffset
      this.startedTransactions.push(baseOffset)
    }
  }

  /** null if there was no transaction to end: a marker without one leaves no trace in the transaction index. */
  appendMarker(
    marker: TransactionMarker,
    batch: ProducerBatch,
    transactionVersion: number,
  ): CompletedTransaction | null {
    const { producerId, producerEpoch, baseOffset } = batch
    this.#checkEpoch(producerEpoch, baseOffset, transactionVersion)
    const updated = this.updated
    if (updated.coordinatorEpoch > marker.coordinatorEpoch && this.#origin !== 'replication') {
      throw new LogError(
        'TRANSACTION_COORDINATOR_FENCED',
        `marker for producer ${producerId} is of coordinator epoch ${marker.coordinatorEpoch}, ${updated.coordinatorEpoch} was seen`,
      )
    }
    const firstOffset = updated.currentTxnFirstOffset
    updated.setEpoch(producerEpoch)
    updated.coordinatorEpoch = marker.coordinatorEpoch
    updated.currentTxnFirstOffset = NO_OFFSET
    updated.lastTimestamp = marker.timestamp
    if (firstOffset === NO_OFFSET) return null
    return { producerId, firstOffset, lastOffset: baseOffset, isAborted: !marker.isCommit }
  }

  /** What a leader has accepted, a follower does not question. */
  #checkEpoch(epoch: number, offset: number, transactionVersion: number): void {
    if (this.#origin === 'replication') return
    const { producerId, producerEpoch: current, currentTxnFirstOffset } = this.updated
    // From transaction version 2 on each transaction has its own epoch, and its marker the next.
    const bumps = transactionVersion >= 2
    if (bumps ? epoch > current : epoch >= current) return
    // The same marker once more, after its transaction was ended: the coordinator did not hear of it (KAFKA-19999).
    if (bumps && epoch === current && (currentTxnFirstOffset === NO_OFFSET || epoch === MAX_EPOCH)) return
    throw new LogError(
      'INVALID_PRODUCER_EPOCH',
      `producer ${producerId} has epoch ${epoch} at offset ${offset}, ${current} was seen`,
    )
  }

  #checkSequence({ producerId, producerEpoch, baseSequence, baseOffset }: ProducerBatch): void {
    const fail = (expected: string): never => {
      throw new LogError(
        'OUT_OF_ORDER_SEQUENCE_NUMBER',
        `producer ${producerId} has sequence ${baseSequence} at offset ${baseOffset}, expected ${expected}`,
      )
    }
    const verification = this.#verification
    if (verification?.supportsEpochBump && baseSequence !== 0 && this.#current.isEmpty) {
      fail('0 from a producer that bumps its epoch, as nothing is known of it')
    }
    if (verification && baseSequence > verification.lowestSequence) fail(`${verification.lowestSequence} to come first`)
    const updated = this.updated
    if (producerEpoch !== updated.producerEpoch) {
      if (baseSequence !== 0 && updated.producerEpoch !== NO_EPOCH) fail(`0 in the new epoch ${producerEpoch}`)
      return
    }
    // Nothing known of the producer (its records may have been deleted): any sequence number is taken.
    if (this.#current.producerEpoch === NO_EPOCH) return
    let last = updated.lastSequence
    if (updated.isEmpty) last = producerEpoch === this.#current.producerEpoch ? this.#current.lastSequence : -1
    const isNext = baseSequence === last + 1 || (baseSequence === 0 && last === MAX_SEQUENCE)
    if (!isNext) fail(`the one after ${last}`)
  }
}
