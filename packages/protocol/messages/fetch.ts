import {
  array,
  int8,
  int16,
  int32,
  int64,
  message,
  type Of,
  rawInt64,
  records,
  string,
  struct,
  uuid,
} from '../schema.ts'

export const FetchRequest = message(
  'FetchRequest',
  { key: 1, versions: '4-18', flexible: '12+', listeners: ['broker', 'controller'] },
  {
    clusterId: string('12+', null, { nullable: '12+', tag: 0, ignorable: true }),
    replicaId: int32('0-14', -1),
    replicaState: struct(
      {
        replicaId: int32('15+', -1),
        replicaEpoch: int64('15+', -1),
      },
      '15+',
      { tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32('3+', 0x7fffffff, { ignorable: true }),
    isolationLevel: int8('4+', 0, { ignorable: true }),
    sessionId: int32('7+', 0, { ignorable: true }),
    sessionEpoch: int32('7+', -1, { ignorable: true }),
    topics: array({
      topic: string('0-12', '', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32('9+', -1, { ignorable: true }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32('12+', -1),
        logStartOffset: int64('5+', -1, { ignorable: true }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid('17+', { tag: 0, ignorable: true }),
        highWatermark: rawInt64('18+', 9223372036854775807n, { tag: 1, ignorable: true }),
      }),
    }),
    forgottenTopicsData: array(
      {
        topic: string('7-12', '', { ignorable: true }),
        topicId: uuid('13+', { ignorable: true }),
        partitions: array(int32(), '7+'),
      },
      '7+',
    ),
    rackId: string('11+', '', { ignorable: true }),
  },
)

export type FetchRequest = Of<typeof FetchRequest>

export const FetchResponse = message(
  'FetchResponse',
  { key: 1, versions: '4-18', flexible: '12+' },
  {
    throttleTimeMs: int32('1+', 0, { ignorable: true }),
    errorCode: int16('7+', 0, { ignorable: true }),
    sessionId: int32('7+'),
    responses: array({
      topic: string('0-12', '', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64('4+', -1, { ignorable: true }),
        logStartOffset: int64('5+', -1, { ignorable: true }),
        divergingEpoch: struct(
          {
            epoch: int32('12+', -1),
            endOffset: int64('12+', -1),
          },
          '12+',
          { tag: 0 },
        ),
        currentLeader: struct(
          {
            leaderId: int32('12+', -1),
            leaderEpoch: int32('12+', -1),
          },
          '12+',
          { tag: 1 },
        ),
        snapshotId: struct(
          {
            endOffset: int64('0+', -1),
            epoch: int32('0+', -1),
          },
          '12+',
          { tag: 2 },
        ),
        abortedTransactions: array(
          {
            producerId: int64('4+'),
            firstOffset: int64('4+'),
          },
          '4+',
          { nullable: '4+', ignorable: true },
        ),
        preferredReadReplica: int32('11+', -1),
        records: records('0+', undefined, { nullable: '0+' }),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32('16+'),
        host: string('16+'),
        port: int32('16+'),
        rack: string('16+', null, { nullable: '16+' }),
      },
      '16+',
      { tag: 0 },
    ),
  },
)

export type FetchResponse = Of<typeof FetchResponse>
