/** What can be said of a ConsumerGroupHeartbeat without looking at its group. */
import type { ConsumerGroupHeartbeatRequest } from '@ottla/protocol/messages/consumer-group-heartbeat'
import { ApiError } from '../errors.ts'
import { AWAY_EPOCH, JOINING_EPOCH, LEAVING_EPOCH } from './group/consumer/member.ts'

/** Before it, the coordinator makes an id for a member that has none. */
const CLIENTS_MAKE_IDS_SINCE = 1

/** Throws an ApiError: INVALID_REQUEST or UNSUPPORTED_ASSIGNOR. */
export function checkConsumerGroupHeartbeat(
  request: ConsumerGroupHeartbeatRequest,
  apiVersion: number,
  assignors: readonly string[],
): void {
  const { memberId, memberEpoch, groupId, instanceId, rackId, serverAssignor } = request
  const needsId = apiVersion >= CLIENTS_MAKE_IDS_SINCE || memberEpoch > 0 || memberEpoch === LEAVING_EPOCH
  if (needsId) checkNotEmpty(memberId, 'MemberId')
  checkNotEmpty(groupId, 'GroupId')
  checkNotEmpty(instanceId, 'InstanceId')
  checkNotEmpty(rackId, 'RackId')
  if (memberEpoch === JOINING_EPOCH) checkJoin(request)
  else if (memberEpoch === AWAY_EPOCH && instanceId === null) invalid("InstanceId can't be null.")
  else if (memberEpoch < AWAY_EPOCH) invalid('MemberEpoch is invalid.')
  if (serverAssignor === null || assignors.includes(serverAssignor)) return
  throw new ApiError(
    'UNSUPPORTED_ASSIGNOR',
    `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${assignors.join(', ')}.`,
  )
}

function checkJoin(request: ConsumerGroupHeartbeatRequest): void {
  const { rebalanceTimeoutMs, topicPartitions, subscribedTopicNames, subscribedTopicRegex } = request
  if (rebalanceTimeoutMs === -1) invalid('RebalanceTimeoutMs must be provided in first request.')
  if (topicPartitions === null || topicPartitions.length > 0)
    invalid('TopicPartitions must be empty when (re-)joining.')
  if (subscribedTopicNames === null && subscribedTopicRegex === null)
    invalid('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.')
}

/** A blank is as good as nothing. */
function checkNotEmpty(text: string | null, name: string): void {
  if (text !== null && text.trim() === '') invalid(`${name} can't be empty.`)
}

function invalid(message: string): never {
  throw new ApiError('INVALID_REQUEST', message)
}
