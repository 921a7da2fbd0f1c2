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
