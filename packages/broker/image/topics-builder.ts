/** The topics' part of a `DeltaBuilder`: most of a metadata log is about them. */
import type { ClearElrRecord, PartitionChangeRecord, PartitionRecord, TopicRecord } from '@ottla/protocol'
import { MetadataError } from '../errors.ts'
import type { MetadataImage, TopicImage } from './image.ts'
import { changedPartition, type PartitionRegistration, partitionRegistration, withoutElr } from './partition.ts'
import type { PersistentMap } from './persistent-map.ts'

interface TopicDraft {
  readonly id: string
  readonly name: string
  /** As it was; null if it was made here. */
  readonly before: TopicImage | null
  readonly changes: Map<number, PartitionRegistration>
}

/** Past it, lists are no longer shared: a cluster has few distinct ones, and a map must not grow without bound. */
const MAX_SHARED_LISTS = 10_000

export class TopicsBuilder {
  readonly #byId: PersistentMap<TopicImage>
  readonly #byName: PersistentMap<TopicImage>
  /** By id: those that exist and were touched. */
  readonly #touched = new Map<string, TopicDraft>()
  /** Made here, by name. */
  readonly #created = new Map<string, TopicDraft>()
  /** By id: those of the base that are gone. */
  readonly #removed = new Map<string, TopicImage>()
  readonly #lists = new Map<string, readonly (string | number)[]>()

  constructor(base: MetadataImage) {
    this.#byId = base.topicsById
    this.#byName = base.topicsByName
  }

  create({ name, topicId }: TopicRecord): void {
    const namesake = this.#byName.get(name)
    if (this.#created.has(name) || (namesake && !this.#removed.has(namesake.id))) {
      throw broken(`topic ${name} is created with id ${topicId}, but there is one of that name`)
    }
    if (this.#touched.has(topicId) || this.#byId.has(topicId)) {
      throw broken(`topic ${name} is created with id ${topicId}, which another topic has or had`)
    }
    const draft: TopicDraft = { id: topicId, name, before: null, changes: new Map() }
    this.#touched.set(topicId, draft)
    this.#created.set(name, draft)
  }

  setPartition(record: PartitionRecord): void {
    const { changes } = this.#topic(record.topicId)
    if (record.partitionId < 0) throw broken(`partition ${record.partitionId} of topic id ${record.topicId}`)
    const replicas = this.#share(record.replicas)
    const directories = this.#share(record.directories)
    changes.set(record.partitionId, partitionRegistration({ ...record, replicas, directories }))
  }

  changePartition(record: PartitionChangeRecord): void {
    const { name, before, changes } = this.#topic(record.topicId)
    const partition = changes.get(record.partitionId) ?? before?.partitions[record.partitionId]
    if (!partition) throw broken(`topic ${name} has no partition ${record.partitionId} to change`)
    changes.set(record.partitionId, changedPartition(partition, record))
  }

  /** The name that the topic had. */
  remove(topicId: string): string {
    const { name, before } = this.#topic(topicId)
    this.#touched.delete(topicId)
    if (before) this.#removed.set(topicId, before)
    else this.#created.delete(name)
    return name
  }

  clearElr({ topicName }: ClearElrRecord): void {
    if (topicName === '') {
      for (const id of this.#byId.keys()) if (!this.#removed.has(id)) this.#clearElr(id)
      for (const { id } of this.#created.values()) this.#clearElr(id)
    } else {
      const id = this.#created.get(topicName)?.id ?? this.#byName.get(topicName)?.id
      if (id === undefined) throw broken(`there is no topic ${topicName} to clear the eligible leader replicas of`)
      this.#clearElr(id)
    }
  }

  #clearElr(topicId: string): void {
    const { before, changes } = this.#touched.get(topicId) ?? { before: this.#byId.get(topicId), changes: new Map() }
    const current = new Map<number, PartitionRegistration>(before?.partitions.entries())
    for (const [id, partition] of changes) current.set(id, partition)
    for (const [id, partition] of current) {
      const cleared = withoutElr(partition)
      if (cleared !== partition) this.#topic(topicId).changes.set(id, cleared)
    }
  }

  #topic(topicId: string): TopicDraft {
    const known = this.#touched.get(topicId)
    if (known) return known
    const before = this.#removed.has(topicId) ? undefined : this.#byId.get(topicId)
    if (!before) throw broken(`there is no topic with id ${topicId}`)
    const draft: TopicDraft = { id: topicId, name: before.name, before, changes: new Map() }
    this.#touched.set(topicId, draft)
    return draft
  }

  /** The same array for equal lists: of a million partitions, a few hundred distinct assignments are kept. */
  #share<T extends string | number>(list: readonly T[]): T[] {
    const key = list.join()
    const known = this.#lists.get(key)
    if (known) return known as T[]
    if (this.#lists.size < MAX_SHARED_LISTS) this.#lists.set(key, list)
    return list as T[]
  }

  build() {
    const topics = new Map<string, ReadonlySet<number>>()
    const byId = this.#byId.edit()
    const byName = this.#byName.edit()
    for (const { id, name, partitions } of this.#removed.values()) {
      topics.set(id, new Set(partitions.keys()))
      byId.delete(id)
      byName.delete(name)
    }
    for (const draft of this.#touched.values()) {
      if (draft.before && draft.changes.size === 0) continue
      topics.set(draft.id, new Set(draft.changes.keys()))
      const topic = built(draft)
      byId.set(topic.id, topic)
      byName.set(topic.name, topic)
    }
    return { topics, topicsById: byId.done(), topicsByName: byName.done() }
  }
}

function built({ id, name, before, changes }: TopicDraft): TopicImage {
  const partitions = before ? before.partitions.slice() : []
  for (const [partitionId, partition] of [...changes].sort(([a], [b]) => a - b)) {
    if (partitionId > partitions.length) {
      throw broken(`topic ${name} has a partition ${partitionId}, but no partition ${partitions.length}`)
    }
    partitions[partitionId] = partition
  }
  return { id, name, partitions }
}

function broken(message: string): MetadataError {
  return new MetadataError('ERR_BROKEN_RECORD', message)
}
