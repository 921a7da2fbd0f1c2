import { array, bool, int16, int32, message, type Of, string, struct, uuid } from '../schema.ts'

const TopicPartitions = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32()),
}

const Assignment = {
  topicPartitions: array(TopicPartitions),
}

export const ShareGroupDescribeRequest = message(
  'ShareGroupDescribeRequest',
  { key: 77, versions: '1', flexible: '0+', listeners: ['broker'] },
  {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  },
)

export type ShareGroupDescribeRequest = Of<typeof ShareGroupDescribeRequest>

export const ShareGroupDescribeResponse = message(
  'ShareGroupDescribeResponse',
  { key: 77, versions: '1', flexible: '0+' },
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
        rackId: string('0+', null, { nullable: '0+' }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        assignment: struct(Assignment),
      }),
      authorizedOperations: int32('0+', -2147483648),
    }),
  },
)

export type ShareGroupDescribeResponse = Of<typeof ShareGroupDescribeResponse>
