/** What a broker tells those who listen to it, over the wire. */
import assert from 'node:assert/strict'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { encodeBatch } from '@ottla/protocol'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { inProcess } from './in-process.ts'

const produceApi = { request: ProduceRequest, response: ProduceResponse }

interface Traced {
  readonly [name: string]: unknown
}

function record(name: string) {
  const seen: [string, Traced][] = []
  const note = (what: string) => (event: Traced) => {
    seen.push([what, { ...event }])
  }
  const listeners = {
    start: note('start'),
    end: note('end'),
    asyncStart: note('asyncStart'),
    asyncEnd: note('asyncEnd'),
    error: note('error'),
  }
  const tracing = tracingChannel<Traced, Traced>(name)
  tracing.subscribe(listeners)
  return { seen, [Symbol.dispose]: () => tracing.unsubscribe(listeners) }
}

test('a produce request and its append, one inside of the other', async () => {
  await using broker = await inProcess({ topics: ['a'] })
  using requests = record('ottla:request')
  using appends = record('ottla:append')
  const records = encodeBatch([{ key: null, value: Buffer.from('x'), timestamp: Date.now() }], {})
  const topicData = [{ name: 'a', partitionData: [{ index: 0, records }] }]
  await broker.send(produceApi, { acks: -1, timeoutMs: 5000, topicData }, 9)
  assert.deepEqual(
    requests.seen.map(([what, { api, apiVersion, clientId }]) => [what, api, apiVersion, clientId]),
    ['start', 'end', 'asyncStart', 'asyncEnd'].map(what => [what, 'Produce', 9, 'test']),
  )
  assert.ok('responses' in (requests.seen[3]![1].result as object))
  const [start, end] = appends.seen.map(([, event]) => event)
  assert.deepEqual(
    appends.seen.map(([what]) => what),
    ['start', 'end', 'asyncStart', 'asyncEnd'],
  )
  assert.deepEqual([start!.topic, start!.acks, start!.firstOffset], ['a', -1, undefined])
  assert.deepEqual([end!.firstOffset, end!.lastOffset], [0, 0])
})

test('an append that is refused ends with its error', async () => {
  await using broker = await inProcess({ topics: [{ name: 'a', config: { 'max.message.bytes': 100 } }] })
  using appends = record('ottla:append')
  const records = encodeBatch([{ key: null, value: Buffer.alloc(500), timestamp: Date.now() }], {})
  const topicData = [{ name: 'a', partitionData: [{ index: 0, records }] }]
  await broker.send(produceApi, { acks: -1, timeoutMs: 5000, topicData }, 9)
  assert.deepEqual(
    appends.seen.map(([what, { error }]) => [what, (error as { code?: string } | undefined)?.code]),
    [
      ['start', undefined],
      ['error', 'MESSAGE_TOO_LARGE'],
      ['end', 'MESSAGE_TOO_LARGE'],
    ],
  )
})

test('the elections of a new topic', async () => {
  await using broker = await inProcess()
  const seen: Traced[] = []
  const listen = (event: unknown): void => {
    seen.push(event as Traced)
  }
  channel('ottla:election').subscribe(listen)
  await broker.cluster.createTopic({ name: 'a', partitions: 2 })
  channel('ottla:election').unsubscribe(listen)
  assert.deepEqual(
    seen.map(({ topic, partition, leaderId, leaderEpoch }) => [topic, partition, leaderId, leaderEpoch]),
    [
      ['a', 0, 1, 0],
      ['a', 1, 1, 0],
    ],
  )
})
