/** What a member is told: its tasks if they have changed, where others answer questions about their state, and what is amiss. */
import { ErrorCode } from '@ottla/protocol'
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'
import type { MetadataImage } from '../../../image/index.ts'
import type { Turn } from '../turn.ts'
import type { ConfiguredTopology } from './configured-topology.ts'
import { type Endpoint, JOIN_EPOCH, type Member } from './member.ts'
import { ownedTasks } from './owned-tasks.ts'
import type { StreamsHeartbeatAnswer } from './requests.ts'
import type { StreamsGroup } from './streams-group.ts'
import { type AnyTasks, isWithin, sameAssigned, taskIds } from './tasks.ts'
import { Status } from './topic-problem.ts'

export interface StatusLine {
  readonly statusCode: number
  readonly statusDetail: string
}

export function statusLine(status: keyof typeof Status, statusDetail: string): StatusLine {
  return { statusCode: Status[status], statusDetail }
}

export interface Beaten {
  readonly group: StreamsGroup
  readonly isNewGroup: boolean
  readonly configured: ConfiguredTopology
  readonly request: StreamsGroupHeartbeatRequest
  readonly before: Member
  readonly after: Member
  readonly status: readonly StatusLine[]
}

export function heartbeatAnswer(turn: Turn, beaten: Beaten): StreamsHeartbeatAnswer {
  const { group, isNewGroup, configured, request, before, after } = beaten
  const { image } = turn.store
  const isNews = request.memberEpoch === JOIN_EPOCH || !sameAssigned(before.assigned, after.assigned)
  const isTold = isNews || hasMissedAnswer(request, before, group)
  // Nobody else can know of a group that is new, so its epoch is still the first.
  if (isNews && after.userEndpoint && !isNewGroup) group.endpointEpoch++
  const isOutdated = group.endpointEpoch !== request.endpointInformationEpoch || (isNewGroup && after.userEndpoint)
  return {
    errorCode: ErrorCode.NONE,
    memberId: after.id,
    memberEpoch: after.epoch,
    heartbeatIntervalMs: turn.store.configOf(group.id).streamsHeartbeatIntervalMs,
    ...(isTold ? assignedTasks(after) : {}),
    partitionsByUserEndpoint: isOutdated ? endpoints(group, after, configured, image) : null,
    endpointInformationEpoch: group.endpointEpoch,
    status: statusOf(beaten),
    topicsToCreate: configured.topicsToCreate,
  }
}

/**
 * It shows by its epoch, or by what it has not got, that it was not reached: Kafka would not tell it again. Of what it
 * has not got it is not told while another assignment is on its way, which it would take the old one for.
 */
function hasMissedAnswer(
  request: StreamsGroupHeartbeatRequest,
  { epoch, assigned }: Member,
  group: StreamsGroup,
): boolean {
  if (request.memberEpoch !== epoch) return true
  if (group.epoch > group.assignmentEpoch) return false
  const owned = ownedTasks(request)
  return owned !== null && !(isWithin(assigned.active, owned.active) && isWithin(assigned.standby, owned.standby))
}

function assignedTasks({ assigned }: Member) {
  const lists = (tasks: AnyTasks) =>
    taskIds(tasks).map(({ subtopologyId, partitions }) => ({ subtopologyId, partitions: [...partitions] }))
  return {
    activeTasks: lists(assigned.active),
    standbyTasks: lists(assigned.standby),
    warmupTasks: lists(assigned.warmup),
  }
}

function statusOf({ group, configured, status }: Beaten): StatusLine[] {
  const lines = [...status]
  if (configured.problem) lines.push(statusLine(configured.problem.status, configured.problem.message))
  const requestedBy = group.shutdownRequestedBy
  if (requestedBy !== null) {
    const detail = `Member ${requestedBy} has asked for the whole application to be shut down.`
    lines.push(statusLine('SHUTDOWN_APPLICATION', detail))
  }
  return lines
}

// ----------------------------------------------------------------------------------------------------- endpoints

/** Of all members that have one; the member itself comes last. */
function endpoints(group: StreamsGroup, self: Member, configured: ConfiguredTopology, image: MetadataImage) {
  const others = [...group.members.values()].filter(({ id }) => id !== self.id)
  return [...others, self].flatMap(({ userEndpoint, assigned }) =>
    userEndpoint === null
      ? []
      : [
          {
            userEndpoint: { ...(userEndpoint satisfies Endpoint) },
            activePartitions: topicPartitions(assigned.active, configured, image),
            standbyPartitions: topicPartitions(assigned.standby, configured, image),
          },
        ],
  )
}

/** A topic with fewer partitions than its subtopology has tasks is not read by the last ones. */
function topicPartitions(tasks: AnyTasks, { subtopologies }: ConfiguredTopology, image: MetadataImage) {
  return taskIds(tasks).flatMap(({ subtopologyId, partitions }) => {
    const topics = subtopologies?.get(subtopologyId)?.sourceTopics ?? []
    return topics.flatMap(topic => {
      const count = image.topicsByName.get(topic)?.partitions.length ?? 0
      const there = partitions.filter(partition => partition < count)
      return there.length > 0 ? [{ topic, partitions: there }] : []
    })
  })
}
