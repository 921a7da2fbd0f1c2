/** What can be asked of a transaction machine, and what it answers. Reads are plain methods of the machine. */
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID, type TopicPartitions } from './transaction.ts'

export interface ProducerIdAndEpoch {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface InitProducerIdCall {
  readonly transactionalId: string
  readonly timeoutMs: number
  /** What the producer believes to have; null: it is new. */
  readonly expected: ProducerIdAndEpoch | null
}

export interface AddPartitionsCall extends ProducerIdAndEpoch {
  readonly transactionalId: string
  readonly partitions: TopicPartitions
  /** That the client speaks. */
  readonly transactionVersion: number
}

export interface EndTransactionCall extends ProducerIdAndEpoch {
  readonly transactionalId: string
  readonly isCommit: boolean
  readonly transactionVersion: number
}

/** By whoever writes markers: these partitions have theirs, or never will. */
export interface MarkersWrittenCall extends ProducerIdAndEpoch {
  readonly transactionalId: string
  readonly partitions: TopicPartitions
}

export interface ErrorAnswer {
  readonly errorCode: number
}

/** With -1 for both where there is an error. */
export interface ProducerAnswer extends ProducerIdAndEpoch {
  readonly errorCode: number
}

export function refused(errorCode: number): ProducerAnswer {
  return { errorCode, producerId: NO_PRODUCER_ID, producerEpoch: NO_PRODUCER_EPOCH }
}

interface Apis {
  initProducerId: [InitProducerIdCall, ProducerAnswer]
  addPartitions: [AddPartitionsCall, ErrorAnswer]
  endTransaction: [EndTransactionCall, ProducerAnswer]
  markersWritten: [MarkersWrittenCall, ErrorAnswer]
}

export type TransactionApi = keyof Apis
export type RequestOf<Api extends TransactionApi> = Apis[Api][0]
export type ResponseOf<Api extends TransactionApi> = Apis[Api][1]

export type TransactionRequest = {
  [Api in TransactionApi]: { readonly api: Api; readonly request: RequestOf<Api> }
}[TransactionApi]
export type TransactionResponse = ResponseOf<TransactionApi>

/** What is to be done once the decision is committed: write its markers to these partitions, and say that they are. */
export interface MarkerErrand extends ProducerIdAndEpoch {
  readonly transactionalId: string
  readonly isCommit: boolean
  readonly transactionVersion: number
  readonly partitions: TopicPartitions
}
