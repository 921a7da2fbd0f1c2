import assert from 'node:assert/strict'
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Cluster, fetchOnce, listTopics, Producer } from '@ottla/client'
import { createCluster, type EmbeddedCluster } from './index.ts'
import { run } from './testing/command.ts'

function clientOf({ world, bootstrapServers }: EmbeddedCluster): Cluster {
  const [host = '', port] = bootstrapServers.split(':')
  return new Cluster({ world, bootstrapServers: [{ host, port: Number(port) }] })
}

async function produce(cluster: EmbeddedCluster, topic: string, value: string): Promise<void> {
  await using client = clientOf(cluster)
  await using producer = new Producer(client)
  await producer.send({ topic, value: Buffer.from(value) })
}

async function read(cluster: EmbeddedCluster, topic: string): Promise<string[]> {
  await using client = clientOf(cluster)
  const fetched = await fetchOnce(client, [{ topic, partition: 0, offset: 0 }], { maxWaitMs: 1 })
  return fetched.flatMap(({ records }) => records.map(({ value }) => Buffer.from(value ?? []).toString()))
}

test('serves on a free port of this machine, or on none', async () => {
  await using tcp = await createCluster()
  assert.match(tcp.bootstrapServers, /^127\.0\.0\.1:\d+$/)
  await using inside = await createCluster({ transport: 'in-process' })
  await produce(inside, 'a', 'x')
  assert.deepEqual(await read(inside, 'a'), ['x'])
})

test('several clusters side by side know nothing of each other', async () => {
  const clusters = await Promise.all([
    createCluster(),
    createCluster(),
    createCluster({ transport: 'in-process' }),
    createCluster({ transport: 'in-process' }),
  ])
  assert.equal(new Set(clusters.map(({ clusterId }) => clusterId)).size, 4)
  await Promise.all(clusters.map((cluster, i) => produce(cluster, 'same', `from ${i}`)))
  for (const [i, cluster] of clusters.entries()) assert.deepEqual(await read(cluster, 'same'), [`from ${i}`])
  await Promise.all(clusters.map(cluster => cluster.close()))
})

test('topics are there when it is: names, or more about them', async () => {
  await using cluster = await createCluster({
    config: { 'num.partitions': 3 },
    topics: ['plain', { name: 'special', partitions: 5, config: { 'cleanup.policy': 'compact' } }],
  })
  await cluster.createTopic('later')
  await using client = clientOf(cluster)
  const topics = await listTopics(client, null)
  assert.deepEqual(
    topics.map(({ name, partitions }) => [name, partitions.length]),
    [
      ['later', 3],
      ['plain', 3],
      ['special', 5],
    ],
  )
  assert.ok(
    topics.every(({ partitions }) => partitions.every(({ errorCode, leaderId }) => errorCode === 0 && leaderId >= 0)),
  )
  await assert.rejects(cluster.createTopic('plain'), { code: 'TOPIC_ALREADY_EXISTS' })
})

test('what is wrong with the configuration is told by key, all at once', async () => {
  await assert.rejects(
    createCluster({ config: { 'num.partitions': 'many', 'log.retention.ms': 'x' } }),
    ({ message }: Error) => message.includes('num.partitions') && message.includes('log.retention.ms'),
  )
  await assert.rejects(createCluster({ config: { 'num.partitions': 0 } }), /num\.partitions/)
})

test('a topic that cannot be made fails the start, and leaves no port behind', async () => {
  const port = await freePort()
  await assert.rejects(createCluster({ port, topics: ['ok', 'not/ok'] }), { code: 'INVALID_TOPIC_EXCEPTION' })
  await using cluster = await createCluster({ port })
  assert.equal(cluster.bootstrapServers, `127.0.0.1:${port}`)
})

async function freePort(): Promise<number> {
  await using cluster = await createCluster()
  return Number(cluster.bootstrapServers.split(':')[1])
}

test('a port that is taken is a coded error', async () => {
  await using cluster = await createCluster()
  const port = Number(cluster.bootstrapServers.split(':')[1])
  await assert.rejects(createCluster({ port }), { code: 'EADDRINUSE' })
})

test('close ends connections and frees the port; a second one is fine', async () => {
  const cluster = await createCluster()
  const port = Number(cluster.bootstrapServers.split(':')[1])
  const socket = connect(port, '127.0.0.1')
  const ended = new Promise<void>(resolve => socket.once('close', () => resolve()))
  await new Promise<void>(resolve => socket.once('connect', () => resolve()))
  socket.on('error', () => {})
  await Promise.all([cluster.close(), cluster.close()])
  await cluster.close()
  await ended
  await assert.rejects(new Promise((_, reject) => connect(port, '127.0.0.1').once('error', reject)), {
    code: 'ECONNREFUSED',
  })
})

test('nothing is left that would keep a process alive', async () => {
  for (const transport of ['tcp', 'in-process'] as const) {
    const cluster = await createCluster({ transport, topics: ['a'] })
    await produce(cluster, 'a', 'x')
    await cluster.close()
    await new Promise(resolve => setImmediate(resolve))
    // The pipes are the test runner's.
    const left = process.getActiveResourcesInfo().filter(name => name !== 'PipeWrap' && name !== 'TTYWrap')
    assert.deepEqual(left, [], transport)
  }
})

test('a folder is kept, and the command line can open it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ottla-'))
  try {
    const first = await createCluster({ folder, topics: ['kept'] })
    await produce(first, 'kept', 'x')
    await assert.rejects(createCluster({ folder }), /lock|in use/i, 'one at a time')
    await first.close()
    assert.ok((await readdir(folder)).includes('kept-0'))
    const second = await createCluster({ folder })
    assert.equal(second.clusterId, first.clusterId)
    assert.deepEqual(await read(second, 'kept'), ['x'])
    await second.close()
    const info = await run(['storage', 'info', '--data', folder, '--json'])
    assert.match(info.stdout, new RegExp(first.clusterId))
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('says when its folder can not be used any more, and can be closed then', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'ottla-'))
  try {
    const folder = join(scratch, 'data')
    const cluster = await createCluster({ folder, transport: 'in-process' })
    await rename(folder, join(scratch, 'elsewhere'))
    await writeFile(folder, '')
    await cluster.createTopic('a').catch(() => {}) // done, or refused: the metadata log is open still
    const reason = await cluster.failed
    assert.match(reason.message, new RegExp(`^log dir ${folder} has failed: `))
    await cluster.close()
  } finally {
    await rm(scratch, { recursive: true })
  }
})
