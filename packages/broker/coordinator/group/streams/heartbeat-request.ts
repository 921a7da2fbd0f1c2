/** What no StreamsGroupHeartbeat may say, whatever group it is for: decided before the coordinator is asked. */
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'
import { ApiError } from '../../../errors.ts'
import { JOIN_EPOCH } from './member.ts'

const STATIC_LEAVE_EPOCH = -2

/** Throws an ApiError. */
export function checkHeartbeatRequest(request: StreamsGroupHeartbeatRequest): void {
  checkFeatures(request)
  for (const field of ['memberId', 'groupId', 'instanceId', 'rackId'] as const) {
    if (request[field]?.trim() === '') invalid(`${field[0]!.toUpperCase()}${field.slice(1)} can't be empty.`)
  }
  const { memberEpoch, activeTasks, standbyTasks, warmupTasks } = request
  if (memberEpoch === JOIN_EPOCH) checkJoining(request)
  // Of a static member, and there are none.
  if (memberEpoch === STATIC_LEAVE_EPOCH) invalid('A member that leaves with epoch -2 has to have an instanceId.')
  if (memberEpoch < STATIC_LEAVE_EPOCH) invalid(`There is no memberEpoch ${memberEpoch}.`)
  const kinds = [activeTasks, standbyTasks, warmupTasks]
  if (kinds.some(tasks => tasks !== null) && kinds.some(tasks => tasks === null))
    invalid('Tasks of all three kinds have to be given, or of none.')
  if (memberEpoch !== JOIN_EPOCH && request.topology) invalid('Only a member that joins gives a topology.')
}

/** What the protocol has and Kafka 4.3 doesn't do. */
function checkFeatures({
  instanceId,
  taskOffsets,
  taskEndOffsets,
  warmupTasks,
  topology,
}: StreamsGroupHeartbeatRequest) {
  if (instanceId !== null) invalid('There are no static members in streams groups.')
  if (taskOffsets !== null) invalid('Task offsets are not taken.')
  if (taskEndOffsets !== null) invalid('Task end offsets are not taken.')
  if (warmupTasks !== null && warmupTasks.length > 0) invalid('There are no warm-up tasks.')
  if (topology?.subtopologies.some(({ sourceTopicRegex }) => sourceTopicRegex.length > 0))
    invalid('Source topics cannot be given by regular expressions.')
}

function checkJoining({
  rebalanceTimeoutMs,
  activeTasks,
  standbyTasks,
  warmupTasks,
  topology,
}: StreamsGroupHeartbeatRequest) {
  if (rebalanceTimeoutMs === -1) invalid('A member that joins has to give its rebalanceTimeoutMs.')
  if ([activeTasks, standbyTasks, warmupTasks].some(tasks => tasks?.length !== 0))
    invalid('A member that joins has to say that it has no tasks.')
  if (!topology) {
    invalid('A member that joins has to give its topology.')
  }
  for (const { name, partitions } of topology.subtopologies.flatMap(
    ({ stateChangelogTopics }) => stateChangelogTopics,
  )) {
    if (partitions === 0) continue
    throw new ApiError(
      'STREAMS_INVALID_TOPOLOGY',
      `Changelog topic ${name} asks for ${partitions} partitions: it has as many as there are tasks.`,
    )
  }
}

function invalid(message: string): never {
  throw new ApiError('INVALID_REQUEST', message)
}
