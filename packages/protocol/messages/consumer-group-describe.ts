import { array, bool, int8, int16, int32, message, type Of, string, struct, uuid } from '../schema.ts'

const TopicPartitions = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32()),
}

const Assignment = {
  topicPartitions: array(TopicPartitions),
}

export const ConsumerGroupDescribeRequest = message(
  'ConsumerGroupDescribeRequest',
  { key: 69, versions: '0-1', flexible: '0+', listeners: ['broker'] },
  {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  },
)

export type ConsumerGroupDescribeRequest = Of<typeof ConsumerGroupDescribeRequest>

export const ConsumerGroupDescribeResponse = message(
  'ConsumerGroupDescribeResponse',
  { key: 69, versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: string('0+', null, { nullable: '0+' }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string('0+', null, { nullable: '0+' }),
        rackId: string('0+', null, { nullable: '0+' }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string('0+', null, { nullable: '0+' }),
        assignment: struct(Assignment),
        targetAssignment: struct(Assignment),
        memberType: int8('1+', -1, { ignorable: true }),
      }),
      authorizedOperations: int32('0+', -2147483648),
    }),
  },
)

export type ConsumerGroupDescribeResponse = Of<typeof ConsumerGroupDescribeResponse>
