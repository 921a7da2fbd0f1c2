/**
 * AlterShareGroupOffsets and DeleteShareGroupOffsets, as far as the group coordinator has a part in them: which partitions
 * may be changed, and what is to be asked of the share coordinator, which has the offsets.
 */
import { ErrorCode, ZERO_UUID } from '@ottla/protocol'
import type { AlterShareGroupOffsetsRequest } from '@ottla/protocol/messages/alter-share-group-offsets'
import type { DeleteShareGroupOffsetsRequest } from '@ottla/protocol/messages/delete-share-group-offsets'
import { ApiError } from '../../../errors.ts'
import type { Turn } from '../turn.ts'
import { shareGroup } from './heartbeat.ts'
import type { AlterResult, DeletedTopic, DeleteOffsetsResult, DeleteStateResult } from './requests.ts'
import { ShareGroup, type StateTopic } from './share-group.ts'
import { beginDeleting, beginInitializing, deleteAll } from './state-partitions.ts'

const NO_SUCH_PARTITION = {
  errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  errorMessage: 'This server does not host this topic-partition.',
}
const DONE = { errorCode: ErrorCode.NONE, errorMessage: null }

type AlteredTopic = AlterResult['responses'][number]

/**
 * The group need not be there. Of a partition that is there twice the last offset counts, and both are answered; a topic
 * that is not there is answered by its partitions, if there are any. Throws an ApiError.
 */
export function alterShareGroupOffsets(turn: Turn, { groupId, topics }: AlterShareGroupOffsetsRequest): AlterResult {
  const { store } = turn
  const group = store.groups.has(groupId) ? shareGroup(store, groupId) : new ShareGroup(groupId)
  checkEmpty(group)
  /** By topic name, then by partition. */
  const startOffsets = new Map<string, Map<number, number>>()
  const responses = new Map<string, AlteredTopic>()
  for (const { topicName, partitions } of topics) {
    const topic = store.image.topicsByName.get(topicName)
    if (!topic && partitions.length === 0) continue
    const response = responses.get(topicName) ?? { topicName, topicId: topic?.id ?? ZERO_UUID, partitions: [] }
    responses.set(topicName, response)
    const offsets = startOffsets.get(topicName) ?? new Map<number, number>()
    for (const { partitionIndex, startOffset } of partitions) {
      const isThere = topic?.partitions[partitionIndex] !== undefined
      response.partitions.push({ partitionIndex, ...(isThere ? DONE : NO_SUCH_PARTITION) })
      if (isThere) startOffsets.set(topicName, offsets.set(partitionIndex, startOffset))
    }
  }
  const stateEpoch = group.epoch
  const initializing = new Map<string, StateTopic>()
  const stateTopics = [...startOffsets].map(([name, offsets]) => {
    const { topicId } = responses.get(name)!
    initializing.set(topicId, { name, partitions: new Set(offsets.keys()) })
    return {
      topicId,
      partitions: Array.from(offsets, ([partition, startOffset]) => ({ partition, stateEpoch, startOffset })),
    }
  })
  beginInitializing(turn, group, initializing)
  return { responses: [...responses.values()], initialize: { groupId, topics: stateTopics } }
}

/** Throws an ApiError. */
export function deleteShareGroupOffsets(
  turn: Turn,
  { groupId, topics }: DeleteShareGroupOffsetsRequest,
): DeleteOffsetsResult {
  const group = shareGroup(turn.store, groupId)
  checkEmpty(group)
  const state = group.statePartitions
  if (!state) return { refused: [], remove: null }
  const refused: DeletedTopic[] = []
  const topicIds = new Set<string>()
  for (const { topicName } of topics) {
    const topicId = turn.store.image.topicsByName.get(topicName)?.id
    if (topicId && (state.initialized.has(topicId) || state.deleting.has(topicId))) topicIds.add(topicId)
    else if (!topicId) refused.push({ topicName, topicId: ZERO_UUID, ...NO_SUCH_PARTITION })
    else refused.push({ topicName, topicId: ZERO_UUID, ...NO_SUCH_PARTITION, errorMessage: NOTHING_TO_DELETE })
  }
  return { refused, remove: topicIds.size > 0 ? beginDeleting(turn, group, topicIds) : null }
}

const NOTHING_TO_DELETE = 'There is no offset information to delete.'

/** Throws an ApiError if the group has members. */
export function deleteShareGroupState(turn: Turn, groupId: string): DeleteStateResult {
  const group = turn.store.groups.get(groupId)
  if (!(group instanceof ShareGroup)) return { remove: null }
  checkEmpty(group)
  return { remove: deleteAll(turn, group) }
}

function checkEmpty(group: ShareGroup): void {
  if (!group.isEmpty) throw new ApiError('NON_EMPTY_GROUP', 'The group is not empty.')
}
