/** `kafka-storage`: what it writes is what the first start of a node begins with; what is wrong is told in Java's words. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { run } from '../testing/command.ts'

const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qk'
const DIRECTORY_ID = 'MkU3OEVBNTcwNTJENDM2Qg'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ottla-storage-'))
})
after(() => rmSync(folder, { recursive: true }))

/** A server.properties of its own. */
function node(name: string, quorum = 'controller.quorum.bootstrap.servers=127.0.0.1:9093'): string {
  const path = join(folder, `${name}.properties`)
  const lines = [
    ...['process.roles=broker,controller', 'node.id=1', 'controller.listener.names=CONTROLLER', quorum],
    'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
    ...['listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT', `log.dirs=${folder}/${name}`],
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

function format(path: string, ...args: string[]) {
  return run(['kafka-storage', 'format', '-c', path, '-t', CLUSTER_ID, ...args])
}

async function bootstrapOf(name: string): Promise<string> {
  const file = join(folder, name, 'bootstrap.checkpoint')
  const { stdout } = await run([
    'kafka-dump-log',
    '--cluster-metadata-decoder',
    '--skip-record-metadata',
    '--files',
    file,
  ])
  return stdout
}

test('levels of features and users of SCRAM are what the log begins with', async () => {
  const path = node('one')
  const scram = 'SCRAM-SHA-512=[name=bob,iterations=8192,salt="N3E=",saltedpassword="YCE="]'
  const args = ['--standalone', '--release-version', '4.0', '--feature', 'transaction.version=1', '--add-scram', scram]
  const { code, stdout, stderr } = await format(path, ...args)
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(
    stdout,
    /^Bootstrap metadata: BootstrapMetadata\(records=\[ApiMessageAndVersion\(FeatureLevelRecord\(name='/,
  )
  assert.match(
    stdout,
    /salt=\[55, 113\], storedKey=\[113, 118, -93, 73, -7, .*metadataVersionLevel=25, source=format command\)/,
  )
  assert.match(stdout, /^Formatting dynamic metadata voter directory .*\/one with metadata\.version 4\.0-IV3\.$/m)
  const records = await bootstrapOf('one')
  assert.match(records, /"name":"transaction\.version","featureLevel":1/)
  assert.match(
    records,
    /"type":"USER_SCRAM_CREDENTIAL_RECORD","version":0,"data":\{"name":"bob","mechanism":2,"salt":"N3E="/,
  )
  const again = await format(path, '--standalone')
  assert.equal(again.code, 1)
  assert.match(again.stderr, /^Log directory .*\/one is already formatted\. Use --ignore-formatted/)
  const ignored = await format(path, '--standalone', '--ignore-formatted')
  assert.deepEqual([ignored.code, ignored.stdout], [0, 'All of the log directories are already formatted.\n'])
  const other = await run(['kafka-storage', 'format', '-c', path, '-t', DIRECTORY_ID, '--standalone', '-g'])
  assert.match(other.stderr, /^Invalid cluster\.id in: .*meta\.properties\. Expected \S+, but read \S+$/m)
  assert.match(readFileSync(join(folder, 'one/meta.properties'), 'utf8'), new RegExp(CLUSTER_ID))
})

test('info tells whose the log dirs are, and what is wrong', async () => {
  const path = node('two')
  const before = await run(['kafka-storage', 'info', '-c', path])
  assert.deepEqual([before.code, before.stdout], [1, `Found problem:\n  ${folder}/two does not exist\n\n`])
  await format(path, '--initial-controllers', `1@h:1:${DIRECTORY_ID},2@[::1]:2:${CLUSTER_ID}`)
  const found = await run(['kafka-storage', 'info', '-c', path])
  const metadata = `{cluster.id=${CLUSTER_ID}, directory.id=${DIRECTORY_ID}, node.id=1, version=1}`
  assert.equal(found.stdout, `Found log directory:\n  ${folder}/two\n\nFound metadata: ${metadata}\n\n`)
  assert.equal(found.code, 0)
})

test('a level that is not released is what a cluster begins with where that is enabled, and else an error', async () => {
  const enabled = node('unstable', 'unstable.feature.versions.enable=true\ncontroller.quorum.voters=1@127.0.0.1:9093')
  const { code, stdout, stderr } = await format(enabled)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /with metadata\.version 4\.4-IV0\.$/m)
  assert.match(await bootstrapOf('unstable'), /"name":"metadata\.version","featureLevel":31/)
  const refused = await format(node('stable'), '-s', '--feature', 'metadata.version=31')
  assert.deepEqual([refused.code, refused.stdout], [1, ''])
  assert.match(refused.stderr, /^metadata\.version 4\.4-IV0 is not yet stable\.$/m)
})

test('what is wrong is told, and nothing is written', async () => {
  const [dynamic, fixed] = [node('three'), node('four', 'controller.quorum.voters=1@127.0.0.1:9093')]
  const cases: [string, string[], RegExp][] = [
    [dynamic, [], /^Because controller\.quorum\.voters is not set on this controller/],
    [fixed, ['--standalone'], /^You cannot specify controller\.quorum\.voters and format the node with/],
    [fixed, ['--feature', 'kraft.version=1'], /^Cannot set kraft\.version to 1 unless/],
    [dynamic, ['-s', '--feature', 'kraft.version=0'], /^Cannot set kraft\.version to 0 if/],
    [dynamic, ['-s', '--feature', 'foo=1'], /^Unsupported feature: foo\. Supported features are: eligible/],
    [dynamic, ['-s', '--feature', 'foo'], /equals sign not found\.$/m],
    [dynamic, ['-s', '--feature', 'group.version=9'], /^No feature:group\.version with feature level 9$/m],
    [dynamic, ['-s', '--release-version', '9.9'], /^Unknown metadata\.version '9\.9'\..* 4\.3-IV0$/m],
    [dynamic, ['-s', '-r', '4.0', '-f', 'metadata.version=25'], /^Use --release-version instead of --feature/],
    [
      dynamic,
      ['-s', '-r', '3.3', '-f', 'eligible.leader.replicas.version=1'],
      /because it depends on metadata\.version level 23/,
    ],
    [
      dynamic,
      ['-s', '--add-scram', 'SCRAM-SHA-256=[name=a,password=b,iterations=5]'],
      /must be >= 4096 .* SCRAM_SHA_256/,
    ],
    [
      dynamic,
      ['-s', '--add-scram', 'SCRAM-SHA-256=[name=a,salt=!,saltedpassword=b]'],
      /^Failed to decode given salt: !/,
    ],
    [dynamic, ['-I', '1@h:1'], /^No colon following port could be found\.$/m],
    [dynamic, ['-I', `1@h:1:${DIRECTORY_ID},1@h:1:${DIRECTORY_ID}`], /^Node id 1 was specified more than once\.$/m],
  ]
  for (const [path, args, message] of cases) {
    const { code, stdout, stderr } = await format(path, ...args)
    assert.deepEqual([code, stdout], [1, ''], args.join(' '))
    assert.match(stderr, message)
  }
  const { stdout } = await run(['kafka-storage', 'info', '-c', dynamic])
  assert.match(stdout, /three does not exist/)
  const missing = await run(['kafka-storage', 'info', '-c', 'nope.properties'])
  assert.deepEqual([missing.code, missing.stderr], [1, 'nope.properties\n'])
})
