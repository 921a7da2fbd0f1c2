/**
 * The state of one partition of `__consumer_offsets`: its groups and their offsets, and the one way in which records
 * change them, live and when the log is replayed.
 */
import type { GroupMetadataValue } from '@ottla/protocol/logrecords/consumer-offsets'
import type { RecordPosition } from '../shard.ts'
import type { GroupConfig } from './config.ts'
import { ClassicGroup } from './group.ts'
import { Member } from './member.ts'
import { OffsetStore } from './offsets.ts'
import { onInitialDelay, onSessionTimeout, onSyncTimeout } from './rebalance.ts'
import { type GroupRecord, RecordType } from './records.ts'
import { Timer, Timers } from './timers.ts'
import type { Turn } from './turn.ts'

/** What is worth an operator's while; the broker's logger is one. */
export interface GroupLog {
  info(message: string, fields: Readonly<Record<string, string | number>>): void
}

export interface GroupStoreOptions {
  readonly config: GroupConfig
  /** Random, in the usual text of 36 characters; a part of member ids. */
  readonly newUuid: () => string
  /** What a batch in the log may take. */
  readonly maxBatchBytes: () => number
  readonly log: GroupLog
}

export class GroupStore {
  readonly config: GroupConfig
  readonly newUuid: () => string
  readonly maxBatchBytes: () => number
  readonly log: GroupLog
  readonly groups = new Map<string, ClassicGroup>()
  readonly offsets = new OffsetStore()
  readonly timers = new Timers<Turn>()
  /** Of the next record. Nobody else writes to the partition, so that it is known before the append. */
  nextOffset = 0

  constructor(options: GroupStoreOptions) {
    this.config = options.config
    this.newUuid = options.newUuid
    this.maxBatchBytes = options.maxBatchBytes
    this.log = options.log
  }

  createGroup(id: string, stateTimestampMs: number): ClassicGroup {
    const join = new Timer<Turn>(turn => onInitialDelay(turn, group))
    const sync = new Timer<Turn>(turn => onSyncTimeout(turn, group))
    const group = new ClassicGroup(id, { join, sync }, stateTimestampMs)
    this.removeGroup(id)
    this.groups.set(id, group)
    return group
  }

  removeGroup(id: string): void {
    const group = this.groups.get(id)
    if (!group) return
    this.groups.delete(id)
    for (const timer of group.timers()) this.timers.cancel(timer)
  }

  sessionTimer(group: ClassicGroup, memberId: string): Timer<Turn> {
    return new Timer(turn => onSessionTimeout(turn, group, memberId))
  }

  apply(record: GroupRecord, position: RecordPosition): void {
    const { value } = record
    if (record.type === RecordType.GROUP_METADATA) {
      if (record.value) this.#restoreGroup(record.key.group, record.value)
      else this.removeGroup(record.key.group)
      return
    }
    // Consumers that only commit have a group without members that no record of its own speaks of.
    if (value && !this.groups.has(record.key.group)) this.createGroup(record.key.group, -1)
    this.offsets.apply(record.key, record.value, position)
  }

  #restoreGroup(id: string, value: GroupMetadataValue): void {
    const group = this.createGroup(id, value.currentStateTimestamp)
    for (const stored of value.members) {
      const { memberId, groupInstanceId, clientId, clientHost, rebalanceTimeout, sessionTimeout } = stored
      const init = {
        id: memberId,
        instanceId: groupInstanceId,
        clientId,
        clientHost,
        rebalanceTimeoutMs: rebalanceTimeout === -1 ? sessionTimeout : rebalanceTimeout,
        sessionTimeoutMs: sessionTimeout,
        protocols: [{ name: value.protocol ?? '', metadata: Uint8Array.from(stored.subscription) }],
        assignment: Uint8Array.from(stored.assignment),
      }
      group.add(new Member(init, this.sessionTimer(group, memberId)), value.protocolType)
    }
    const protocolName = value.members.length > 0 ? (value.protocol ?? '') : value.protocol
    group.restore(value.generation, value.protocolType || null, protocolName, value.leader)
  }
}
