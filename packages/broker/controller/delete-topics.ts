/** DeleteTopics: by name, or from version 6 on by name or id. */
import { ErrorCode, type Init, ZERO_UUID } from '@ottla/protocol'
import type { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { ApiError } from '../errors.ts'
import { type MetadataRecord, metadataRecord } from '../image/index.ts'
import { checkRecordCount, failure, type Outcome, outcomeOf, splitDuplicates } from './outcome.ts'
import {
  type ControllerResult,
  type ControllerState,
  checkDeadline,
  type RequestScope,
  spendPartitions,
} from './state.ts'

type Response = Init<typeof DeleteTopicsResponse>
type TopicResult = NonNullable<Response['responses']>[number]

const FORBIDDEN: Outcome = {
  errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  errorMessage: 'Topic authorization failed.',
}

export function deleteTopics(
  state: ControllerState,
  request: DeleteTopicsRequest,
  scope: RequestScope,
): ControllerResult<Response> {
  checkEnabled(state, scope)
  const results: TopicResult[] = []
  const asked = topicsAskedFor(request, results)
  const names = splitDuplicates(asked.names)
  const ids = splitDuplicates(asked.ids)
  if (names.single.size + ids.single.size > 0) checkDeadline(request)
  for (const name of names.duplicate) results.push(result(name, ZERO_UUID, invalid('Duplicate topic name.')))
  for (const topicId of ids.duplicate) results.push(result(null, topicId, invalid('Duplicate topic id.')))
  const doomed = new Map<string, string>()
  for (const topicId of ids.single) findById(state, topicId, scope, doomed, results)
  for (const name of names.single) findByName(state, name, scope, ids.duplicate, doomed, results)
  const records: MetadataRecord[] = []
  for (const [topicId, name] of doomed) {
    const outcome = outcomeOf(() => {
      spendPartitions(scope, state.image.topicsById.get(topicId)!.partitions.length)
      records.push(metadataRecord('RemoveTopicRecord', 0, { topicId }))
    })
    results.push(result(name, topicId, outcome))
  }
  checkRecordCount(records)
  return { records, isAtomic: true, response: { responses: shuffled(results, state) } }
}

function checkEnabled({ options }: ControllerState, { apiVersion }: RequestScope): void {
  if (options.config.deleteTopicEnable) return
  const message = 'Topics cannot be deleted: delete.topic.enable is false.'
  throw new ApiError(apiVersion < 3 ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED', message)
}

function result(name: string | null, topicId: string, outcome: Outcome): TopicResult {
  return { name, topicId, ...outcome }
}

function invalid(message: string): Outcome {
  return failure('INVALID_REQUEST', message)
}

function topicsAskedFor({ topicNames, topics }: DeleteTopicsRequest, results: TopicResult[]) {
  const names = [...topicNames]
  const ids: string[] = []
  for (const { name, topicId } of topics) {
    const hasId = topicId !== ZERO_UUID
    if (name === null && hasId) ids.push(topicId)
    else if (name !== null && !hasId) names.push(name)
    else
      results.push(
        result(
          name,
          topicId,
          invalid(hasId ? 'Both a topic name and an id were given.' : 'Neither a topic name nor an id was given.'),
        ),
      )
  }
  return { names, ids }
}

function findById(
  { image }: ControllerState,
  topicId: string,
  { access }: RequestScope,
  doomed: Map<string, string>,
  results: TopicResult[],
): void {
  const topic = image.topicsById.get(topicId)
  if (!topic) {
    results.push(result(null, topicId, failure('UNKNOWN_TOPIC_ID', `There is no topic with id ${topicId}.`)))
  } else if (access.mayDeleteTopic(topic.name)) {
    doomed.set(topicId, topic.name)
  } else {
    results.push(result(access.mayDescribeTopic(topic.name) ? topic.name : null, topicId, FORBIDDEN))
  }
}

function findByName(
  { image }: ControllerState,
  name: string,
  { access }: RequestScope,
  duplicateIds: Set<string>,
  doomed: Map<string, string>,
  results: TopicResult[],
): void {
  const topic = image.topicsByName.get(name)
  if (!access.mayDescribeTopic(name)) {
    results.push(result(name, ZERO_UUID, FORBIDDEN))
  } else if (!topic) {
    results.push(result(name, ZERO_UUID, failure('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic '${name}'.`)))
  } else if (!access.mayDeleteTopic(name)) {
    results.push(result(name, ZERO_UUID, FORBIDDEN))
  } else if (duplicateIds.has(topic.id) || doomed.has(topic.id)) {
    duplicateIds.add(topic.id)
    doomed.delete(topic.id)
    results.push(result(name, topic.id, invalid('The topic was given by name and by id.')))
  } else {
    doomed.set(topic.id, name)
  }
}

/** The order must not tell which of the topics exist that the caller may not see. */
function shuffled<T>(items: T[], { options }: ControllerState): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = options.random.integer(i + 1)
    ;[items[i], items[j]] = [items[j]!, items[i]!]
  }
  return items
}
