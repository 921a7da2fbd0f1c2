/**
 * Reads record batches: consumers, followers, and the quorum its own log.
 *
 *  4  isolation level, batches v2 (the oldest one served)      5  log start offset
 *  7  sessions (KIP-227): later requests name only what changed
 *  9  the reader's leader epoch, to fence it         10  zstd       11  rack, and another replica to read from
 * 12  flexible; last fetched epoch, and where the logs diverge: truncation without OffsetForLeaderEpoch
 * 13  topic ids instead of names                     14  OFFSET_MOVED_TO_TIERED_STORAGE
 * 15  replica id and epoch in a tagged struct        16  endpoints of new leaders (KIP-951)
 * 17  directory id of the replica (KIP-853)          18  the follower's high watermark (KIP-1166)
 */
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
