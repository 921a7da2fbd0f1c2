/**
 * Offsets by timestamp. Negative timestamps ask for special ones: -1 latest, -2 earliest, and those below.
 *
 *  1  one offset a partition, with its timestamp     2  isolation level      4  leader epochs
 *  5  OFFSET_NOT_AVAILABLE while a new leader's high watermark is behind      6  flexible
 *  7  -3: of the highest timestamp (KIP-734)         8  -4: earliest on local disk (KIP-405)
 *  9  -5: latest in tiered storage (KIP-1005)       10  a timeout, for looking into remote storage
 * 11  -6: earliest not yet uploaded (KIP-1023)
 */
import { array, int8, int16, int32, int64, message, type Of, rawInt64, string } from '../schema.ts'

export const ListOffsetsRequest = message(
  'ListOffsetsRequest',
  { key: 2, versions: '1-11', flexible: '6+', listeners: ['broker'] },
  {
    replicaId: int32(),
    isolationLevel: int8('2+'),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32('4+', -1, { ignorable: true }),
        timestamp: rawInt64(),
      }),
    }),
    timeoutMs: int32('10+', 0, { ignorable: true }),
  },
)

export type ListOffsetsRequest = Of<typeof ListOffsetsRequest>

export const ListOffsetsResponse = message(
  'ListOffsetsResponse',
  { key: 2, versions: '1-11', flexible: '6+' },
  {
    throttleTimeMs: int32('2+', 0, { ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64('1+', -1),
        offset: int64('1+', -1),
        leaderEpoch: int32('4+', -1),
      }),
    }),
  },
)

export type ListOffsetsResponse = Of<typeof ListOffsetsResponse>
