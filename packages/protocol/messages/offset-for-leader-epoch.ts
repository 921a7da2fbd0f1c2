/**
 * Where an epoch ends in the leader's log, for followers and consumers that may have to truncate.
 *
 *  2  the reader's leader epoch, to fence it         3  replica id (-2: a debugging consumer)     4  flexible
 */
import { array, int16, int32, int64, message, type Of, string } from '../schema.ts'

export const OffsetForLeaderEpochRequest = message(
  'OffsetForLeaderEpochRequest',
  { key: 23, versions: '2-4', flexible: '4+', listeners: ['broker'] },
  {
    replicaId: int32('3+', -2, { ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32('2+', -1, { ignorable: true }),
        leaderEpoch: int32(),
      }),
    }),
  },
)

export type OffsetForLeaderEpochRequest = Of<typeof OffsetForLeaderEpochRequest>

export const OffsetForLeaderEpochResponse = message(
  'OffsetForLeaderEpochResponse',
  { key: 23, versions: '2-4', flexible: '4+' },
  {
    throttleTimeMs: int32('2+', 0, { ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32('1+', -1, { ignorable: true }),
        endOffset: int64('0+', -1),
      }),
    }),
  },
)

export type OffsetForLeaderEpochResponse = Of<typeof OffsetForLeaderEpochResponse>
