/** What is done before it is looked what of it was counted: under quotas, in a transaction, in a share group. */
import assert from 'node:assert/strict'
import { encodeBatch, errorName } from '@ottla/protocol'
import { AlterClientQuotasRequest, AlterClientQuotasResponse } from '@ottla/protocol/messages/alter-client-quotas'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { EndTxnRequest, EndTxnResponse } from '@ottla/protocol/messages/end-txn'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { InitProducerIdRequest, InitProducerIdResponse } from '@ottla/protocol/messages/init-producer-id'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { ACCEPT, fromTheStart, joined, type Network, produce, RELEASE } from '../../e2e/share-member.ts'
import { Asker } from '../prober.ts'
import { poll } from '../process.ts'

const QUOTAS = { request: AlterClientQuotasRequest, response: AlterClientQuotasResponse }
const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const METADATA = { request: MetadataRequest, response: MetadataResponse }
const COORDINATOR = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const INIT = { request: InitProducerIdRequest, response: InitProducerIdResponse }
const END = { request: EndTxnRequest, response: EndTxnResponse }
const PRODUCE = { request: ProduceRequest, response: ProduceResponse }
const FETCH = { request: FetchRequest, response: FetchResponse }

/** Of the client whose limits are so high that it never has to wait. */
const LIMITED = 'limited'
const LIMITS = {
  producer_byte_rate: 1e9,
  consumer_byte_rate: 1e9,
  request_percentage: 1e6,
  controller_mutation_rate: 1e6,
}
const BY_NAME = 12

export async function workUnderQuotas(bootstrap: string): Promise<void> {
  const asker = new Asker(LIMITED, bootstrap)
  const ops = Object.entries(LIMITS).map(([key, value]) => ({ key, value, remove: false }))
  const entity = [{ entityType: 'client-id', entityName: LIMITED }]
  const { entries } = await asker.ask(QUOTAS, 1, { entries: [{ entity, ops }], validateOnly: false })
  assert.equal(entries[0]!.errorCode, 0)
  await createTopic(asker, 'quotas')
  const topicData = [{ name: 'quotas', partitionData: [{ index: 0, records: batch({}) }] }]
  await asker.ask(PRODUCE, BY_NAME, { acks: -1, timeoutMs: 5000, topicData })
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
  await asker.ask(FETCH, BY_NAME, { maxBytes: 1000, minBytes: 1, topics: [{ topic: 'quotas', partitions }] })
  // The first one may have come before the limits.
  await createTopic(asker, 'quotas-2')
  asker.end()
}

export async function workInTransaction(bootstrap: string): Promise<void> {
  const asker = new Asker('transactional', bootstrap)
  await createTopic(asker, 'transactions')
  const find = async () => (await asker.ask(COORDINATOR, 4, { coordinatorKeys: ['tx'], keyType: 1 })).coordinators[0]!
  await poll('the coordinator', async () => (await find()).errorCode === 0 || undefined, 20_000, 100)
  const begin = () => asker.ask(INIT, 4, { transactionalId: 'tx', transactionTimeoutMs: 60_000 })
  const { producerId, producerEpoch } = await poll(
    'a producer id',
    async () => {
      const answer = await begin()
      return answer.errorCode === 0 ? answer : undefined
    },
    20_000,
    100,
  )
  const write = async (epoch: number) => {
    const records = batch({ producerId, producerEpoch: epoch, baseSequence: 0, isTransactional: true })
    const topicData = [{ name: 'transactions', partitionData: [{ index: 0, records }] }]
    const request = { transactionalId: 'tx', acks: -1, timeoutMs: 5000, topicData }
    const { responses } = await asker.ask(PRODUCE, BY_NAME, request)
    return errorName(responses[0]!.partitionResponses[0]!.errorCode)
  }
  assert.equal(await write(producerEpoch + 7), 'INVALID_PRODUCER_EPOCH')
  assert.equal(await write(producerEpoch), 'NONE')
  await asker.ask(END, 5, { transactionalId: 'tx', producerId, producerEpoch, committed: true })
  asker.end()
}

/** The share session is still there afterwards: it goes with the connection, and its counts with it. */
export async function workInShareGroup(bootstrap: string): Promise<Asker> {
  const asker = new Asker('share', bootstrap)
  await createTopic(asker, 'a')
  const network: Network = {
    send: (api, value) => asker.ask(api, api.request.versions.max, value),
    async topicId(name) {
      const { topics } = await asker.ask(METADATA, 12, { topics: [{ name }] })
      return topics[0]!.topicId
    },
  }
  await fromTheStart(network)
  await produce(network, 5)
  await produce(network, 3)
  const member = await joined(network, 'one')
  assert.deepEqual(await member.acquire(5), [[0, 4, 1]])
  assert.deepEqual(await member.acquire(), [[5, 7, 1]])
  await member.acknowledge([0, 4], ACCEPT)
  await member.acknowledge([5, 7], RELEASE)
  return asker
}

async function createTopic(asker: Asker, name: string): Promise<void> {
  await asker.ask(CREATE, 7, { topics: [{ name, numPartitions: 1, replicationFactor: 1 }], timeoutMs: 10_000 })
  const isLed = async () => {
    const { topics } = await asker.ask(METADATA, 12, { topics: [{ name }] })
    return (topics[0]!.partitions[0]?.leaderId ?? -1) >= 0 || undefined
  }
  await poll('the topic', isLed, 10_000, 50)
}

function batch(header: Parameters<typeof encodeBatch>[1]): Uint8Array {
  return encodeBatch([{ value: Buffer.from('x') }], header)
}
