/** What clients are told when a whole request fails: an API either has a place for that, or says it of each thing asked for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeResponse, ErrorCode, encodeResponse, type Init, type Message, ZERO_UUID } from '@ottla/protocol'
import type { Handler } from './handler.ts'
import { BROKER_HANDLERS } from './index.ts'

const FAILURE = { errorCode: ErrorCode.REQUEST_TIMED_OUT, errorMessage: 'too late' }

/** What an API without one place for an error is asked for: two things, so that both have to be in the response. */
const REQUESTS: Record<string, (version: number) => object> = {
  Produce: () => ({
    acks: -1,
    topicData: [{ name: 't', topicId: ZERO_UUID, partitionData: [{ index: 3 }, { index: 4 }] }],
  }),
  Fetch: version => ({
    sessionId: version >= 7 ? 7 : 0,
    topics: [{ topic: 't', partitions: [{ partition: 3 }, { partition: 4 }] }],
  }),
  ListOffsets: () => ({ topics: [{ name: 't', partitions: [{ partitionIndex: 3 }, { partitionIndex: 4 }] }] }),
  Metadata: () => ({
    topics: [
      { name: 't', topicId: ZERO_UUID },
      { name: 'u', topicId: ZERO_UUID },
    ],
  }),
  OffsetCommit: () => ({
    topics: [{ name: 't', topicId: ZERO_UUID, partitions: [{ partitionIndex: 3 }, { partitionIndex: 4 }] }],
  }),
  OffsetFetch: version =>
    version >= 8
      ? { groups: [{ groupId: 'g' }, { groupId: 'h' }], topics: [] }
      : { groups: [], topics: [{ name: 't', partitionIndexes: [3, 4] }] },
  FindCoordinator: () => ({ key: 'g', coordinatorKeys: ['g', 'h'] }),
  ConsumerGroupDescribe: () => ({ groupIds: ['a', 'b'] }),
  DescribeGroups: () => ({ groups: ['g', 'h'] }),
  DeleteGroups: () => ({ groupsNames: ['g', 'h'] }),
  CreateTopics: () => ({ topics: [{ name: 't' }, { name: 'u' }] }),
  DeleteTopics: version =>
    version >= 6
      ? {
          topics: [
            { name: 't', topicId: ZERO_UUID },
            { name: 'u', topicId: ZERO_UUID },
          ],
          topicNames: [],
        }
      : { topics: [], topicNames: ['t', 'u'] },
  CreateAcls: () => ({ creations: [{ resourceName: 't' }, { resourceName: 'u' }] }),
  DeleteAcls: () => ({ filters: [{ operation: 2 }, { operation: 3 }] }),
  CreatePartitions: () => ({ topics: [{ name: 't' }, { name: 'u' }] }),
  DeleteRecords: () => ({ topics: [{ name: 't', partitions: [{ partitionIndex: 3 }, { partitionIndex: 4 }] }] }),
  AlterReplicaLogDirs: () => ({ dirs: [{ path: '/d', topics: [{ name: 't', partitions: [3, 4] }] }] }),
  OffsetForLeaderEpoch: () => ({ topics: [{ topic: 't', partitions: [{ partition: 3 }, { partition: 4 }] }] }),
  AddPartitionsToTxn: () => ({ v3AndBelowTopics: [{ name: 't', partitions: [3, 4] }] }),
  TxnOffsetCommit: () => ({ topics: [{ name: 't', partitions: [{ partitionIndex: 3 }, { partitionIndex: 4 }] }] }),
  WriteTxnMarkers: () => ({ markers: [{ producerId: 1, topics: [{ name: 't', partitionIndexes: [3, 4] }] }] }),
  DescribeProducers: () => ({ topics: [{ name: 't', partitionIndexes: [3, 4] }] }),
  DescribeTransactions: () => ({ transactionalIds: ['a', 'b'] }),
  DescribeConfigs: () => resources,
  AlterConfigs: () => resources,
  IncrementalAlterConfigs: () => resources,
  ElectLeaders: () => ({ topicPartitions: [{ topic: 't', partitions: [3, 4] }] }),
  AlterPartitionReassignments: () => ({
    topics: [{ name: 't', partitions: [{ partitionIndex: 3 }, { partitionIndex: 4 }] }],
  }),
  DescribeClientQuotas: () => ({}),
  AlterClientQuotas: () => ({ entries: [{ entity: [] }, { entity: [{ entityType: 'user', entityName: null }] }] }),
  AlterUserScramCredentials: () => ({ deletions: [{ name: 't' }], upsertions: [{ name: 't' }, { name: 'u' }] }),
  DescribeTopicPartitions: () => ({ topics: [{ name: 't' }, { name: 'u' }] }),
  StreamsGroupDescribe: () => ({ groupIds: ['g', 'h'] }),
  ShareFetch: () => ({}),
  ShareAcknowledge: () => ({}),
  ShareGroupDescribe: () => ({ groupIds: ['g', 'h'] }),
  InitializeShareGroupState: () => shareState,
  ReadShareGroupState: () => shareState,
  WriteShareGroupState: () => shareState,
  DeleteShareGroupState: () => shareState,
  ReadShareGroupStateSummary: () => shareState,
  DescribeShareGroupOffsets: () => ({ groups: [{ groupId: 'g' }, { groupId: 'h' }] }),
}
const shareState = { topics: [{ topicId: ZERO_UUID, partitions: [{ partition: 3 }, { partition: 4 }] }] }
const resources = {
  resources: [
    { resourceType: 2, resourceName: 't' },
    { resourceType: 2, resourceName: 'u' },
  ],
}

/** Whether the whole is refused, or at how many places it says so. */
function refusals(response: object): 'all' | number {
  if ((response as { errorCode?: number }).errorCode === FAILURE.errorCode) return 'all'
  let count = 0
  const look = (value: unknown) => {
    if (value === null || typeof value !== 'object') return
    const { errorCode, partitionErrorCode } = value as { errorCode?: number; partitionErrorCode?: number }
    if (errorCode === FAILURE.errorCode || partitionErrorCode === FAILURE.errorCode) count++
    for (const field of Object.values(value)) look(field)
  }
  look(response)
  return count
}

/** DescribeLogDirs has had no place at all until version 3: there it is as if there were no log dirs, as in Kafka. */
const isSilent = ({ request }: Handler, version: number) => request.name === 'DescribeLogDirsRequest' && version < 3

for (const handler of BROKER_HANDLERS) {
  const name = handler.request.name.replace(/Request$/, '')
  test(`${name}: that it failed can be told in every version`, () => {
    const { min, max } = handler.request.versions
    assert.equal(handler.failed !== undefined, REQUESTS[name] !== undefined)
    for (let version = min; version <= max; version++) {
      if (isSilent(handler, version)) continue
      const request = REQUESTS[name]?.(version)
      const response = request ? handler.failed!(request as never, FAILURE, version) : { errorCode: FAILURE.errorCode }
      const decoded = roundTrip(handler.response, version, response!)
      const count = refusals(decoded)
      assert.ok(count === 'all' || count === 2, `version ${version} says it at ${count} places`)
    }
  })
}

function roundTrip(schema: Message, version: number, response: object): object {
  const [frame, ...more] = encodeResponse(schema, version, 1, response as Init<Message>)
  assert.deepEqual(more, [])
  return decodeResponse(schema, version, frame!.subarray(4)).body
}

test('Produce with acks=0 is told nothing', () => {
  const [produce] = BROKER_HANDLERS
  assert.equal(produce!.failed!({ acks: 0, topicData: [] } as never, FAILURE, 9), null)
})
