/**
 * The state of one partition of `__consumer_offsets`: its groups of all kinds and their offsets, and what they go by.
 * replay.ts has the one way in which records change it.
 */
import type { GroupConfig as OwnConfig } from '../../config/index.ts'
import type { MetadataImage } from '../../image/index.ts'
import type { RecordPosition } from '../shard.ts'
import type { GroupConfig } from './config.ts'
import type { Group } from './group.ts'
import { type GroupObserver, quietObserver } from './observer.ts'
import { OffsetStore } from './offsets.ts'
import type { GroupRecord } from './records.ts'
import { Timers } from './timers.ts'
import type { Turn } from './turn.ts'

/** What is worth an operator's while; the broker's logger is one. */
export interface GroupLog {
  info(message: string, fields: Readonly<Record<string, string | number>>): void
}

export interface GroupStoreOptions {
  readonly config: GroupConfig
  /** The settings of a group: its own, within the broker's bounds, or else the broker's. */
  readonly configOf: (groupId: string) => OwnConfig
  /** The cluster as it is now. */
  readonly image: () => MetadataImage
  /** Random, in the usual text of 36 characters; a part of member ids. */
  readonly newUuid: () => string
  /** What a batch in the log may take. */
  readonly maxBatchBytes: () => number
  readonly log: GroupLog
  readonly observer?: GroupObserver
}

/** The change that a record stands for: replay.ts, which knows all kinds of groups, as a store does not. */
export type Replay = (store: GroupStore, record: GroupRecord, position: RecordPosition) => void

/** What a store has to know of a kind of groups to find those that records are about. */
export interface KindOfGroup<G extends Group> {
  readonly type: abstract new (...args: never[]) => G
  readonly replacesSimple: boolean
  make(id: string): G
}

interface OfGroup {
  readonly key: { readonly groupId: string }
  readonly value: object | null
}

export class GroupStore {
  readonly #options: GroupStoreOptions
  readonly #replay: Replay
  readonly #groups = new Map<string, Group>()
  readonly observer: GroupObserver
  readonly offsets = new OffsetStore()
  readonly timers = new Timers<Turn>()
  /** Of the next record. Nobody else writes to the partition, so that it is known before the append. */
  nextOffset = 0

  constructor(options: GroupStoreOptions, replay: Replay) {
    this.#options = options
    this.#replay = replay
    this.observer = options.observer ?? quietObserver()
  }

  get config(): GroupConfig {
    return this.#options.config
  }

  get log(): GroupLog {
    return this.#options.log
  }

  get image(): MetadataImage {
    return this.#options.image()
  }

  get maxBatchBytes(): number {
    return this.#options.maxBatchBytes()
  }

  configOf(groupId: string): OwnConfig {
    return this.#options.configOf(groupId)
  }

  newUuid(): string {
    return this.#options.newUuid()
  }

  /** Live, and when the log is replayed. */
  apply(record: GroupRecord, position: RecordPosition): void {
    this.#replay(this, record, position)
  }

  get groups(): ReadonlyMap<string, Group> {
    return this.#groups
  }

  /**
   * The group that a record of one kind of groups is about, made if need be; undefined for a tombstone of what is not
   * there, which may be all that the cleaner has left. Throws if it is of another kind: a simple group gives way only
   * where `replacesSimple`, and then to a tombstone, too, as in Kafka.
   */
  groupOf<G extends Group>(kind: KindOfGroup<G>, { key, value }: OfGroup): G | undefined {
    const known = this.#groups.get(key.groupId)
    if (known instanceof kind.type) return known
    if (!known && value === null) return undefined
    if (known && !(known.isSimple && kind.replacesSimple))
      throw new Error(`group ${key.groupId} is a ${known.kind} group: this record is of another kind`)
    const group = kind.make(key.groupId)
    this.add(group)
    return group
  }

  /** In the place of whatever group had its id. */
  add(group: Group): void {
    this.remove(group.id)
    this.#groups.set(group.id, group)
  }

  /** Nothing if it is not there. */
  remove(id: string): void {
    const group = this.#groups.get(id)
    if (!group) return
    this.#groups.delete(id)
    for (const timer of group.timers()) this.timers.cancel(timer)
  }
}
