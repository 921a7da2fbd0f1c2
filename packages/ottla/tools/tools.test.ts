/** The tools against a cluster of ours, each in a process of its own; what they print is held to the byte by test/interop. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { createCluster, type EmbeddedCluster } from '../index.ts'
import { Command, type Finished, run } from '../testing/command.ts'
import { TOOLS } from './index.ts'

let cluster: EmbeddedCluster
let folder: string
before(async () => {
  cluster = await createCluster({ topics: [{ name: 'orders', partitions: 3 }] })
  folder = mkdtempSync(join(tmpdir(), 'ottla-tools-'))
})
after(async () => {
  await cluster.close()
  rmSync(folder, { recursive: true })
})

function tool(line: string, input = ''): Promise<Finished> {
  const args = (line.match(/'[^']*'|\S+/g) ?? []).map(word => word.replaceAll("'", ''))
  return run([...args, '--bootstrap-server', cluster.bootstrapServers], { input })
}

async function output(line: string, input?: string): Promise<string> {
  const { code, stdout, stderr } = await tool(line, input)
  assert.equal(code, 0, `${line}: ${stdout}${stderr}`)
  return stdout
}

test('topics are made, listed, described, altered and deleted', async () => {
  assert.equal(await output('kafka-topics --create --topic made --partitions 2'), 'Created topic made.\n')
  assert.match(await output('kafka-topics.sh --list'), /^made$/m)
  await output('kafka-topics --alter --topic made --partitions 3')
  const described = await output('kafka-topics --describe --topic made')
  assert.match(described, /^Topic: made\tTopicId: [\w-]{22}\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: /)
  assert.equal(described.match(/^\tTopic: made\tPartition: /gm)!.length, 3)
  const again = await tool('kafka-topics --create --topic made')
  assert.equal(again.code, 1)
  assert.match(again.stdout, /^Error while executing topic command : /)
  assert.equal(await output('kafka-topics --delete --topic made'), '')
})

test('records go in by lines and come out by lines, and a group remembers', async () => {
  const parsed = '--reader-property parse.key=true --reader-property key.separator=:'
  await output(`kafka-console-producer --topic orders --timeout 1 ${parsed}`, 'a:one\na:two\na:three\n')
  const read = `kafka-console-consumer --topic orders --from-beginning --formatter-property print.key=true`
  assert.equal(await output(`${read} --max-messages 3`), 'a\tone\na\ttwo\na\tthree\n')
  assert.equal(
    await output('kafka-console-consumer --topic orders --group g --from-beginning --max-messages 2'),
    'one\ntwo\n',
  )
  assert.equal(await output('kafka-console-consumer --topic orders --group g --max-messages 1'), 'three\n')
  assert.match(await output('kafka-consumer-groups --describe --group g'), /^g +orders +\d +3 +3 +0 /m)
  const moved = await output('kafka-consumer-groups --reset-offsets --group g --topic orders --to-earliest --execute')
  assert.equal(moved.match(/^g +orders +\d +0$/gm)!.length, 3)
  assert.match(await output('kafka-get-offsets --topic orders'), /^orders:\d:3$/m)
  assert.match(await output('kafka-consumer-groups --delete --group g'), /was successful/)
})

test('the consumer protocol, as --command-property asks for it; what it does not know of is told', async () => {
  await output('kafka-console-producer --topic new --timeout 1', 'one\ntwo\nthree\n')
  const member = 'kafka-console-consumer --topic new --group c --command-property group.protocol=consumer'
  assert.equal(await output(`${member} --command-property auto.offset.reset=earliest --max-messages 2`), 'one\ntwo\n')
  assert.match(await output('kafka-groups --list'), /^c +Consumer +consumer +$/m)
  const rest = await tool(`${member} --command-property check.crcs=false --max-messages 1`)
  assert.equal(rest.stdout, 'three\n')
  assert.match(rest.stderr, /'check\.crcs' is not supported yet, and has no effect/)
  const both = `${member} --command-property session.timeout.ms=9000`
  assert.match((await tool(both)).stderr, /session\.timeout\.ms cannot be set when group\.protocol=CONSUMER/)
  const lost = await tool('kafka-console-consumer --topic new --group d --command-property auto.offset.reset=none')
  assert.match(lost.stderr, /ERROR Error processing message, .*: Undefined offset with no reset policy for partitions/)
})

test('of configs on the command line, too, those are told that have no effect', async () => {
  const { code, stderr } = await tool('kafka-console-producer --topic told --command-property retries=5', 'x\n')
  assert.equal(code, 0)
  assert.match(stderr, /'retries' is not supported yet, and has no effect/)
})

test('a record that cannot be printed has been read, and what comes after it has not', async () => {
  await output('kafka-console-producer --topic odd --timeout 1', '12345678\nodd\n12345678\n')
  const asLongs = '--value-deserializer org.apache.kafka.common.serialization.LongDeserializer'
  const read = `kafka-console-consumer --topic odd --group e --from-beginning ${asLongs}`
  const broken = await tool(read)
  assert.equal(broken.code, 1)
  assert.match(broken.stdout, /^\d+\n$/)
  assert.match(broken.stderr, /Processed a total of 2 messages/)
  assert.equal(await output(`${read} --max-messages 1`), broken.stdout)
})

test('configs are set and shown, also from a file', async () => {
  const path = join(folder, 'added.properties')
  writeFileSync(path, 'segment.bytes = 1048576\nretention.ms: 60000\n')
  assert.equal(
    await output(`kafka-configs --alter --topic orders --add-config-file ${path}`),
    'Completed updating config for topic orders.\n',
  )
  assert.match(await output('kafka-configs --describe --topic orders'), / {2}segment\.bytes=1048576 sensitive=false/)
})

test('a properties file for the client: what has no effect is told, what is not there is refused', async () => {
  const path = join(folder, 'client.properties')
  writeFileSync(path, 'client.id=me\nretries=5\n')
  const plain = await tool(`kafka-topics --list --command-config ${path}`)
  assert.equal(plain.code, 0)
  assert.match(plain.stderr, /'retries' is not supported yet/)
  writeFileSync(path, 'security.protocol=SASL_SSL\n')
  const secure = await tool(`kafka-topics --list --command-config ${path}`)
  assert.equal(secure.code, 1)
  assert.match(secure.stderr, /security\.protocol=SASL_SSL is not supported yet/)
})

test('nobody there: it is told at once, and given up when the time is over', async () => {
  const path = join(folder, 'hasty.properties')
  writeFileSync(path, 'default.api.timeout.ms=300\n')
  const { code, stdout, stderr } = await run([
    ...['kafka-topics', '--list', '--command-config', path, '--bootstrap-server', '127.0.0.1:1'],
  ])
  assert.deepEqual(
    [code, stdout],
    [1, 'Error while executing topic command : Timed out waiting for a node assignment. Call: listTopics\n'],
  )
  assert.match(stderr, /waiting up to 0\.3 s for 127\.0\.0\.1:1/)
})

test('a streams application begins again, but not while it runs', async () => {
  for (const topic of ['app-x-changelog', 'app-out']) await output(`kafka-topics --create --topic ${topic}`)
  await output('kafka-console-producer --topic orders', 'one\ntwo\n')
  const reset = 'kafka-streams-application-reset --application-id app --input-topics orders'
  const dry = await output(`${reset} --to-latest --dry-run`)
  assert.match(dry, /^----Dry run displays/)
  assert.match(dry, /^Deleting inferred internal topics \[app-x-changelog\]$/m)
  const read = new Command([
    ...['kafka-console-consumer', '--topic', 'orders', '--group', 'app', '--from-beginning'],
    ...['--bootstrap-server', cluster.bootstrapServers],
  ])
  await read.says('two')
  const busy = await tool(reset)
  assert.equal(busy.code, 1)
  assert.match(busy.stderr, /^ERROR: java\.lang\.IllegalStateException: Consumer group 'app' is still active/)
  assert.match(await output(`${reset} --force`), /^Force deleting all active members in the group: app$/m)
  read.child.kill()
  await read.finished
  assert.match(await output('kafka-consumer-groups --describe --group app'), /^app +orders +\d +0 +/m)
  assert.doesNotMatch(await output('kafka-topics --list'), /changelog/)
  assert.match(await output('kafka-topics --list'), /^app-out$/m)
})

test('every tool has help, or says why it is not here', async () => {
  for (const [name, { load }] of Object.entries(TOOLS)) {
    const { isMissing, style } = await load()
    if (isMissing) {
      const { code, stdout, stderr } = await run([name])
      assert.deepEqual([code, stdout], [1, ''], name)
      assert.match(stderr, new RegExp(`^${name}: .`), name)
    }
    // The others are loaded by their own tests; one of each kind is enough for the help.
    if (name !== 'kafka-topics' && name !== 'kafka-features') continue
    const { code, stdout, stderr } = await run([name, '--help'])
    assert.equal(code, style === 'jopt' ? 1 : 0)
    assert.match(style === 'jopt' ? stderr : stdout, /--bootstrap-server/)
  }
})

test('ottla tools writes scripts that call it, and leaves alone what is somebody else’s', async () => {
  const bin = join(folder, 'bin')
  const { code, stdout } = await run(['tools', '--dir', bin])
  assert.equal(code, 0)
  assert.match(stdout, /export PATH=/)
  assert.ok(existsSync(join(bin, 'kafka-acls.sh')))
  const args = ['--list', '--bootstrap-server', cluster.bootstrapServers]
  const listed = await promisify(execFile)(join(bin, 'kafka-topics.sh'), args)
  assert.match(listed.stdout, /^orders$/m)
  assert.equal((await run(['tools', '--dir', bin])).code, 0, 'its own may be written again')
  writeFileSync(join(bin, 'kafka-topics.sh'), '#!/bin/sh\necho mine\n')
  assert.equal((await run(['tools', '--dir', bin])).code, 1)
  assert.match(readFileSync(join(bin, 'kafka-topics.sh'), 'utf8'), /mine/)
})
