/** Health, from before a broker starts until after it has stopped, as an orchestrator asks for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Broker, developerDefaults, loadConfig, resolveBrokerConfig } from '@ottla/broker'
import { memoryWorld } from '@ottla/io'
import { openEndpoint } from './monitoring/endpoint.ts'

test('ready only between the start and the stop, alive all the time', async () => {
  const world = memoryWorld({ clock: 'real', diskLatencyMs: { sync: [20, 30] } })
  let broker: Broker | null = null
  const options = { host: '127.0.0.1', port: 0, logger: world.logger, broker: () => broker }
  await using endpoint = await openEndpoint(options)
  const ask = async (path: string) => {
    const response = await fetch(`${endpoint.url}${path}`)
    return `${response.status} ${await response.text()}`.trim()
  }
  const seen = new Set<string>()
  const watch = async (until: Promise<unknown>): Promise<void> => {
    let isOver = false
    const stop = () => {
      isOver = true
    }
    until.then(stop, stop)
    while (!isOver) {
      seen.add(await ask('/readyz'))
      assert.match(await ask('/healthz'), /^200 /)
    }
  }
  assert.equal(await ask('/readyz'), '503 starting')
  const { raw } = loadConfig({ set: [], defaults: developerDefaults({ dataDir: '/data', port: 0 }) })
  const onCreated = (created: Broker) => {
    broker = created
  }
  const starting = Broker.start({ world, config: resolveBrokerConfig(raw), onCreated })
  await watch(starting)
  assert.ok(seen.has('503 starting'), [...seen].join(', '))
  assert.equal(await ask('/readyz'), '200 running')
  assert.match(await (await fetch(`${endpoint.url}/metrics`)).text(), /^kafka_server_kafkaserver_brokerstate 3$/m)

  const running = await starting
  seen.clear()
  await watch(running.close())
  assert.ok(
    [...seen].some(answer => answer.startsWith('503 stopping')),
    [...seen].join(', '),
  )
  assert.equal(await ask('/readyz'), '503 not running')
})

test('a port that somebody has is an error that says so', async () => {
  const { logger } = memoryWorld({ clock: 'real' })
  const options = { host: '127.0.0.1', logger, broker: () => null }
  await using first = await openEndpoint({ ...options, port: 0 })
  const { port } = new URL(first.url)
  await assert.rejects(openEndpoint({ ...options, port: Number(port) }), { code: 'EADDRINUSE' })
})
