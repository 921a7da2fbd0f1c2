/**
 * sarama: its functional tests, which reach five brokers through toxiproxy, and cut them off there. Here all five proxies
 * lead to one broker, and the topics have one replica. Tests that stop a broker, or look at its replicas or log dirs,
 * fail on both; those that run Java's clients in a container are skipped.
 */
import { join } from 'node:path'
import { freePort } from '../interop/brokers.ts'
import { Child, must, poll } from '../interop/process.ts'
import { prepareGo } from './go.ts'
import type { Prepared, Suite } from './suite.ts'

const MODULE = 'github.com/IBM/sarama@v1.61.1'
const PROXY = 'github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0'

/** Where the tests look for the brokers. */
const PORTS = [29091, 29092, 29093, 29094, 29095] as const

export const sarama: Suite = {
  name: 'sarama',
  source: `${MODULE}, functional tests`,
  settings: () => ({
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${PORTS[0]}`,
    'auto.create.topics.enable': 'false',
    'broker.rack': '1',
    'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
  }),
  reasons: {},
  prepare,
}

async function prepare(cache: string): Promise<Prepared> {
  const api = `http://127.0.0.1:${await freePort()}`
  await must(['go', 'install', PROXY], { env: { GOBIN: cache }, timeoutMs: 300_000 })
  const tests = await prepareGo(
    {
      module: MODULE,
      folder: '.',
      tags: 'functional',
      edits: [{ file: 'functional_test.go', from: 'ReplicationFactor: 3,', to: 'ReplicationFactor: 1,' }],
      env: () => ({ TOXIPROXY_ADDR: api, KAFKA_VERSION: '4.3.1' }),
      timeoutMinutes: 15,
    },
    cache,
  )
  return {
    async run(bootstrap, log) {
      const proxy = new Child([join(cache, 'server'), '-host', '127.0.0.1', '-port', new URL(api).port])
      try {
        await poll('toxiproxy start', () => fetch(`${api}/version`).then(isThere, () => undefined), 10_000)
        for (const [i, port] of PORTS.entries()) await makeProxy(api, `kafka${i + 1}`, port, bootstrap)
        return await tests.run(bootstrap, log)
      } finally {
        await proxy.stop()
      }
    },
  }
}

function isThere(response: Response): true | undefined {
  return response.ok || undefined
}

async function makeProxy(api: string, name: string, port: number, upstream: string): Promise<void> {
  const body = JSON.stringify({ name, listen: `127.0.0.1:${port}`, upstream, enabled: true })
  const response = await fetch(`${api}/proxies`, { method: 'POST', body })
  if (!response.ok) throw new Error(`toxiproxy makes no proxy at port ${port}: ${await response.text()}`)
}
