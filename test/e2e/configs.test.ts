/** Log levels, which a broker changes itself, beside configs, which the controller keeps; and how long that may take. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorName } from '@ottla/protocol'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DescribeConfigsRequest, DescribeConfigsResponse } from '@ottla/protocol/messages/describe-configs'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { type InProcess, inProcess } from './in-process.ts'

const createApi = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const describeApi = { request: DescribeConfigsRequest, response: DescribeConfigsResponse }
const alterApi = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const [TOPIC, BROKER, BROKER_LOGGER] = [2, 4, 8]
const [SET, DELETE] = [0, 1]

interface Change {
  readonly type: number
  readonly name: string
  readonly key: string
  readonly value: string | null
}

async function change(open: InProcess, ...changes: Change[]): Promise<string[]> {
  const resources = changes.map(({ type, name, key, value }) => ({
    resourceType: type,
    resourceName: name,
    configs: [{ name: key, configOperation: value === null ? DELETE! : SET!, value }],
  }))
  const { responses } = await open.send(alterApi, { resources, validateOnly: false })
  return responses.map(({ resourceName, errorCode }) => `${resourceName} ${errorName(errorCode)}`)
}

async function levels(open: InProcess): Promise<Map<string, string | null>> {
  const resources = [{ resourceType: BROKER_LOGGER!, resourceName: await nodeId(open), configurationKeys: null }]
  const { results } = await open.send(describeApi, { resources })
  return new Map(results[0]!.configs.map(({ name, value }) => [name, value]))
}

async function nodeId(open: InProcess): Promise<string> {
  return String((await open.client.brokerIds())[0]!)
}

test('each part of the broker has a log level, under the name that it has in Kafka, and goes by those above it', async () => {
  await using open = await inProcess()
  const before = await levels(open)
  const [sockets, cleaner] = ['kafka.network.SocketServer', 'kafka.log.LogCleaner']
  const controller = 'org.apache.kafka.controller.QuorumController'
  for (const name of [sockets, cleaner, controller, 'kafka.server.ReplicaManager', 'kafka', 'org.apache.kafka'])
    assert.equal(before.get(name), before.get('root'), name)
  const me = await nodeId(open)
  const set = (key: string, value: string | null) => change(open, { type: BROKER_LOGGER!, name: me, key, value })
  const shown = async () => {
    const all = await levels(open)
    return [sockets, cleaner, controller].map(name => all.get(name!))
  }
  assert.deepEqual(await set(sockets!, 'TRACE'), [`${me} NONE`])
  assert.deepEqual(await set('root', 'ERROR'), [`${me} NONE`])
  assert.deepEqual(await shown(), ['TRACE', 'ERROR', 'ERROR'])
  assert.deepEqual(await set('kafka', 'DEBUG'), [`${me} NONE`])
  assert.deepEqual(await shown(), ['TRACE', 'DEBUG', 'ERROR'])
  assert.deepEqual(await set(sockets!, null), [`${me} NONE`])
  assert.deepEqual(await shown(), ['DEBUG', 'DEBUG', 'ERROR'])
  assert.deepEqual(await set('nobody', 'INFO'), [`${me} INVALID_CONFIG`])
})

test('what the broker does itself and what the controller does are answered in the order of the request', async () => {
  await using open = await inProcess({ topics: ['a', 'b'] })
  const me = await nodeId(open)
  const retention = (name: string) => ({ type: TOPIC!, name, key: 'retention.ms', value: '1000' })
  const answers = await change(
    open,
    retention('a'),
    { type: BROKER_LOGGER!, name: me, key: 'root', value: 'WARN' },
    retention('nobody'),
    { type: BROKER!, name: '4711', key: 'max.connections', value: '9' },
    retention('b'),
    { type: 99, name: 'x', key: 'y', value: 'z' },
  )
  assert.deepEqual(answers, [
    'a NONE',
    `${me} NONE`,
    'nobody UNKNOWN_TOPIC_OR_PARTITION',
    '4711 INVALID_REQUEST',
    'b NONE',
    'x INVALID_REQUEST',
  ])
  const logger = { type: BROKER_LOGGER!, name: me, key: 'root', value: 'ERROR' }
  assert.deepEqual(await change(open, logger, logger), [`${me} INVALID_REQUEST`, `${me} INVALID_REQUEST`])
  assert.equal((await levels(open)).get('root'), 'WARN')
})

test('a request that gives no time is answered that it took too long, and changes nothing', async () => {
  await using open = await inProcess()
  for (const timeoutMs of [0, -1]) {
    const topics = ['a', 'b'].map(name => ({ name, numPartitions: 1, replicationFactor: 1 }))
    const { topics: created } = await open.send(createApi, { topics, timeoutMs })
    assert.deepEqual(
      created.map(({ name, errorCode }) => `${name} ${errorName(errorCode)}`),
      ['a REQUEST_TIMED_OUT', 'b REQUEST_TIMED_OUT'],
    )
  }
  assert.deepEqual((await open.client.metadata(null)).topics, [])
})
