/** CreateTopics: the checks in Kafka's order, one topic's failure not touching the others. */
import { ErrorCode, type Init } from '@ottla/protocol'
import type { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { describeTopic } from '../config/index.ts'
import { ApiError } from '../errors.ts'
import { ConfigResourceType, type MetadataRecord, metadataRecord, type PartitionRegistration } from '../image/index.ts'
import { newResourceConfigs } from './configs.ts'
import { manualAssignment, newPartitionRecords, placedAssignments } from './new-partitions.ts'
import { checkRecordCount, failure, type Outcome, outcomeOf, splitDuplicates } from './outcome.ts'
import {
  type ControllerResult,
  type ControllerState,
  checkDeadline,
  type RequestScope,
  spendPartitions,
} from './state.ts'
import { CLUSTER_METADATA_TOPIC, topicNameError } from './topic-names.ts'

type CreatableTopic = CreateTopicsRequest['topics'][number]
type Response = Init<typeof CreateTopicsResponse>
type TopicResult = NonNullable<Response['topics']>[number]

/** Past it, a request has run Kafka's controllers out of memory. */
const MAX_PARTITIONS_PER_REQUEST = 10_000

export function createTopics(
  state: ControllerState,
  request: CreateTopicsRequest,
  scope: RequestScope,
): ControllerResult<Response> {
  const { access } = scope
  const { single, duplicate } = splitDuplicates(request.topics.map(topic => topic.name))
  const isAllowed = (name: string) => name !== CLUSTER_METADATA_TOPIC && access.mayCreateTopic(name)
  const topics = request.topics.filter(({ name }) => single.has(name) && isAllowed(name))
  if (topics.length > 0) checkDeadline(request)
  checkPartitionCount(state, topics)
  const records: MetadataRecord[] = []
  const results: TopicResult[] = topics.map(topic => {
    let result: TopicResult = {}
    const outcome = outcomeOf(() => {
      result = createTopic(state, topic, records, scope)
    })
    return outcome.errorCode === 0 ? result : { name: topic.name, ...outcome }
  })
  checkRecordCount(records)
  for (const name of duplicate) results.push({ name, ...failure('INVALID_REQUEST', 'Duplicate topic name.') })
  for (const name of single) if (!isAllowed(name)) results.push({ name, ...refusal(name) })
  return { records: request.validateOnly ? [] : records, isAtomic: true, response: { topics: results } }
}

function refusal(name: string): Outcome {
  if (name !== CLUSTER_METADATA_TOPIC) return failure('TOPIC_AUTHORIZATION_FAILED', 'Authorization failed.')
  return failure('INVALID_REQUEST', `Creation of internal topic ${name} is prohibited.`)
}

function checkPartitionCount({ options }: ControllerState, topics: readonly CreatableTopic[]): void {
  let count = 0
  for (const { assignments, numPartitions } of topics) {
    if (assignments.length > 0) count += assignments.length
    else count += numPartitions === -1 ? options.config.numPartitions : Math.max(0, numPartitions)
  }
  if (count > MAX_PARTITIONS_PER_REQUEST) {
    const message = 'Excessively large number of partitions per request.'
    throw new ApiError('POLICY_VIOLATION', message)
  }
}

/** Adds the topic's records: itself, its configs, its partitions. */
function createTopic(
  state: ControllerState,
  topic: CreatableTopic,
  records: MetadataRecord[],
  scope: RequestScope,
): TopicResult {
  checkName(state, topic.name)
  const configs = checkedConfigs(topic)
  const configRecords = newResourceConfigs(state, { type: ConfigResourceType.TOPIC, name: topic.name }, configs)
  const partitions = topic.assignments.length > 0 ? assignedPartitions(state, topic) : placedPartitions(state, topic)
  spendPartitions(scope, partitions.length)
  const topicId = state.options.random.uuid()
  records.push(
    metadataRecord('TopicRecord', 0, { name: topic.name, topicId }),
    ...configRecords,
    ...newPartitionRecords(state, topicId, 0, partitions),
  )
  const created = { name: topic.name, topicId, errorCode: 0, errorMessage: null }
  if (!scope.access.mayDescribeTopicConfigs(topic.name))
    return { ...created, topicConfigErrorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED }
  return {
    ...created,
    numPartitions: partitions.length,
    replicationFactor: partitions[0]!.replicas.length,
    configs: describedConfigs(state, configs),
  }
}

function checkName({ image, topicNames }: ControllerState, name: string): void {
  const invalid = topicNameError(name)
  if (image.topicsByName.has(name)) throw new ApiError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
  if (invalid !== null) throw new ApiError('INVALID_TOPIC_EXCEPTION', invalid)
  const other = topicNames.collision(name)
  if (other !== null) {
    const message = `Topic '${name}' collides with topic '${other}': metrics cannot tell '.' and '_' apart.`
    throw new ApiError('INVALID_TOPIC_EXCEPTION', message)
  }
}

/** A key that is there twice has its last value. */
function checkedConfigs({ configs }: CreatableTopic): Map<string, string> {
  const missing = configs.filter(config => config.value === null).map(config => config.name)
  if (missing.length > 0)
    throw new ApiError('INVALID_CONFIG', `Null value not supported for topic configs: ${missing.join(', ')}`)
  return new Map(configs.map(({ name, value }) => [name, value!]))
}

function assignedPartitions(
  state: ControllerState,
  { assignments, numPartitions, replicationFactor }: CreatableTopic,
): PartitionRegistration[] {
  if (replicationFactor !== -1) {
    throw new ApiError('INVALID_REQUEST', 'With a manual assignment, the replication factor must be -1.')
  }
  if (numPartitions !== -1) {
    throw new ApiError('INVALID_REQUEST', 'With a manual assignment, the number of partitions must be -1.')
  }
  const byPartition = new Map<number, PartitionRegistration>()
  let replicas = -1
  for (const { partitionIndex, brokerIds } of assignments) {
    if (byPartition.has(partitionIndex)) {
      throw new ApiError('INVALID_REPLICA_ASSIGNMENT', `Partition ${partitionIndex} is assigned more than once.`)
    }
    byPartition.set(partitionIndex, manualAssignment(state, partitionIndex, brokerIds, replicas))
    replicas = brokerIds.length
  }
  return Array.from(assignments, (_, partitionId) => {
    const partition = byPartition.get(partitionId)
    if (partition) return partition
    const message = `Partitions must be numbered from 0 without gaps: partition ${partitionId} is missing.`
    throw new ApiError('INVALID_REPLICA_ASSIGNMENT', message)
  })
}

function placedPartitions(state: ControllerState, topic: CreatableTopic): PartitionRegistration[] {
  const { numPartitions, replicationFactor } = topic
  if (replicationFactor < -1 || replicationFactor === 0) {
    const message = 'The replication factor must be larger than 0, or -1 for the default.'
    throw new ApiError('INVALID_REPLICATION_FACTOR', message)
  }
  if (numPartitions < -1 || numPartitions === 0) {
    throw new ApiError('INVALID_PARTITIONS', 'The number of partitions must be larger than 0, or -1 for the default.')
  }
  return placedAssignments(
    state,
    numPartitions === -1 ? state.options.config.numPartitions : numPartitions,
    replicationFactor === -1 ? state.options.config.defaultReplicationFactor : replicationFactor,
  )
}

function describedConfigs({ nodeConfig, image }: ControllerState, configs: ReadonlyMap<string, string>) {
  return describeTopic(nodeConfig.in(image), configs)
    .map(({ name, value, readOnly, source, isSensitive }) => ({
      name,
      // As it was given: `TRUE` stays `TRUE` here.
      value: configs.get(name) ?? value,
      readOnly,
      configSource: source,
      isSensitive,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
