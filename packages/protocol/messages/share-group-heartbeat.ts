import { array, int16, int32, message, type Of, string, struct, uuid } from '../schema.ts'

const TopicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
}

export const ShareGroupHeartbeatRequest = message(
  'ShareGroupHeartbeatRequest',
  { key: 76, versions: '1', flexible: '0+', listeners: ['broker'] },
  {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    rackId: string('0+', null, { nullable: '0+' }),
    subscribedTopicNames: array(string(), '0+', { nullable: '0+', defaultNull: true }),
  },
)

export type ShareGroupHeartbeatRequest = Of<typeof ShareGroupHeartbeatRequest>

export const ShareGroupHeartbeatResponse = message(
  'ShareGroupHeartbeatResponse',
  { key: 76, versions: '1', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', null, { nullable: '0+' }),
    memberId: string('0+', null, { nullable: '0+' }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct(
      {
        topicPartitions: array(TopicPartitions),
      },
      '0+',
      { nullable: '0+', defaultNull: true },
    ),
  },
)

export type ShareGroupHeartbeatResponse = Of<typeof ShareGroupHeartbeatResponse>
