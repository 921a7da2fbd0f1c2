import { array, bool, int16, int32, message, type Of, string, struct, uuid } from '../schema.ts'

export const DescribeTopicPartitionsRequest = message(
  'DescribeTopicPartitionsRequest',
  { key: 75, versions: '0', flexible: '0+', listeners: ['broker'] },
  {
    topics: array({
      name: string(),
    }),
    responsePartitionLimit: int32('0+', 2000),
    cursor: struct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      '0+',
      { nullable: '0+', defaultNull: true },
    ),
  },
)

export type DescribeTopicPartitionsRequest = Of<typeof DescribeTopicPartitionsRequest>

export const DescribeTopicPartitionsResponse = message(
  'DescribeTopicPartitionsResponse',
  { key: 75, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32('0+', 0, { ignorable: true }),
    topics: array({
      errorCode: int16(),
      name: string('0+', '', { nullable: '0+' }),
      topicId: uuid('0+', { ignorable: true }),
      isInternal: bool('0+', false, { ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32('0+', -1, { ignorable: true }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        eligibleLeaderReplicas: array(int32(), '0+', { nullable: '0+', defaultNull: true }),
        lastKnownElr: array(int32(), '0+', { nullable: '0+', defaultNull: true }),
        offlineReplicas: array(int32(), '0+', { ignorable: true }),
      }),
      topicAuthorizedOperations: int32('0+', -2147483648),
    }),
    nextCursor: struct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      '0+',
      { nullable: '0+', defaultNull: true },
    ),
  },
)

export type DescribeTopicPartitionsResponse = Of<typeof DescribeTopicPartitionsResponse>
