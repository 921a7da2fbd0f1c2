/**
 * Producers of transactions, two of them to a transactional id now and then, which fence one another: they write to several
 * partitions, commit offsets for a group, and commit or abort. What is not answered they try again, or give up and begin
 * anew, as a process that was restarted does.
 */
import type { ErrorName } from '@ottla/protocol'
import type { ActorOptions } from './actor.ts'
import { apis } from './apis.ts'
import type { TopicModel } from './ledger.ts'
import { NoAnswer } from './link.ts'
import { Producer } from './producer.ts'
import { pick } from './setup.ts'
import { demand } from './simulation.ts'
import type { Decision, TransactionModel } from './transaction-model.ts'

const MAX_WRITES = 4
const COMMITTED_AT_LAST = 2
/** Where transactions are of version 2: the node adds partitions by itself, and every transaction has an epoch. */
const SECOND_VERSION = { produce: 12, endTxn: 5, txnOffsetCommit: 5 } as const
const FIRST_VERSION = { produce: 11, addPartitions: 3, endTxn: 4, txnOffsetCommit: 4 } as const
const TOPICS: ReadonlySet<string> = new Set(['kept', 'agreed'])

/** Somebody else has the id now, or the transaction has taken too long. */
const FENCED: readonly ErrorName[] = [
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_TXN_STATE',
  'TRANSACTION_ABORTABLE',
]
/** The last one is what older clients are told instead. */
const BUSY: readonly ErrorName[] = [
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR',
  'NOT_ENOUGH_REPLICAS',
]

export class Transactor extends Producer {
  protected override readonly transactionalId: string
  readonly #isSecondVersion: boolean
  readonly #sequences = new Map<string, number>()
  #identity: { readonly producerId: number; readonly producerEpoch: number } | null = null
  #committed = 0

  constructor(options: ActorOptions, transactionalId: string) {
    super(options)
    this.transactionalId = transactionalId
    this.#isSecondVersion = this.version > FIRST_VERSION.produce
  }

  protected override async step(): Promise<void> {
    let isDone = false
    try {
      isDone = await this.#transact(this.random.chance(0.7) ? 'commit' : 'abort')
    } finally {
      if (!isDone) this.#identity = null
    }
  }

  /** Each leaves nothing undecided. */
  protected override async finish(): Promise<void> {
    const before = this.#committed
    while (this.#committed < before + COMMITTED_AT_LAST) {
      await this.insist(async () => {
        if (!(await this.#transact('commit'))) this.#identity = null
      })
      await this.sim.pause(this.random.between(5, 300))
    }
  }

  /** False: it has to begin anew, and does not know how this one ends. */
  async #transact(decision: Decision): Promise<boolean> {
    await this.#identify()
    const transaction = this.ledger.addTransaction(this.transactionalId, this.name)
    const added = new Set<string>()
    for (let i = 0; i <= this.random.integer(MAX_WRITES); i++) {
      if (!(await this.#write(transaction, added))) return false
    }
    if (this.random.chance(0.5) && !(await this.#commitOffset(transaction))) return false
    return this.#end(transaction, decision)
  }

  async #identify(): Promise<void> {
    while (!this.#identity) {
      const transactionTimeoutMs = pick(this.random, [300, 3000, 60_000])
      const request = { transactionalId: this.transactionalId, transactionTimeoutMs }
      const answer = await this.insist(() => this.links.ask(apis.initProducerId, request, 4))
      if (answer.errorCode === 0) {
        this.#become(answer.producerId, answer.producerEpoch)
        this.say(`is ${this.transactionalId}, ${answer.producerId}:${answer.producerEpoch}`)
      } else {
        this.expectError(answer.errorCode, 'InitProducerId', ...BUSY)
        await this.sim.pause(this.random.between(5, 50))
      }
    }
  }

  #become(producerId: number, producerEpoch: number): void {
    this.#identity = { producerId, producerEpoch }
    this.#sequences.clear()
  }

  /** Until the answer is one that decides. False: it is fenced, or has given up. */
  async #retry(what: string, ask: () => Promise<number | null>): Promise<boolean> {
    for (;;) {
      const errorCode = await ask()
      if (errorCode === 0) return true
      if (errorCode === null) {
        if (this.random.chance(0.2)) return false
      } else if (FENCED.includes(this.expectError(errorCode, what, ...FENCED, ...BUSY))) return false
      await this.sim.pause(this.random.between(5, 60))
    }
  }

  async #write(transaction: TransactionModel, added: Set<string>): Promise<boolean> {
    const { topic, partition } = this.#choose()
    const model = topic.partitions[partition]!
    if (!this.#isSecondVersion && !added.has(model.name)) {
      if (!(await this.#retry('AddPartitionsToTxn', () => this.#add(topic, partition)))) return false
      added.add(model.name)
    }
    const { producerId, producerEpoch } = this.#identity!
    const sequence = this.#sequences.get(model.name) ?? 0
    const source = `${this.name} as ${producerId}:${producerEpoch}`
    const batch = this.makeBatch(topic, partition, source, { producerId, producerEpoch, sequence }, transaction)
    this.#sequences.set(model.name, sequence + batch.records.length)
    return this.#retry(`batch ${batch.id} to ${model.name}`, async () => {
      const link = await this.links.get()
      const asked = model.snapshot
      this.maybeImpatient()
      const answer = await this.send(link, topic, partition, batch, -1)
      if (answer?.errorCode === 0) {
        this.ledger.acknowledged++
        model.onAcknowledged(batch, answer.baseOffset, asked)
      }
      return answer?.errorCode ?? null
    })
  }

  #choose(): { topic: TopicModel; partition: number } {
    const topic = pick(
      this.random,
      [...this.ledger.topics.values()].filter(({ name }) => TOPICS.has(name)),
    )
    return { topic, partition: this.random.integer(topic.partitions.length) }
  }

