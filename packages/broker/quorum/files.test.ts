import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryWorld } from '@ottla/io/memory'
import { ZERO_UUID } from '@ottla/protocol'
import fc from 'fast-check'
import { type MetadataRecord, metadataRecord } from '../image/index.ts'
import { decodeBatches, encodeControlBatch, encodeDataBatches, type MetadataBatch } from './batches.ts'
import { parseQuorumState, quorumStateText } from './quorum-state.ts'
import { parseSnapshotName, readSnapshot, snapshotName, writeSnapshot } from './snapshot-files.ts'
import { isOutdated, makeVoter, parseInitialControllers } from './voters.ts'

const VOTER = makeVoter(1, 'kRBbkXYzT1uBB_0O2FeZtQ', [{ name: 'CONTROLLER', host: 'localhost', port: 9093 }])

const arbitraryRecord: fc.Arbitrary<MetadataRecord> = fc.oneof(
  fc
    .record({ name: fc.string({ maxLength: 20 }), value: fc.option(fc.string({ maxLength: 50 })) })
    .map(config => metadataRecord('ConfigRecord', 0, { resourceType: 2, resourceName: 'a', ...config })),
  fc.nat(100).map(brokerId => metadataRecord('ProducerIdsRecord', 0, { brokerId, brokerEpoch: 7, nextProducerId: 1 })),
  fc.constant(metadataRecord('NoOpRecord', 0, {})),
)

test('data batches hold what was put into them, at its offsets', () => {
  const arbitraryPlace = fc.record({
    baseOffset: fc.nat(2 ** 40),
    epoch: fc.nat(2 ** 31 - 1),
    timestampMs: fc.nat(2 ** 42),
  })
  fc.assert(
    fc.property(fc.array(arbitraryRecord, { minLength: 1, maxLength: 20 }), arbitraryPlace, (records, place) => {
      const [{ bytes, batch }] = [...encodeDataBatches(records, place, true)] as [
        { bytes: Uint8Array; batch: MetadataBatch },
      ]
      assert.deepEqual([...decodeBatches(bytes)], [batch])
      assert.deepEqual(batch.records, records)
      assert.equal(batch.lastOffset, place.baseOffset + records.length - 1)
    }),
  )
})

test('control batches too', () => {
  const { bytes, batch } = encodeControlBatch(
    [
      {
        type: 'LeaderChange',
        value: {
          version: 0,
          leaderId: 1,
          voters: [{ voterId: 1, voterDirectoryId: ZERO_UUID }],
          grantingVoters: [],
        },
      },
      { type: 'KRaftVersion', value: { version: 0, kRaftVersion: 1 } },
      { type: 'Voters', value: { version: 0, voters: [VOTER] } },
    ],
    { baseOffset: 3, epoch: 2, timestampMs: 5 },
  )
  const [decoded] = [...decodeBatches(bytes)]
  assert.equal(decoded!.lastOffset, 5)
  assert.equal(batch.sizeInBytes, bytes.length)
  assert.deepEqual(
    decoded!.controls.map(({ type }) => type),
    ['LeaderChange', 'KRaftVersion', 'Voters'],
  )
  const voters = decoded!.controls[2]!
  assert.deepEqual(voters.type === 'Voters' && voters.value.voters, [VOTER])
})

test('quorum-state is written as Apache Kafka writes it', () => {
  const state = { leaderEpoch: 3, leaderId: 1, votedId: -1, votedDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA' }
  const one = '{"leaderId":1,"leaderEpoch":3,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}'
  const zero =
    '{"clusterId":"","leaderId":1,"leaderEpoch":3,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}'
  assert.equal(quorumStateText(state, 1, [1]), one)
  assert.equal(quorumStateText(state, 0, [1]), zero)
  assert.deepEqual(parseQuorumState(one, 'f'), state)
  assert.deepEqual(parseQuorumState(zero, 'f'), state)
})

test('a quorum-state that is not one is an error that names the file', () => {
  const good =
    '{"leaderId":1,"leaderEpoch":3,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}'
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '7',
    good.replace('1}', '2}'),
    good.replace('3', '"3"'),
    good.replace('3', '-7'),
  ]) {
    assert.throws(() => parseQuorumState(text, '/d/quorum-state'), {
      code: 'ERR_BROKEN_FILE',
      message: /^\/d\/quorum-state: /,
    })
  }
})

test('snapshot names', () => {
  const id = { endOffset: 12345, epoch: 67 }
  assert.equal(snapshotName(id), '00000000000000012345-0000000067.checkpoint')
  assert.deepEqual(parseSnapshotName(snapshotName(id)), { name: snapshotName(id), id, isGarbage: false })
  for (const name of [
    '00000000000000012345-0000000067.checkpoint.part',
    '00000000000000012345-0000000067-1234.checkpoint.part',
    '00000000000000012345-0000000067.checkpoint.deleted',
  ]) {
    assert.deepEqual(parseSnapshotName(name), { name, id, isGarbage: true })
  }
  for (const name of ['00000000000000000000.log', 'quorum-state', 'bootstrap.checkpoint', '1-2.checkpoint']) {
    assert.equal(parseSnapshotName(name), null)
  }
})

async function snapshotOf(records: readonly MetadataRecord[], world = memoryWorld({ clock: 'real' })) {
  const { disk } = world
  await disk.makeDirectory('/d')
  const content = { epoch: 2, lastContainedLogTimestamp: 77, kraftVersion: 1, voters: [VOTER], records, nowMs: 99 }
  const size = await writeSnapshot(world, '/d', 's.checkpoint', content)
  return { disk, path: '/d/s.checkpoint', size }
}

