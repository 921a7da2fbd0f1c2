/** CreatePartitions: more partitions for topics that exist. */
import type { Init } from '@ottla/protocol'
import type { CreatePartitionsRequest, CreatePartitionsResponse } from '@ottla/protocol/messages/create-partitions'
import { ApiError } from '../errors.ts'
import type { MetadataRecord, TopicImage } from '../image/index.ts'
import { manualAssignment, newPartitionRecords, placedAssignments } from './new-partitions.ts'
import { checkRecordCount, failure, MAX_RECORDS_PER_REQUEST, outcomeOf, splitDuplicates } from './outcome.ts'
import {
  type ControllerResult,
  type ControllerState,
  checkDeadline,
  type RequestScope,
  spendPartitions,
} from './state.ts'

type TopicRequest = CreatePartitionsRequest['topics'][number]
type Response = Init<typeof CreatePartitionsResponse>
type TopicResult = NonNullable<Response['results']>[number]

export function createPartitions(
  state: ControllerState,
  request: CreatePartitionsRequest,
  scope: RequestScope,
): ControllerResult<Response> {
  const records: MetadataRecord[] = []
  const results: TopicResult[] = []
  const { single, duplicate } = splitDuplicates(request.topics.map(topic => topic.name))
  const mayAlter = (name: string) => scope.access.mayAlterTopic(name)
  if ([...single].some(mayAlter)) checkDeadline(request)
  for (const name of duplicate) results.push({ name, ...failure('INVALID_REQUEST', 'Duplicate topic name.') })
  for (const topic of request.topics) {
    if (!single.has(topic.name)) continue
    const outcome = mayAlter(topic.name)
      ? outcomeOf(() => records.push(...additionalPartitions(state, topic, scope)))
      : failure('TOPIC_AUTHORIZATION_FAILED', 'Topic authorization failed.')
    results.push({ name: topic.name, ...outcome })
  }
  checkRecordCount(records)
  return { records: request.validateOnly ? [] : records, isAtomic: true, response: { results } }
}

function additionalPartitions(state: ControllerState, request: TopicRequest, scope: RequestScope): MetadataRecord[] {
  const topic = state.image.topicsByName.get(request.name)
  if (!topic) throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', '')
  checkCount(topic, request)
  const first = topic.partitions.length
  const additional = request.count - first
  spendPartitions(scope, additional)
  const replicationFactor = topic.partitions[0]!.replicas.length
  const partitions =
    request.assignments === null
      ? placedAssignments(state, additional, replicationFactor)
      : request.assignments.map(({ brokerIds }, i) => manualAssignment(state, first + i, brokerIds, replicationFactor))
  return newPartitionRecords(state, topic.id, first, partitions)
}

function checkCount({ name, partitions }: TopicImage, { count, assignments }: TopicRequest): void {
  if (partitions.length === 0) throw new ApiError('UNKNOWN_SERVER_ERROR', `Topic '${name}' has no partitions.`)
  if (count === partitions.length) {
    throw new ApiError('INVALID_PARTITIONS', `Topic already has ${partitions.length} partition(s).`)
  }
  if (count < partitions.length) {
    const message = `The topic ${name} currently has ${partitions.length} partition(s); ${count} would not be an increase.`
    throw new ApiError('INVALID_PARTITIONS', message)
  }
  const additional = count - partitions.length
  if (additional > MAX_RECORDS_PER_REQUEST) {
    throw new ApiError('POLICY_VIOLATION', `${additional} partitions are more than may be added at once.`)
  }
  if (assignments !== null && assignments.length !== additional) {
    const message = `Attempted to add ${additional} additional partition(s), but only ${assignments.length} assignment(s) were specified.`
    throw new ApiError('INVALID_REPLICA_ASSIGNMENT', message)
  }
}
