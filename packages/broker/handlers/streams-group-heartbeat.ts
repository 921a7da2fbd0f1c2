/**
 * StreamsGroupHeartbeat (key 88), version 0 (KIP-1071): a member of a streams group joins, reports, leaves. The internal
 * topics of its application are made on its behalf; until they are there it is told so in its status.
 */
import {
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from '@ottla/protocol/messages/streams-group-heartbeat'
import { Status } from '../coordinator/group/streams/topic-problem.ts'
import { ApiError } from '../errors.ts'
import { defineHandler } from './handler.ts'
import { checkStreamsProtocol } from './streams-protocol.ts'
import { isInternalTopic, isValidTopicName } from './topic-names.ts'

const MAX_FAILURES_TOLD = 3

export const streamsGroupHeartbeat = defineHandler({
  request: StreamsGroupHeartbeatRequest,
  response: StreamsGroupHeartbeatResponse,
  async handle(request, context, services) {
    checkStreamsProtocol(services)
    checkTopicNames(request)
    const { topicsToCreate = [], ...response } = await services.groups.streams.heartbeat(request, context)
    if (topicsToCreate.length === 0) return response
    const { streamsTopics } = services
    streamsTopics.create(topicsToCreate, 2 * (response.heartbeatIntervalMs ?? 0))
    const failures = streamsTopics.failuresOf(topicsToCreate)
    return failures.length > 0 ? { ...response, status: withFailures(response.status ?? [], failures) } : response
  },
})

function checkTopicNames({ topology }: StreamsGroupHeartbeatRequest): void {
  const topics = (topology?.subtopologies ?? []).flatMap(subtopology => [
    ...subtopology.sourceTopics,
    ...subtopology.repartitionSinkTopics,
    ...subtopology.repartitionSourceTopics.map(({ name }) => name),
    ...subtopology.stateChangelogTopics.map(({ name }) => name),
  ])
  const internal = topics.find(isInternalTopic)
  if (internal !== undefined)
    throw new ApiError('STREAMS_INVALID_TOPOLOGY', `A topology cannot use ${internal}, a topic of the broker's own.`)
  const invalid = topics.find(topic => !isValidTopicName(topic))
  if (invalid !== undefined) throw new ApiError('STREAMS_INVALID_TOPOLOGY', `No topic can be called '${invalid}'.`)
}

type StatusLines = readonly { readonly statusCode?: number; readonly statusDetail?: string }[]

function withFailures(status: StatusLines, failures: readonly string[]) {
  const more = failures.length - MAX_FAILURES_TOLD
  const told = failures.slice(0, MAX_FAILURES_TOLD).join(', ') + (more > 0 ? ` and ${more} more` : '')
  return status.map(line =>
    line.statusCode === Status.MISSING_INTERNAL_TOPICS
      ? { ...line, statusDetail: `${line.statusDetail}; Creation failed: ${told}.` }
      : line,
  )
}
