/**
 * Of which partitions the share coordinator keeps a share group's state: the group coordinator has it made before members
 * are assigned them, and deleted when the group, its offsets or a topic is deleted. What is asked for is written
 * down first, so that it is known after a stop, and asked for again.
 */
import type { DeleteShareGroupStateRequest } from '@ottla/protocol/messages/delete-share-group-state'
import type { InitializeShareGroupStateRequest } from '@ottla/protocol/messages/initialize-share-group-state'
import type { MetadataImage } from '../../../image/index.ts'
import type { Turn } from '../turn.ts'
import { sorted } from './partitions.ts'
import { statePartitions } from './records.ts'
import { NO_STATE, type ShareGroup, type StatePartitions, type StateTopic } from './share-group.ts'

type StateTopics = ReadonlyMap<string, StateTopic>

const UNKNOWN_OFFSET = -1
const UNKNOWN_NAME = '<UNKNOWN>'

/** What is subscribed to and neither there nor asked for lately; null: nothing. Writes down that it is asked for. */
export function initializeSubscribed(
  turn: Turn,
  group: ShareGroup,
  groupEpoch: number,
  topicNames: Iterable<string>,
): InitializeShareGroupStateRequest | null {
  const missing = missingTopics(turn, group, topicNames)
  if (missing.size === 0) return null
  beginInitializing(turn, group, missing)
  const topics = [...missing].map(([topicId, { partitions }]) => ({
    topicId,
    partitions: sorted(partitions).map(partition => ({
      partition,
      stateEpoch: groupEpoch,
      startOffset: UNKNOWN_OFFSET,
    })),
  }))
  return { groupId: group.id, topics }
}

function missingTopics({ store, now }: Turn, group: ShareGroup, topicNames: Iterable<string>): StateTopics {
  const { initialized, initializing } = group.statePartitions ?? NO_STATE
  const isRecent =
    group.stateChangedMs !== null && now.monotonicMs - group.stateChangedMs < store.config.shareInitializeRetryMs
  const missing = new Map<string, StateTopic>()
  for (const name of topicNames) {
    const topic = store.image.topicsByName.get(name)
    if (!topic) continue
    const there = new Set(initialized.get(topic.id)?.partitions)
    if (isRecent) for (const partition of initializing.get(topic.id)?.partitions ?? []) there.add(partition)
    const partitions = topic.partitions.map((_, partition) => partition).filter(partition => !there.has(partition))
    if (partitions.length > 0) missing.set(topic.id, { name, partitions: new Set(partitions) })
  }
  return missing
}

/** What is being initialized is not deleted any more. */
export function beginInitializing(turn: Turn, group: ShareGroup, topics: StateTopics): void {
  const { initializing, initialized, deleting } = group.statePartitions ?? NO_STATE
  if (topics.size === 0) return
  const all = union(initializing, topics)
  const stillDeleting = new Map([...deleting].filter(([topicId]) => !all.has(topicId)))
  write(turn, group, { initializing: all, initialized, deleting: stillDeleting })
}

/** The share coordinator has made them. */
export function endInitializing(turn: Turn, group: ShareGroup, topics: ReadonlyMap<string, readonly number[]>): void {
  const { initializing, initialized, deleting } = group.statePartitions ?? NO_STATE
  const made = new Map(
    [...topics].map(([topicId, partitions]) => {
      const name = turn.store.image.topicsById.get(topicId)?.name ?? UNKNOWN_NAME
      return [topicId, { name, partitions: new Set(partitions) }]
    }),
  )
  write(turn, group, {
    initializing: difference(initializing, topics),
    initialized: union(initialized, made),
    deleting,
  })
}

/** It could not: they may be asked for again at once. */
export function giveUpInitializing(
  turn: Turn,
  group: ShareGroup,
  topics: ReadonlyMap<string, readonly number[]>,
): void {
  const state = group.statePartitions
  if (!state || state.initializing.size === 0) return
  write(turn, group, { ...state, initializing: difference(state.initializing, topics) })
}