async function readAll(disk: ReturnType<typeof memoryWorld>['disk'], path: string): Promise<MetadataBatch[]> {
  const batches: MetadataBatch[] = []
  for await (const batch of readSnapshot(disk, path)) batches.push(batch)
  return batches
}

test('a large snapshot is written over many turns of the event loop', async () => {
  const records = Array.from({ length: 5000 }, () => metadataRecord('NoOpRecord', 0, {}))
  const world = memoryWorld({ clock: 'real' })
  let turns = 0
  let isWritten = false
  const count = () => {
    turns++
    if (!isWritten) world.clock.nextTurn(count)
  }
  count()
  await snapshotOf(records, world)
  isWritten = true
  assert.ok(turns >= 10, `${turns} turns`)
})

test('a snapshot that cannot be written whole leaves nothing in the way', async () => {
  for (const operation of ['write', 'sync', 'rename'] as const) {
    const world = memoryWorld({ clock: 'real' })
    world.disk.inject({ operation, code: 'ENOSPC' })
    await assert.rejects(snapshotOf([], world), { code: 'ENOSPC' })
    assert.deepEqual(await world.disk.list('/d'), [])
  }
})

test('a snapshot says what it holds: a header, the voters, the records, a footer', async () => {
  const records = Array.from({ length: 1234 }, (_, i) =>
    metadataRecord('TopicRecord', 0, { name: `t${i}`, topicId: `${'a'.repeat(16)}${String(i).padStart(5, '0')}A` }),
  )
  const { disk, path, size } = await snapshotOf(records)
  assert.equal((await disk.stat(path))!.size, size)
  const batches = await readAll(disk, path)
  assert.deepEqual(
    batches.flatMap(({ controls }) => controls.map(({ type }) => type)),
    ['SnapshotHeader', 'KRaftVersion', 'Voters', 'SnapshotFooter'],
  )
  assert.deepEqual(
    batches.flatMap(batch => batch.records),
    records,
  )
  let offset = 0
  for (const { baseOffset, lastOffset, epoch, timestampMs } of batches) {
    assert.equal(baseOffset, offset)
    assert.deepEqual([epoch, timestampMs], [2, 99])
    offset = lastOffset + 1
  }
  assert.deepEqual(
    (await disk.list('/d')).map(({ name }) => name),
    ['s.checkpoint'],
  )
})

test('a snapshot of one huge batch is read as well as one of many', async () => {
  const value = 'x'.repeat(30_000)
  const records = Array.from({ length: 700 }, (_, i) =>
    metadataRecord('ConfigRecord', 0, { resourceType: 2, resourceName: `t${i}`, name: 'a', value }),
  )
  const { disk, path } = await snapshotOf(records)
  assert.equal((await readAll(disk, path)).flatMap(batch => batch.records).length, 700)
})

test('a snapshot that is damaged anywhere is an error, never a part of the truth', async () => {
  const records = [
    metadataRecord('NoOpRecord', 0, {}),
    metadataRecord('TopicRecord', 0, { name: 'a', topicId: VOTER.voterDirectoryId }),
  ]
  const { disk, path, size } = await snapshotOf(records)
  const bytes = await disk.readFile(path)
  const broken = { name: 'MetadataError', code: 'ERR_BROKEN_FILE', message: /^\/d\/damaged: / }
  const readDamaged = async (damaged: Uint8Array) => {
    await disk.writeFileAtomic('/d/damaged', damaged)
    return await readAll(disk, '/d/damaged')
  }
  for (let length = 0; length < size; length++) await assert.rejects(readDamaged(bytes.subarray(0, length)), broken)
  for (let at = 0; at < size; at++) {
    for (const bit of [1, 0x80]) {
      const damaged = new Uint8Array(bytes)
      damaged[at]! ^= bit
      // What the checksum does not cover is where the batch lies, and its epoch: nothing is taken from there.
      const outcome = await readDamaged(damaged).then(
        batches => batches.flatMap(batch => batch.records),
        error => error as Error,
      )
      if (outcome instanceof Error) assert.match(outcome.message, broken.message)
      else assert.deepEqual(outcome, records)
    }
  }
  await assert.rejects(readDamaged(Buffer.concat([bytes, bytes])), broken)
})

test('initial controllers are read as the storage tool reads them', () => {
  const id = VOTER.voterDirectoryId
  const voters = parseInitialControllers(`2@[::1]:9094:${id}, 1@host.example:9093:${id}`, 'CONTROLLER')
  assert.deepEqual(
    voters.map(({ voterId, endpoints }) => [voterId, endpoints]),
    [
      [1, [{ name: 'CONTROLLER', host: 'host.example', port: 9093 }]],
      [2, [{ name: 'CONTROLLER', host: '::1', port: 9094 }]],
    ],
  )
  for (const text of [
    '',
    '1',
    `1@a:9093`,
    `x@a:1:${id}`,
    `1@a:70000:${id}`,
    `1@a:1:${id},1@b:1:${id}`,
    `1@a:1:short`,
  ]) {
    assert.throws(() => parseInitialControllers(text, 'CONTROLLER'), { code: 'ERR_CANNOT_FORMAT' })
  }
})

test('a voter is outdated when it can be reached elsewhere', () => {
  const { voterDirectoryId } = VOTER
  const at = (...ports: number[]) =>
    makeVoter(
      1,
      voterDirectoryId,
      ports.map(port => ({ name: `L${port}`, host: 'h', port })),
    )
  assert.equal(isOutdated(at(1, 2), at(2, 1)), false)
  assert.equal(isOutdated(at(1, 2), at(1)), true)
  const later = { ...at(1), kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 2 } }
  assert.equal(isOutdated(at(1), later), true)
})
