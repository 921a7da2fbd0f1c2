/**
 * The metadata shell over a snapshot with a record of every kind: `tree /image` prints what Java's printed of the same file
 * (`fixtures/metadata-shell.txt`). `OTTLA_KEEP=FILE` keeps the snapshot, so that Java's can be asked again.
 */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { metadataRecord } from '@ottla/broker/image'
import { nodeWorld } from '@ottla/io'
import { encodeBatch, encodeMetadataRecord } from '@ottla/protocol'
import { run } from '../../testing/command.ts'
import { columnWidths } from './commands.ts'
import { completions, wordsOf } from './interactive.ts'
import { directory, file } from './nodes.ts'
import { globPattern } from './paths.ts'

const ID = 'AAAAAAAAAAAAAAAAAAAAZQ'
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAZg'
const DIR = 'MkU3OEVBNTcwNTJENDM2Qg'
/** Java compares ids as two signed numbers. */
const NEGATIVE_ID = '_kU3OEVBNTcwNTJENDM2Qg'

let folder: string
let snapshot: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ottla-metadata-shell-'))
  snapshot = join(folder, '__cluster_metadata-0/00000000000000000100-0000000003.checkpoint')
  mkdirSync(dirname(snapshot))
  writeFileSync(snapshot, batchOf(records()))
  if (process.env.OTTLA_KEEP) copyFileSync(snapshot, process.env.OTTLA_KEEP)
})
after(() => rmSync(folder, { recursive: true }))

function batchOf(all: readonly Uint8Array[]): Uint8Array {
  const timestamp = Date.UTC(2026, 0, 31, 12, 0, 5, 100)
  return encodeBatch(
    all.map(value => ({ value, timestamp })),
    { baseOffset: 0, partitionLeaderEpoch: 3 },
  )
}

function records(): Uint8Array[] {
  const partition = { topicId: ID, replicas: [1, 2], isr: [2], leader: 2, leaderEpoch: 4, partitionEpoch: 5 }
  const acl = { resourceName: 'a "b"', principal: 'User:x', host: '*' }
  const bytes = (...values: number[]) => Uint8Array.from(values)
  const endPoint = (name: string, securityProtocol: number) => ({ name, host: 'h', port: 9092, securityProtocol })
  const quota = (entity: [string, string | null][], key: string, value: number) =>
    metadataRecord('ClientQuotaRecord', 0, {
      entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
      ...{ key, value, remove: false },
    })
  return [
    metadataRecord('FeatureLevelRecord', 0, { name: 'metadata.version', featureLevel: 30 }),
    metadataRecord('FeatureLevelRecord', 0, { name: 'share.version', featureLevel: 1 }),
    metadataRecord('RegisterBrokerRecord', 4, {
      ...{ brokerId: 1, brokerEpoch: 7, incarnationId: ID, rack: 'r1', fenced: false, logDirs: [DIR, NEGATIVE_ID, ID] },
      endPoints: [endPoint('SASL', 3), endPoint('PLAINTEXT', 0)],
      features: [
        { name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 },
        { name: 'group.version', minSupportedVersion: 1, maxSupportedVersion: 1 },
        { name: 'later', minSupportedVersion: 2, maxSupportedVersion: 32767 },
      ],
      cordonedLogDirs: [DIR, NEGATIVE_ID, ID],
    }),
    metadataRecord('RegisterBrokerRecord', 1, { brokerId: 2, brokerEpoch: 8, incarnationId: OTHER_ID, fenced: true }),
    metadataRecord('RegisterControllerRecord', 0, {
      ...{ controllerId: 3, incarnationId: ID, zkMigrationReady: false },
      endPoints: [endPoint('CONTROLLER', 1)],
      features: [{ name: 'kraft.version', minSupportedVersion: 0, maxSupportedVersion: 1 }],
    }),
    metadataRecord('TopicRecord', 0, { name: 'orders', topicId: ID }),
    metadataRecord('TopicRecord', 0, { name: 'later', topicId: OTHER_ID }),
    metadataRecord('PartitionRecord', 2, { ...partition, partitionId: 0, directories: [DIR, ID] }),
    metadataRecord('PartitionRecord', 2, {
      ...{ ...partition, partitionId: 1, directories: [DIR, ID], removingReplicas: [1], addingReplicas: [2] },
      ...{ eligibleLeaderReplicas: [1], lastKnownElr: [1, 2], leaderRecoveryState: 1 },
    }),
    metadataRecord('ConfigRecord', 0, { resourceType: 2, resourceName: 'orders', name: 'retention.ms', value: '5' }),
    metadataRecord('ConfigRecord', 0, { resourceType: 4, resourceName: '', name: 'log.retention.ms', value: '6' }),
    metadataRecord('ConfigRecord', 0, { resourceType: 4, resourceName: '1', name: 'log.retention.ms', value: '7' }),
    metadataRecord('ConfigRecord', 0, { resourceType: 16, resourceName: 'm', name: 'metrics', value: '*' }),
    metadataRecord('ConfigRecord', 0, {
      resourceType: 32,
      resourceName: 'g',
      name: 'share.auto.offset.reset',
      value: '',
    }),
    quota([['user', 'a(b)\\']], 'producer_byte_rate', 1024.5),
    quota(
      [
        ['user', 'u'],
        ['client-id', 'c'],
      ],
      'consumer_byte_rate',
      12345678,
    ),
    quota([['ip', '127.0.0.1']], 'connection_creation_rate', 0.0001),
    metadataRecord('ProducerIdsRecord', 0, { brokerId: 1, brokerEpoch: 7, nextProducerId: 2000 }),
    metadataRecord('AccessControlEntryRecord', 0, {
      ...{ ...acl, id: ID, resourceType: 2, patternType: 4, operation: 15, permissionType: 3 },
    }),
    metadataRecord('AccessControlEntryRecord', 0, {
      ...{ ...acl, id: OTHER_ID, resourceType: 7, patternType: 3, operation: 10, permissionType: 2 },
    }),
    metadataRecord('UserScramCredentialRecord', 0, {
      ...{ name: 'alice', mechanism: 2, iterations: 8192 },
      ...{ salt: bytes(1, 255), storedKey: bytes(16), serverKey: bytes() },
    }),
    metadataRecord('DelegationTokenRecord', 0, {
      ...{ owner: 'User:o', requester: 'User:r', renewers: ['User:a', 'User:b'], tokenId: 'tok' },
      ...{ issueTimestamp: 1, maxTimestamp: 2, expirationTimestamp: 3 },
    }),
  ].map(encodeMetadataRecord)
}

