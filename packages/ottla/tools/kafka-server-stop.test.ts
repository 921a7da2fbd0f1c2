/** Which processes `kafka-server-stop` takes for brokers, and that one is asked to stop, which stops in order; run-class. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Command, run } from '../testing/command.ts'
import { TOOLS } from './index.ts'
import { CLASSES } from './kafka-run-class.ts'
import { configOf, serversIn } from './kafka-server-stop.ts'

test('a broker is node with our script and a command that starts one', () => {
  const list = [
    '    7 /usr/bin/node --max-old-space-size=99 /opt/ottla/bin/ottla.js kafka-server-start.sh a.properties',
    '   12 node /x/node_modules/.bin/ottla start --config=b.properties --set node.id=4',
    '   13 node /x/node_modules/.bin/ottla kafka-topics --list',
    '   14 grep ottla.js start',
    '   15 node /x/other.js start',
    '   16 java -cp x kafka.Kafka server.properties',
    '',
  ]
  const servers = serversIn(list.join('\n'))
  assert.deepEqual(
    servers.map(({ pid }) => pid),
    [7, 12],
  )
  assert.equal(configOf(servers[1]!, 'node.id', '/'), '4')
  assert.throws(() => configOf(servers[0]!, 'node.id', '/nowhere'), /Can not find the configuration file/)
  assert.equal(configOf({ pid: 1, args: ['start', '--port', '0'] }, 'process.roles', '/'), 'broker,controller')
})

test('the one with a node id is stopped, in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-server-stop-'))
  const nodeId = 1_000_000_000 + process.pid
  const properties = [
    ...[`node.id=${nodeId}`, 'process.roles=broker,controller', 'controller.listener.names=CONTROLLER'],
    ...['listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0', `log.dirs=${folder}/data`],
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.quorum.bootstrap.servers=127.0.0.1:9093',
  ]
  writeFileSync(join(folder, 'server.properties'), properties.join('\n'))
  const broker = new Command(['kafka-server-start', 'server.properties'], { cwd: folder })
  try {
    await broker.says(/^127\.0\.0\.1:\d+$/m)
    const { code, stdout } = await run(['kafka-server-stop', `--node-id=${nodeId}`])
    assert.deepEqual([code, stdout], [0, ''])
    assert.equal((await broker.finished).code, 0)
  } finally {
    broker.child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  }
})

test('every class stands for a tool, and is run by its name', async () => {
  for (const tool of Object.values(CLASSES)) assert.ok(TOOLS[tool], tool)
  const { code, stdout } = await run([
    'kafka-run-class',
    '-loggc',
    '-name',
    'x',
    'org.apache.kafka.tools.TopicCommand',
    '--version',
  ])
  assert.deepEqual([code, stdout], [0, '4.3.1\n'])
  const unknown = await run(['kafka-run-class', 'a.B'])
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /^Error: Could not find or load main class a\.B$/m)
  assert.equal((await run(['kafka-run-class'])).code, 1)
})
