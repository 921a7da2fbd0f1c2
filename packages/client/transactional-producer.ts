/**
 * A producer whose records count all or not at all: begin, send, commit or abort. It fences whoever had its transactional id
 * before. With transaction.version 2 (KIP-890) partitions join a transaction by being written to and each transaction has an
 * epoch of its own; before that partitions are added first. Offsets of groups as a part of a transaction are the full
 * client's.
 */
import { AddPartitionsToTxnRequest, AddPartitionsToTxnResponse } from '@ottla/protocol/messages/add-partitions-to-txn'
import { EndTxnRequest, EndTxnResponse } from '@ottla/protocol/messages/end-txn'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { ProduceRequest } from '@ottla/protocol/messages/produce'
import { partitionName } from './ask.ts'
import type { Cluster } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'
import { check } from './errors.ts'
import type { ProducerIdentity, RecordMetadata } from './partition-queue.ts'
import { Producer, type ProducerOptions, type ProducerRecord } from './producer.ts'
import { isRetriable, retry } from './retry.ts'

export interface TransactionalProducerOptions extends Omit<ProducerOptions, 'transaction' | 'acks'> {
  readonly transactionalId: string
  /** After which the coordinator aborts what is still open. */
  readonly transactionTimeoutMs?: number
}

const initApi = { request: InitProducerIdRequest, response: InitProducerIdResponse }
const addApi = { request: AddPartitionsToTxnRequest, response: AddPartitionsToTxnResponse }
const endApi = { request: EndTxnRequest, response: EndTxnResponse }
const LAST_OF_CLIENTS = 3
const JOINS_BY_WRITING = { transactionVersion: 2, produce: 12, endTxn: 5 }
const BEFORE_OWN_EPOCHS = 4

export class TransactionalProducer {
  readonly #cluster: Cluster
  readonly #transactionalId: string
  readonly #timeoutMs: number
  readonly #producer: Producer
  /** In this transaction, or on its way into it. */
  readonly #joined = new Map<string, Promise<void> | null>()
  #identity: ProducerIdentity | null = null
  #joinsByWriting = false
  #isOpen = false
  #failure: Error | null = null

  constructor(cluster: Cluster, options: TransactionalProducerOptions) {
    const { transactionalId, transactionTimeoutMs = 60_000, ...others } = options
    this.#cluster = cluster
    this.#transactionalId = transactionalId
    this.#timeoutMs = transactionTimeoutMs
    const self = this
    this.#producer = new Producer(cluster, {
      ...others,
      transaction: {
        transactionalId,
        get identity() {
          return self.#identity
        },
        get joinsByWriting() {
          return self.#joinsByWriting
        },
        join: (topic, partition) => self.#join(topic, partition),
      },
    })
  }

  /** Before anything else: fences others of this id, and ends what they have left. */
  async init(): Promise<void> {
    await this.#ask('producer id', async connection => {
      this.#joinsByWriting =
        connection.levelOf('transaction.version') >= JOINS_BY_WRITING.transactionVersion &&
        connection.versionOf(ProduceRequest) >= JOINS_BY_WRITING.produce &&
        connection.versionOf(EndTxnRequest) >= JOINS_BY_WRITING.endTxn
      const transactionalId = this.#transactionalId
      const response = await connection.send(initApi, { transactionalId, transactionTimeoutMs: this.#timeoutMs })
      this.#identity = { id: response.producerId, epoch: response.producerEpoch }
      return response.errorCode
    })
  }

  begin(): void {
    if (this.#identity === null) throw new Error('init() comes first')
    if (this.#isOpen) throw new Error('a transaction is open already')
    this.#isOpen = true
    this.#failure = null
  }

  /** As Producer.send. A failure fails the commit, too. */
  async send(record: ProducerRecord): Promise<RecordMetadata> {
    if (!this.#isOpen) throw new Error('there is no transaction')
    try {
      return await this.#producer.send(record)
    } catch (error) {
      this.#failure ??= error as Error
      throw error
    }
  }

  async commit(): Promise<void> {
    await this.#producer.flush()
    if (this.#failure) throw this.#failure
    await this.#end(true)
  }

  async abort(): Promise<void> {
    await this.#producer.flush()
    await this.#end(false)
  }

  async #end(committed: boolean): Promise<void> {
    const { id: producerId, epoch: producerEpoch } = this.#identity!
    // Of a transaction that nothing is in the coordinator knows nothing.
    if (this.#joined.size > 0) {
      const transactionalId = this.#transactionalId
      const options = this.#joinsByWriting ? {} : { maxVersion: BEFORE_OWN_EPOCHS }
      await this.#ask('end of the transaction', async connection => {
        const request = { transactionalId, producerId, producerEpoch, committed }
        const response = await connection.send(endApi, request, options)
        if (response.errorCode === 0 && response.producerId >= 0)
          this.#identity = { id: response.producerId, epoch: response.producerEpoch }
        return response.errorCode
      })
    }
    this.#joined.clear()
    this.#isOpen = false
  }

  #join(topic: string, partition: number): Promise<void> | null {
    const name = partitionName({ topic, partition })
    const known = this.#joined.get(name)
    if (known !== undefined) return known
    if (this.#joinsByWriting) {
      this.#joined.set(name, null)
      return null
    }
    const joining = this.#add(topic, partition).then(() => {
      this.#joined.set(name, null)
    })
    this.#joined.set(name, joining)
    return joining
  }

  #add(topic: string, partition: number): Promise<void> {
    const { id, epoch } = this.#identity!
    const request = {
      v3AndBelowTransactionalId: this.#transactionalId,
      v3AndBelowProducerId: id,
      v3AndBelowProducerEpoch: epoch,
      v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
    }
    return this.#ask(`add ${topic}-${partition}`, async connection => {
      const response = await connection.send(addApi, request, { maxVersion: LAST_OF_CLIENTS })
      return response.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode
    })
  }

  /** Of the coordinator, again while it is moving or still busy with the transaction before. */
  #ask(what: string, request: (connection: BrokerConnection) => Promise<number>): Promise<void> {
    const id = this.#transactionalId
    return retry(this.#cluster.world.clock, async () => {
      const connection = await this.#cluster.coordinator('transaction', id)
      try {
        check(await request(connection), `${what} of transactional id '${id}'`)
      } catch (error) {
        if (isRetriable(error)) this.#cluster.forgetCoordinator(id, 'transaction')
        throw error
      }
    }, ['CONCURRENT_TRANSACTIONS', 'UNKNOWN_TOPIC_OR_PARTITION'])
  }
}
