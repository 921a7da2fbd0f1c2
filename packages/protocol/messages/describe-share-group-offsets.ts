import { array, int16, int32, int64, message, type Of, string, uuid } from '../schema.ts'

export const DescribeShareGroupOffsetsRequest = message(
  'DescribeShareGroupOffsetsRequest',
  { key: 90, versions: '0-1', flexible: '0+', listeners: ['broker'] },
  {
    groups: array({
      groupId: string(),
      topics: array(
        {
          topicName: string(),
          partitions: array(int32()),
        },
        '0+',
        { nullable: '0+' },
      ),
    }),
  },
)

export type DescribeShareGroupOffsetsRequest = Of<typeof DescribeShareGroupOffsetsRequest>

export const DescribeShareGroupOffsetsResponse = message(
  'DescribeShareGroupOffsetsResponse',
  { key: 90, versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    groups: array({
      groupId: string(),
      topics: array({
        topicName: string(),
        topicId: uuid(),
        partitions: array({
          partitionIndex: int32(),
          startOffset: int64(),
          leaderEpoch: int32(),
          lag: int64('1+', -1, { ignorable: true }),
          errorCode: int16(),
          errorMessage: string('0+', null, { nullable: '0+' }),
        }),
      }),
      errorCode: int16(),
      errorMessage: string('0+', null, { nullable: '0+' }),
    }),
  },
)

export type DescribeShareGroupOffsetsResponse = Of<typeof DescribeShareGroupOffsetsResponse>
