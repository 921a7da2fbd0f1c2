/** The small files, and the names of all. What Apache Kafka writes is spelled out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '@ottla/io/memory'
import {
  decodeCleanShutdown,
  decodeEpochCheckpoint,
  decodeOffsetCheckpoint,
  decodePartitionMetadata,
  encodeCleanShutdown,
  encodeEpochCheckpoint,
  encodeOffsetCheckpoint,
  encodePartitionMetadata,
} from './checkpoints.ts'
import { folderNameWithState, offsetName, parseFolderName, parseLogFileName } from './file-names.ts'
import { decodeMetaProperties, encodeMetaProperties } from './meta-properties.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const text = (encoded: Uint8Array): string => Buffer.from(encoded).toString()

test('offset checkpoints', () => {
  const encoded = encodeOffsetCheckpoint([
    [{ topic: 'a.b_c-d', partition: 3 }, 12],
    [{ topic: 't', partition: 0 }, 0],
  ])
  assert.equal(text(encoded), '0\n2\na.b_c-d 3 12\nt 0 0\n')
  assert.deepEqual(
    [...decodeOffsetCheckpoint(encoded)],
    [
      ['a.b_c-d-3', 12],
      ['t-0', 0],
    ],
  )
  assert.deepEqual([...decodeOffsetCheckpoint(bytes(''))], [])
  assert.deepEqual([...decodeOffsetCheckpoint(bytes('0\n0\n'))], [])
  for (const bad of [
    '1\n0\n',
    'x\n',
    '0\n2\nt 0 1\n',
    '0\n1\nt 0\n',
    '0\n1\nt 0 x\n',
    '0\n1\nt 0 99999999999999999\n',
  ]) {
    assert.throws(() => decodeOffsetCheckpoint(bytes(bad)), Error, bad)
  }
})

test('the leader epoch checkpoint', () => {
  const encoded = encodeEpochCheckpoint([
    { epoch: 0, startOffset: 0 },
    { epoch: 2, startOffset: 21769 },
  ])
  assert.equal(text(encoded), '0\n2\n0 0\n2 21769\n')
  assert.deepEqual(decodeEpochCheckpoint(encoded)[1], { epoch: 2, startOffset: 21769 })
  for (const bad of ['0\n1\n1 2 3\n', '0\n1\n-1 2\n', '0\n1\n1 -2\n']) {
    assert.throws(() => decodeEpochCheckpoint(bytes(bad)), Error, bad)
  }
})

test('partition.metadata', () => {
  assert.equal(text(encodePartitionMetadata('hEWX23RUQRWjR8R3UAnLvA')), 'version: 0\ntopic_id: hEWX23RUQRWjR8R3UAnLvA')
  assert.equal(
    decodePartitionMetadata(bytes('version: 0\ntopic_id: hEWX23RUQRWjR8R3UAnLvA\n')),
    'hEWX23RUQRWjR8R3UAnLvA',
  )
  assert.equal(
    decodePartitionMetadata(bytes('version: 1\ntopic_id: hEWX23RUQRWjR8R3UAnLvA\nmore: 1')),
    'hEWX23RUQRWjR8R3UAnLvA',
  )
  for (const bad of [
    '',
    'version: 0',
    'version: x\ntopic_id: hEWX23RUQRWjR8R3UAnLvA',
    'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA',
  ]) {
    assert.throws(() => decodePartitionMetadata(bytes(bad)), Error, bad)
  }
})

test('.kafka_cleanshutdown', () => {
  assert.equal(text(encodeCleanShutdown(278)), '{"version":0,"brokerEpoch":278}')
  assert.equal(decodeCleanShutdown(encodeCleanShutdown(278)), 278)
  for (const unknown of ['', '{', '[]', 'null', '{"version":0}']) assert.equal(decodeCleanShutdown(bytes(unknown)), -1)
})

test('meta.properties', () => {
  const apache =
    '#\n#Sat Nov 21 07:49:46 UTC 2026\nnode.id=1\ndirectory.id=hZbovL3YB5jpRCNa8dHzHA\nversion=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qk\n'
  const properties = {
    version: 1,
    clusterId: 'MkU3OEVBNTcwNTJENDM2Qk',
    nodeId: 1,
    directoryId: 'hZbovL3YB5jpRCNa8dHzHA',
  } as const
  assert.deepEqual(decodeMetaProperties(bytes(apache)), properties)
  assert.deepEqual(decodeMetaProperties(encodeMetaProperties(properties)), properties)
  assert.deepEqual(decodeMetaProperties(bytes('version = 0\r\nbroker.id: 5\r\n! note')), {
    version: 0,
    clusterId: null,
    nodeId: 5,
    directoryId: null,
  })
  assert.equal(decodeMetaProperties(bytes('cluster.id=a\\=b\\u0041\nversion=0')).clusterId, 'a=bA')
  for (const bad of [
    'version=2',
    'version=1\nnode.id=1',
    'version=1\ncluster.id=x',
    'version=1\ncluster.id=x\nnode.id=y',
  ]) {
    assert.throws(() => decodeMetaProperties(bytes(bad)), Error, bad)
  }
})

test('names of files', () => {
  assert.equal(offsetName(123), '00000000000000000123')
  assert.deepEqual(parseLogFileName('00000000000000000123.timeindex.swap'), {
    offset: 123,
    kind: '.timeindex',
    state: '.swap',
  })
  for (const other of [
    '00000000000000000100-0000000002.checkpoint',
    'quorum-state',
    '1.log.tmp',
    '99999999999999999999.log',
  ]) {
    assert.equal(parseLogFileName(other), null, other)
  }
})

test('names of folders', () => {
  assert.deepEqual(parseFolderName('my-topic-12'), { topic: 'my-topic', partition: 12, state: 'live' })
  assert.deepEqual(parseFolderName('t.x-1.0123456789abcdef0123456789abcdef-delete'), {
    topic: 't.x',
    partition: 1,
    state: 'delete',
  })
  assert.equal(parseFolderName('t-1.abc-stray')?.state, 'stray')
  assert.equal(parseFolderName('t-1.abc-future')?.state, 'future')
  for (const other of ['topic', '-1', 'topic-', 'topic-x', 'topic-9999999999'])
    assert.equal(parseFolderName(other), null, other)
  const random = new SeededRandom(1)
  const long = folderNameWithState({ topic: 'x'.repeat(249), partition: 0 }, 'delete', random)
  assert.equal(long.length, 255)
  assert.match(long, /^x+-0\.[0-9a-f]{32}-delete$/)
  assert.match(folderNameWithState({ topic: 't', partition: 7 }, 'future', random), /^t-7\.[0-9a-f]{32}-future$/)
})
