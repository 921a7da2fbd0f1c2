/**
 * What the coordinator knows of one transactional id, and the steps by which that changes. Nothing here decides whether
 * a step may be made: that is end-transaction.ts and its neighbours. A step makes a new value, which is what the log is
 * told; all but `lastProducerEpoch` comes back from there.
 */

/** By the number that stands in the log. The last two are names that filters may use; nothing is ever in them here. */
export const TRANSACTION_STATES = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const

export type TransactionState = (typeof TRANSACTION_STATES)[number]

/** Partitions by topic, without empty sets. */
export type TopicPartitions = ReadonlyMap<string, ReadonlySet<number>>

export interface Transaction {
  readonly transactionalId: string
  readonly state: TransactionState
  readonly producerId: number
  /** Before the last step. */
  readonly previousProducerId: number
  /** What the producer gets when the decision is complete, because its epochs are used up; -1: it keeps its id. */
  readonly nextProducerId: number
  readonly producerEpoch: number
  /** The one before, if the same producer got the next by asking for it: it may ask again. -1: nobody may. */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  /** That are in the transaction; once it is decided, those whose marker is not written. */
  readonly partitions: TopicPartitions
  /** Wall clock; -1: no transaction has begun. */
  readonly startMs: number
  readonly lastUpdateMs: number
  /** The transaction version (KIP-890) that the client spoke, 0 to 2. */
  readonly clientTransactionVersion: number
}

export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
export const NO_PARTITIONS: TopicPartitions = new Map()
/** Two-phase commit (KIP-939): such a transaction never times out. */
export const NEVER_TIMES_OUT_MS = 0x7fff_ffff
export const MAX_EPOCH = 0x7fff
/** From this version on each transaction has its own epoch. */
const EPOCH_BUMP_SINCE = 2

/** No producer ever gets the largest epoch, so that whoever has the one before can be fenced. */
export function isExhausted(producerEpoch: number): boolean {
  return producerEpoch >= MAX_EPOCH - 1
}

export function bumpsEpochs(transactionVersion: number): boolean {
  return transactionVersion >= EPOCH_BUMP_SINCE
}

/** Markers are being written: until that is done nothing else can be. */
export function isDecided({ state }: Transaction): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}

/** There is no transaction. */
export function isIdle({ state }: Transaction): boolean {
  return state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort'
}

/** As nobody has got it yet: its first epoch is given by `withNextEpoch`. */
export function newTransaction(transactionalId: string, producerId: number): Transaction {
  return {
    transactionalId,
    state: 'Empty',
    producerId,
    previousProducerId: NO_PRODUCER_ID,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch: NO_PRODUCER_EPOCH,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs: 0,
    partitions: NO_PARTITIONS,
    startMs: -1,
    lastUpdateMs: -1,
    clientTransactionVersion: 0,
  }
}

/** A producer begins, or goes on after an error; `expectedEpoch` is what it believes to have. null: it is fenced. */
export function withNextEpoch(
  transaction: Transaction,
  expectedEpoch: number | null,
  timeoutMs: number,
  nowMs: number,
): Transaction | null {
  const { producerEpoch, lastProducerEpoch } = transaction
  const ready = emptied(transaction, timeoutMs, nowMs)
  if (expectedEpoch === null)
    return { ...ready, producerEpoch: producerEpoch + 1, lastProducerEpoch: NO_PRODUCER_EPOCH }
  if (producerEpoch === NO_PRODUCER_EPOCH || expectedEpoch === producerEpoch)
    return { ...ready, producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch }
  // The answer to its last request was lost: it gets the same again.
  return expectedEpoch === lastProducerEpoch ? ready : null
}

/** The epochs of the old one are used up. */
export function withNewProducerId(
  transaction: Transaction,
  producerId: number,
  knowsEpoch: boolean,
  timeoutMs: number,
  nowMs: number,
): Transaction {
  const lastProducerEpoch = knowsEpoch ? transaction.producerEpoch : NO_PRODUCER_EPOCH
  return { ...emptied(transaction, timeoutMs, nowMs), producerId, producerEpoch: 0, lastProducerEpoch }
}

