/**
 * Transactions a second of one producer, beside Apache Kafka where it is at hand: 1,000 transactions of 100 records, 100
 * bytes each, over three partitions, one after the other as a producer's are. In version 2 of transactions, where the broker
 * adds partitions by itself, and in version 0, where the producer asks for that first.
 *
 * What is measured is the brokers' share: what a producer waits for. A pause is as long as the Java client's.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeBatch } from '@ottla/protocol'
import { AddPartitionsToTxnRequest, AddPartitionsToTxnResponse } from '@ottla/protocol/messages/add-partitions-to-txn'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { EndTxnRequest, EndTxnResponse } from '@ottla/protocol/messages/end-txn'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import type { BrokerProcess } from './peers/broker-process.ts'
import { compare } from './peers/rounds.ts'
import { until, WireClient } from './peers/wire-client.ts'

const FIRST_PORT = 26_292
const TRANSACTIONS = 1000
const PARTITIONS = 3
const RECORDS = 100
const RECORD_BYTES = 100
const CONCURRENT_TRANSACTIONS = 51
/** What the Java client waits before it asks again to add a transaction's first partition. */
const ADD_PAUSE_MS = 20
const PAUSE_MS = 100
const TOPIC = 'transactions'
const COORDINATOR_OF_TRANSACTIONS = 1
const CONFIGS = [
  'offsets.topic.replication.factor=1',
  'transaction.state.log.replication.factor=1',
  'transaction.state.log.min.isr=1',
]

const ADD = { request: AddPartitionsToTxnRequest, response: AddPartitionsToTxnResponse }
const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const END = { request: EndTxnRequest, response: EndTxnResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const INIT = { request: InitProducerIdRequest, response: InitProducerIdResponse }
const PRODUCE = { request: ProduceRequest, response: ProduceResponse }

const PARTITION_INDEXES = Array.from({ length: PARTITIONS }, (_, index) => index)
const VALUE = Buffer.alloc(RECORD_BYTES, 'x')

/** How the versions of transactions differ for a producer. */
interface Flavour {
  readonly addsPartitions: boolean
  readonly initVersion: number
  readonly produceVersion: number
  readonly endVersion: number
}

const FLAVOURS: Readonly<Record<string, Flavour>> = {
  'version 2': { addsPartitions: false, initVersion: 5, produceVersion: 12, endVersion: 5 },
  'version 0': { addsPartitions: true, initVersion: 4, produceVersion: 11, endVersion: 3 },
}

class TransactionalProducer {
  readonly #client: WireClient
  readonly #flavour: Flavour
  readonly #transactionalId: string
  #producerId = -1
  #producerEpoch = -1
  #sequences: number[] = PARTITION_INDEXES.map(() => 0)

  constructor(client: WireClient, flavour: Flavour, transactionalId: string) {
    this.#client = client
    this.#flavour = flavour
    this.#transactionalId = transactionalId
  }

  async init(): Promise<void> {
    await until('a producer id', async () => {
      const request = { transactionalId: this.#transactionalId, transactionTimeoutMs: 60_000 }
      const response = await this.#client.ask(INIT, this.#flavour.initVersion, request)
      this.#take(response.producerId, response.producerEpoch)
      return response.errorCode === 0
    })
  }

  async transact(): Promise<void> {
    if (this.#flavour.addsPartitions) await this.#retry(ADD_PAUSE_MS, () => this.#add())
    await this.#retry(PAUSE_MS, () => this.#produce())
    await this.#retry(PAUSE_MS, () => this.#end())
  }

  async #retry(pauseMs: number, ask: () => Promise<number>): Promise<void> {
    for (;;) {
      const errorCode = await ask()
      if (errorCode === 0) return
      if (errorCode !== CONCURRENT_TRANSACTIONS) throw new Error(`refused: error ${errorCode}`)
      await sleep(pauseMs)
    }
  }

  async #add(): Promise<number> {
    const { resultsByTopicV3AndBelow } = await this.#client.ask(ADD, 3, {
      v3AndBelowTransactionalId: this.#transactionalId,
      v3AndBelowProducerId: this.#producerId,
      v3AndBelowProducerEpoch: this.#producerEpoch,
      v3AndBelowTopics: [{ name: TOPIC, partitions: PARTITION_INDEXES }],
    })
    return firstError(
      resultsByTopicV3AndBelow.flatMap(topic => topic.resultsByPartition.map(result => result.partitionErrorCode)),
    )
  }

  async #produce(): Promise<number> {
    const partitionData = PARTITION_INDEXES.map(index => ({ index, records: this.#batch(index) }))
    const { responses } = await this.#client.ask(PRODUCE, this.#flavour.produceVersion, {
      transactionalId: this.#transactionalId,
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: TOPIC, partitionData }],
    })
    const errors = responses.flatMap(topic => topic.partitionResponses.map(({ errorCode }) => errorCode))
    const error = firstError(errors)
    if (error === 0) for (const index of PARTITION_INDEXES) this.#sequences[index]! += recordsOf(index)
    return error
  }

  #batch(index: number): Uint8Array {
    return encodeBatch(
      Array.from({ length: recordsOf(index) }, () => ({ value: VALUE })),
      {
        producerId: this.#producerId,
        producerEpoch: this.#producerEpoch,
        baseSequence: this.#sequences[index]!,
        isTransactional: true,
      },
    )
  }

  async #end(): Promise<number> {
    const response = await this.#client.ask(END, this.#flavour.endVersion, {
      transactionalId: this.#transactionalId,
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
      committed: true,
    })
    if (response.errorCode === 0 && this.#flavour.endVersion >= 5)
      this.#take(response.producerId, response.producerEpoch)
    return response.errorCode
  }

  #take(producerId: number, producerEpoch: number): void {
    this.#producerId = producerId
    this.#producerEpoch = producerEpoch
    this.#sequences = PARTITION_INDEXES.map(() => 0)
  }
}

function firstError(codes: readonly number[]): number {
  return codes.find(code => code !== 0) ?? 0
}

function recordsOf(index: number): number {
  return Math.floor(RECORDS / PARTITIONS) + (index < RECORDS % PARTITIONS ? 1 : 0)
}

async function prepare(client: WireClient, transactionalId: string): Promise<void> {
  const topics = [{ name: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1 }]
  await client.ask(CREATE, 7, { topics, timeoutMs: 60_000 })
  await until('a transaction coordinator', async () => {
    const request = { keyType: COORDINATOR_OF_TRANSACTIONS, coordinatorKeys: [transactionalId] }
    return (await client.ask(FIND, 4, request)).coordinators[0]!.errorCode === 0
  })
}

/** Transactions a second. */
async function measure({ port }: BrokerProcess, name: string, flavour: Flavour): Promise<number> {
  const client = await WireClient.connect(port)
  await prepare(client, name)
  const producer = new TransactionalProducer(client, flavour, name)
  await producer.init()
  const startMs = performance.now()
  for (let i = 0; i < TRANSACTIONS; i++) await producer.transact()
  const seconds = (performance.now() - startMs) / 1000
  client.close()
  return TRANSACTIONS / seconds
}

for (const [name, flavour] of Object.entries(FLAVOURS)) {
  console.log(`transactions of ${name}`)
  await compare({
    unit: 'transactions/s',
    firstPort: FIRST_PORT,
    configs: CONFIGS,
    async measure(broker) {
      await measure(broker, 'warm-up', flavour)
      return measure(broker, 'measured', flavour)
    },
  })
}