function shell(...words: string[]) {
  return run(['kafka-metadata-shell', '--snapshot', snapshot, ...words])
}

test('a record of every kind is shown as Java shows it', async () => {
  const { code, stdout, stderr } = await shell('tree', '/image')
  assert.equal(stdout, readFileSync(join(import.meta.dirname, '../../fixtures/metadata-shell.txt'), 'utf8'))
  assert.deepEqual([code, stderr], [0, ''])
})

test('commands go through directories, and tell what is wrong', async () => {
  const input = ['cd image/topics/byName', 'pwd', 'ls o*', 'cat orders/name nope', 'foo', 'history 2', 'exit', 'ls']
  const { code, stdout } = await run(['kafka-metadata-shell', '-s', snapshot], { input: `${input.join('\n')}\n` })
  const choices = "'cat', 'cd', 'exit', 'find', 'help', 'history', 'ls', 'man', 'pwd', 'tree'"
  const expected = [
    ...['Loading...', 'Starting...', '[ Kafka Metadata Shell ]', '>> >> /image/topics/byName'],
    ...['>> 0', '1', 'id', 'name', '>> orders', 'cat: nope: No such file or directory.'],
    ...[`>> invalid choice: 'foo' (choose from ${choices})`, '>>     4  foo', '    5  history 2', '>> '],
  ]
  assert.equal(stdout, expected.join('\n'))
  assert.equal(code, 0)
  assert.equal((await shell('cd', '/')).stdout, "invalid choice: 'cd' (choose from 'cat', 'find', 'ls', 'tree')\n")
})

test('a log dir that is in use is left alone', async () => {
  const lock = join(folder, '.lock')
  writeFileSync(lock, '')
  const held = await nodeWorld({ logger: { level: 'error' } }).disk.lock(lock)
  const { code, stderr } = await shell('ls')
  await held![Symbol.asyncDispose]()
  assert.equal(code, 1)
  assert.match(stderr, /^Unexpected error: Unable to lock .*\. Please ensure that no broker or controller process/)
  assert.equal((await shell('ls', '/')).stdout, 'image\nlocal\n')
})

test('what is broken or not there is told', async () => {
  const broken = join(folder, 'broken.log')
  const all = records()
  const change = metadataRecord('PartitionChangeRecord', 2, { topicId: DIR, partitionId: 0 })
  writeFileSync(
    broken,
    batchOf([...all.slice(0, 2), Uint8Array.of(9), encodeMetadataRecord(change), ...all.slice(5, 6)]),
  )
  const { code, stdout, stderr } = await run(['kafka-metadata-shell', '-s', broken, 'ls', '/image/topics/byName'])
  assert.deepEqual([code, stdout], [0, 'orders\n'])
  assert.match(stderr, /^unable to read metadata record at offset 2: .*\nError loading .* offset 3: /s)
  const missing = await run(['kafka-metadata-shell', '-s', join(folder, 'nope'), 'ls'])
  assert.equal(missing.code, 1)
  assert.match(missing.stderr, /^Unexpected error: java\.nio\.file\.NoSuchFileException: .*nope$/m)
})

test('words, patterns, columns and completions', () => {
  assert.deepEqual(wordsOf(` ls  "a b" c\\ d 'e"f' ""`), ['ls', 'a b', 'c d', 'e"f'])
  assert.equal(globPattern('a.b'), null)
  assert.equal(globPattern('{a'), null)
  assert.match('a.b1', globPattern('a.?{1,2}')!)
  assert.doesNotMatch('axb1', globPattern('a.b*')!)
  assert.deepEqual(columnWidths(['one', 'two', 'three'], null), [0])
  assert.deepEqual(columnWidths(['one', 'two', 'three'], 80), [5, 5, 7])
  assert.deepEqual(columnWidths(['one', 'two', 'three'], 12), [5, 7])
  const root = directory({ a: () => directory({ b: () => file(() => 'x'), bb: () => directory({}) }) })
  const state = { root, workingDirectory: '/a', width: null, history: [], print: () => {} }
  assert.deepEqual(completions('ca', state), [['cat'], 'ca'])
  assert.deepEqual(completions('cat b', state), [['b', 'bb/'], 'b'])
  assert.deepEqual(completions('cat /a/bb', state), [['/a/bb/'], '/a/bb'])
})