function emptied(transaction: Transaction, timeoutMs: number, nowMs: number): Transaction {
  return {
    ...transaction,
    state: 'Empty',
    previousProducerId: transaction.producerId,
    timeoutMs,
    partitions: NO_PARTITIONS,
    startMs: -1,
    lastUpdateMs: nowMs,
  }
}

/** The first partitions begin a transaction. */
export function withPartitions(
  transaction: Transaction,
  added: TopicPartitions,
  clientTransactionVersion: number,
  nowMs: number,
): Transaction {
  return {
    ...transaction,
    state: 'Ongoing',
    previousProducerId: transaction.producerId,
    partitions: union(transaction.partitions, added),
    startMs: isIdle(transaction) ? nowMs : transaction.startMs,
    lastUpdateMs: nowMs,
    clientTransactionVersion,
  }
}

/** Nobody is told of the new epoch: it makes whoever has the one before a zombie. */
export function fenced(transaction: Transaction): Transaction {
  const { producerEpoch } = transaction
  return {
    ...transaction,
    producerEpoch: Math.min(producerEpoch + 1, MAX_EPOCH),
    lastProducerEpoch: NO_PRODUCER_EPOCH,
  }
}

/** Committed or aborted, once this is in the log: markers with the epoch that it has from here on say so. */
export function decided(
  transaction: Transaction,
  isCommit: boolean,
  clientTransactionVersion: number,
  nextProducerId: number,
  nowMs: number,
): Transaction {
  const { producerEpoch, lastProducerEpoch, startMs, producerId } = transaction
  const bumps = bumpsEpochs(clientTransactionVersion)
  // The largest epoch should have been given to nobody; whoever has it can be aborted nevertheless, and gets another id.
  const isStuck = producerEpoch === MAX_EPOCH && !isCommit
  return {
    ...transaction,
    state: isCommit ? 'PrepareCommit' : 'PrepareAbort',
    previousProducerId: producerId,
    nextProducerId,
    producerEpoch: bumps && !isStuck ? producerEpoch + 1 : producerEpoch,
    lastProducerEpoch: bumps ? producerEpoch : lastProducerEpoch,
    // An abort of nothing has no begin.
    startMs: isIdle(transaction) ? nowMs : startMs,
    lastUpdateMs: nowMs,
    clientTransactionVersion,
  }
}

/** All markers are written. */
export function completed(transaction: Transaction, nowMs: number): Transaction {
  const { producerId, nextProducerId, clientTransactionVersion, state } = transaction
  const moves = bumpsEpochs(clientTransactionVersion) && nextProducerId !== NO_PRODUCER_ID
  return {
    ...transaction,
    state: state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    previousProducerId: producerId,
    nextProducerId: NO_PRODUCER_ID,
    producerId: moves ? nextProducerId : producerId,
    producerEpoch: moves ? 0 : transaction.producerEpoch,
    partitions: NO_PARTITIONS,
    lastUpdateMs: nowMs,
  }
}

// -------------------------------------------------------------------------------------------------------- partitions

export function topicPartitions(
  topics: Iterable<{ readonly name: string; readonly partitions: Iterable<number> }>,
): TopicPartitions {
  const result = new Map<string, Set<number>>()
  for (const { name, partitions } of topics) {
    for (const partition of partitions) {
      const known = result.get(name)
      if (known) known.add(partition)
      else result.set(name, new Set([partition]))
    }
  }
  return result
}

export function hasPartition(partitions: TopicPartitions, topic: string, partition: number): boolean {
  return partitions.get(topic)?.has(partition) ?? false
}

export function hasAll(partitions: TopicPartitions, wanted: TopicPartitions): boolean {
  for (const [topic, numbers] of wanted) {
    for (const number of numbers) if (!hasPartition(partitions, topic, number)) return false
  }
  return true
}

function union(partitions: TopicPartitions, added: TopicPartitions): TopicPartitions {
  const result = new Map(partitions)
  for (const [topic, numbers] of added) result.set(topic, new Set([...(result.get(topic) ?? []), ...numbers]))
  return result
}

export function without(partitions: TopicPartitions, removed: TopicPartitions): TopicPartitions {
  const result = new Map(partitions)
  for (const [topic, numbers] of removed) {
    const left = new Set([...(result.get(topic) ?? [])].filter(number => !numbers.has(number)))
    if (left.size > 0) result.set(topic, left)
    else result.delete(topic)
  }
  return result
}
