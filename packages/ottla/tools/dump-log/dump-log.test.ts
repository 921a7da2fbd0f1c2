/**
 * `kafka-dump-log` over a folder that Apache Kafka left: stdout is what Java's printed (`fixtures/dump-log.txt`). Over all
 * that brokers write, internal topics too, test/interop holds it to what Java's prints there and then.
 */
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { consumerOffsetsTopic } from '@ottla/protocol/logrecords/internal-topic-record'
import { run } from '../../testing/command.ts'
import { clusterMetadataDecoder, offsetsDecoder } from './decoders.ts'

const PACKAGES = join(import.meta.dirname, '../../..')
const LOG = join(PACKAGES, 'log/fixtures/apache-killed/transactions-0')
const SEGMENT = '00000000000000000117'

function dump(cwd: string, ...args: string[]) {
  return run(['kafka-dump-log', ...args], { cwd })
}

test('segment, indexes, aborted transactions and producers are shown as Java shows them', async () => {
  const files = ['.log', '.index', '.timeindex', '.txnindex', '.snapshot'].map(suffix => SEGMENT + suffix)
  const all = [...files, '00000000000000000228.index', 'leader-epoch-checkpoint'].join(',')
  const { code, stdout, stderr } = await dump(LOG, '--deep-iteration', '--files', all)
  assert.equal(stdout, readFileSync(join(PACKAGES, 'ottla/fixtures/dump-log.txt'), 'utf8'))
  assert.equal(
    stderr,
    `Ignoring unknown file leader-epoch-checkpoint\nNon-consecutive offsets in ${LOG}/${SEGMENT}.log\n  -1 is followed by 117\n`,
  )
  assert.equal(code, 0)
})

test('what is damaged is told, and what comes before it is shown', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-dump-log-'))
  try {
    for (const suffix of ['.log', '.index', '.timeindex', '.snapshot'])
      copyFileSync(join(LOG, SEGMENT + suffix), join(folder, SEGMENT + suffix))
    const log = join(folder, `${SEGMENT}.log`)
    const bytes = readFileSync(log)
    const second = bytes.readInt32BE(8) + 12
    bytes[second + 100]! ^= 1
    writeFileSync(log, bytes.subarray(0, -10))
    const shallow = await dump(folder, '--files', `${SEGMENT}.log`)
    assert.equal(shallow.stdout.match(/isvalid: false/g)?.length, 1)
    assert.match(shallow.stdout, /Found \d+ invalid bytes at the end of 0+117\.log\n$/)
    assert.equal((await dump(folder, '--max-bytes', '500', '--files', log)).stdout.match(/magic/g)?.length, 3)
    bytes.writeInt32BE(3, second + 8)
    writeFileSync(log, bytes)
    const broken = await dump(folder, '--files', `${SEGMENT}.log`)
    assert.equal(broken.code, 1)
    assert.match(broken.stdout, /^baseOffset: 117 /m)
    assert.match(
      broken.stderr,
      /^Found record size 3 smaller than minimum record overhead \(14\) in file 0+117\.log\.$/m,
    )
    writeFileSync(join(folder, `${SEGMENT}.index`), 'abc', { flag: 'a' })
    const index = await dump(folder, '--index-sanity-check', '--files', `${SEGMENT}.index`)
    assert.match(index.stderr, /is corrupt, found \d+ bytes which is neither positive nor a multiple of 8/)
    writeFileSync(join(folder, `${SEGMENT}.snapshot`), Buffer.alloc(20))
    const snapshot = await dump(folder, '--files', `${SEGMENT}.snapshot`)
    assert.deepEqual([snapshot.code, snapshot.stdout], [0, `Dumping ${SEGMENT}.snapshot\n`])
    assert.equal(snapshot.stderr, 'Snapshot failed schema validation: Snapshot contained an unknown file version 0\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what a classic group keeps of its members is JSON, too', () => {
  const bytes = (hex: string) => Buffer.from(hex, 'hex')
  const { key, value } = consumerOffsetsTopic.encode({
    type: 'GroupMetadata',
    key: { group: 'g' },
    version: 3,
    value: {
      ...{ protocolType: 'consumer', generation: 1, protocol: 'range', leader: 'm', currentStateTimestamp: 5 },
      members: [
        {
          ...{ memberId: 'm', groupInstanceId: null, clientId: 'c', clientHost: '/h' },
          ...{ rebalanceTimeout: 1, sessionTimeout: 2 },
          subscription: bytes('0001000000010001780000000000000000'),
          assignment: bytes('ff'),
        },
      ],
    },
  })
  const shown = offsetsDecoder({ offset: 7, timestamp: 0, key, value, headers: [], attributes: 0 })
  assert.equal(shown.key, '{"type":"2","data":{"group":"g"}}')
  assert.match(
    shown.value!,
    /"subscription":\{"topics":\["x"\],"userData":"","ownedPartitions":\[\]\},"assignment":"\/w=="/,
  )
  const tombstone = offsetsDecoder({ offset: 7, timestamp: 0, key, value: null, headers: [], attributes: 0 })
  assert.equal(tombstone.value, '<DELETE>')
  const later = offsetsDecoder({ offset: 7, timestamp: 0, key: bytes('0063'), value, headers: [], attributes: 0 })
  assert.deepEqual(later, { key: 'Unknown record type 99 at offset 7, skipping.', value: null })
  const broken = clusterMetadataDecoder({
    offset: 7,
    timestamp: 0,
    key,
    value: bytes('01'),
    headers: [],
    attributes: 0,
  })
  assert.match(broken.value!, /^Error at 7, skipping\. /)
})
