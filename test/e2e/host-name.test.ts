/** Listeners on all addresses, which is Kafka's default, advertise the name of the machine: others could not reach `localhost`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DescribeClusterRequest, DescribeClusterResponse } from '@ottla/protocol/messages/describe-cluster'
import { inProcess, metadataApi } from './in-process.ts'

const describeApi = { request: DescribeClusterRequest, response: DescribeClusterResponse }

test('a listener without a host advertises the name of its machine', async () => {
  const config = { listeners: 'PLAINTEXT://:0,CONTROLLER://:0' }
  await using node = await inProcess({ config })
  const name = await node.cluster.world.network.hostName()
  assert.notEqual(name, 'localhost')
  assert.match(node.cluster.bootstrapServers, new RegExp(`^${name}:\\d+$`))
  const { brokers } = await node.send(metadataApi, { topics: [] })
  assert.deepEqual(
    brokers.map(({ host }) => host),
    [name],
  )
})

test('unless it is told another', async () => {
  const config = {
    listeners: 'PLAINTEXT://:0,CONTROLLER://:0',
    'advertised.listeners': 'PLAINTEXT://127.0.0.1:0,CONTROLLER://elsewhere:0',
  }
  await using node = await inProcess({ config })
  assert.match(node.cluster.bootstrapServers, /^127\.0\.0\.1:\d+$/)
  const { brokers } = await node.send(describeApi, { endpointType: 1 })
  assert.deepEqual(
    brokers.map(({ host }) => host),
    ['127.0.0.1'],
  )
})
