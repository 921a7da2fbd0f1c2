/**
 * All that a member of a consumer group says: joins, stays, gives up partitions, leaves (KIP-848). Null: as before.
 *
 *  1  subscription by regular expression; the member makes its own id (KIP-1082)
 */
import { array, int16, int32, message, type Of, string, struct, uuid } from '../schema.ts'

const TopicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
}

export const ConsumerGroupHeartbeatRequest = message(
  'ConsumerGroupHeartbeatRequest',
  { key: 68, versions: '0-1', flexible: '0+', listeners: ['broker'] },
  {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: string('0+', null, { nullable: '0+' }),
    rackId: string('0+', null, { nullable: '0+' }),
    rebalanceTimeoutMs: int32('0+', -1),
    subscribedTopicNames: array(string(), '0+', { nullable: '0+', defaultNull: true }),
    subscribedTopicRegex: string('1+', null, { nullable: '1+' }),
    serverAssignor: string('0+', null, { nullable: '0+' }),
    topicPartitions: array(
      {
        topicId: uuid(),
        partitions: array(int32()),
      },
      '0+',
      { nullable: '0+', defaultNull: true },
    ),
  },
)

export type ConsumerGroupHeartbeatRequest = Of<typeof ConsumerGroupHeartbeatRequest>

export const ConsumerGroupHeartbeatResponse = message(
  'ConsumerGroupHeartbeatResponse',
  { key: 68, versions: '0-1', flexible: '0+' },
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

export type ConsumerGroupHeartbeatResponse = Of<typeof ConsumerGroupHeartbeatResponse>