  #add(topic: TopicModel, partition: number): Promise<number | null> {
    return orNull(async () => {
      const { producerId, producerEpoch } = this.#identity!
      const request = {
        v3AndBelowTransactionalId: this.transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name: topic.name, partitions: [partition] }],
      }
      const answer = await this.links.ask(apis.addPartitionsToTxn, request, FIRST_VERSION.addPartitions)
      return answer.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode
    })
  }

  /** One that nobody has committed before. */
  async #commitOffset(transaction: TransactionModel): Promise<boolean> {
    const group = { transactionalId: this.transactionalId, groupId: groupOf(this.transactionalId), ...this.#identity! }
    if (!this.#isSecondVersion) {
      const add = async () => (await this.links.ask(apis.addOffsetsToTxn, group)).errorCode
      if (!(await this.#retry('AddOffsetsToTxn', () => orNull(add)))) return false
    }
    transaction.offset = this.ledger.nextId()
    const partitions = [{ partitionIndex: 0, committedOffset: transaction.offset }]
    const version = this.#isSecondVersion ? SECOND_VERSION.txnOffsetCommit : FIRST_VERSION.txnOffsetCommit
    return this.#retry('TxnOffsetCommit', () =>
      orNull(async () => {
        const request = { ...group, topics: [{ name: 'kept', partitions }] }
        const answer = await this.links.ask(apis.txnOffsetCommit, request, version)
        return answer.topics[0]!.partitions[0]!.errorCode
      }),
    )
  }

  async #end(transaction: TransactionModel, decision: Decision): Promise<boolean> {
    const { transactionalId } = this
    const version = this.#isSecondVersion ? SECOND_VERSION.endTxn : FIRST_VERSION.endTxn
    transaction.onAsked(decision)
    const isEnded = await this.#retry(`the ${decision} of ${transaction.name}`, () =>
      orNull(async () => {
        const request = { transactionalId, ...this.#identity!, committed: decision === 'commit' }
        this.maybeImpatient()
        const { errorCode, producerId, producerEpoch } = await this.links.ask(apis.endTxn, request, version)
        if (errorCode === 0 && this.#isSecondVersion) this.#next(producerId, producerEpoch)
        return errorCode
      }),
    )
    if (!isEnded) return false
    transaction.onTold(decision)
    if (decision === 'commit') this.#committed++
    return true
  }

  /** What version 2 has for the transaction that comes. */
  #next(producerId: number, producerEpoch: number): void {
    const before = this.#identity!
    const isLater = producerId !== before.producerId || producerEpoch > before.producerEpoch
    demand(isLater, () => `${this.name}: ${producerId}:${producerEpoch} after ${before.producerEpoch}`)
    this.#become(producerId, producerEpoch)
  }
}

export function groupOf(transactionalId: string): string {
  return `of-${transactionalId}`
}

async function orNull(ask: () => Promise<number>): Promise<number | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof NoAnswer) return null
    throw error
  }
}