/** Of the whole group, for it is to be deleted; null: there is nothing. */
export function deleteAll(turn: Turn, group: ShareGroup): DeleteShareGroupStateRequest | null {
  const state = group.statePartitions
  if (!state) return null
  const all = new Map(union(state.initialized, state.initializing))
  for (const topicId of state.deleting.keys()) {
    const topic = turn.store.image.topicsById.get(topicId)
    if (!topic) continue
    const partitions = new Set([...topic.partitions.keys(), ...(all.get(topicId)?.partitions ?? [])])
    all.set(topicId, { name: topic.name, partitions })
  }
  const deleting = new Map([...all].map(([topicId, { name }]) => [topicId, name]))
  write(turn, group, { ...NO_STATE, deleting })
  return all.size > 0 ? { groupId: group.id, topics: toDelete(all) } : null
}

export function beginDeleting(
  turn: Turn,
  group: ShareGroup,
  topicIds: ReadonlySet<string>,
): DeleteShareGroupStateRequest {
  const { initializing, initialized, deleting } = group.statePartitions!
  const nowDeleting = new Map(deleting)
  const topics = new Map<string, StateTopic>()
  for (const topicId of topicIds) {
    const topic = turn.store.image.topicsById.get(topicId)!
    const { name } = topic
    topics.set(topicId, initialized.get(topicId) ?? { name, partitions: new Set(topic.partitions.keys()) })
    nowDeleting.set(topicId, name)
  }
  write(turn, group, { initializing, initialized: without(initialized, topicIds), deleting: nowDeleting })
  return { groupId: group.id, topics: toDelete(topics) }
}

export function endDeleting(turn: Turn, group: ShareGroup, topicIds: ReadonlySet<string>): void {
  const state = group.statePartitions
  if (!state) return
  write(turn, group, { ...state, deleting: without(state.deleting, topicIds) })
}

/** The share coordinator forgets their state by itself. */
export function forgetTopics(turn: Turn, group: ShareGroup, topicIds: ReadonlySet<string>): void {
  const state = group.statePartitions
  if (!state) return
  const { initializing, initialized, deleting } = state
  const isThere = [initializing, initialized, deleting].some(topics => [...topicIds].some(id => topics.has(id)))
  if (!isThere) return
  write(turn, group, {
    initializing: without(initializing, topicIds),
    initialized: without(initialized, topicIds),
    deleting: without(deleting, topicIds),
  })
}

function write(turn: Turn, group: ShareGroup, state: StatePartitions): void {
  const { image } = turn.store
  const deleting = new Map([...state.deleting.keys()].map(id => [id, nameOf(image, id)]))
  turn.apply(statePartitions(group.id, { ...state, deleting }))
  // The record has made the group, if it is the first.
  const live = turn.store.groups.get(group.id) as ShareGroup
  live.stateChangedMs = turn.now.monotonicMs
}

function nameOf(image: MetadataImage, topicId: string): string {
  return image.topicsById.get(topicId)?.name ?? UNKNOWN_NAME
}

function toDelete(topics: StateTopics): DeleteShareGroupStateRequest['topics'] {
  return [...topics].map(([topicId, { partitions }]) => ({
    topicId,
    partitions: sorted(partitions).map(partition => ({ partition })),
  }))
}

function union(a: StateTopics, b: StateTopics): StateTopics {
  const all = new Map(a)
  for (const [topicId, { name, partitions }] of b) {
    all.set(topicId, { name, partitions: new Set([...(all.get(topicId)?.partitions ?? []), ...partitions]) })
  }
  return all
}

function difference(topics: StateTopics, gone: ReadonlyMap<string, readonly number[]>): StateTopics {
  const left = new Map<string, StateTopic>()
  for (const [topicId, { name, partitions }] of topics) {
    const these = new Set(gone.get(topicId))
    const rest = [...partitions].filter(partition => !these.has(partition))
    if (rest.length > 0) left.set(topicId, { name, partitions: new Set(rest) })
  }
  return left
}

function without<T>(topics: ReadonlyMap<string, T>, topicIds: ReadonlySet<string>): ReadonlyMap<string, T> {
  return new Map([...topics].filter(([topicId]) => !topicIds.has(topicId)))
}
