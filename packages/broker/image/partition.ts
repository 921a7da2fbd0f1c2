/**
 * The state of one partition as the controller decided it: a value that is never changed, only replaced. There may be
 * a million of them, so lists that are equal share one array where that is cheap to see.
 */
import type { PartitionChangeRecord, PartitionRecord } from '@ottla/protocol'
import { MetadataError } from '../errors.ts'
import { DirectoryId } from './directory-id.ts'
import { partitionRecordVersion, Since } from './features.ts'
import { type MetadataRecord, metadataRecord } from './records.ts'

export const NO_LEADER = -1
/** In a PartitionChangeRecord: the leader, and with it the leader epoch, stays. */
export const NO_LEADER_CHANGE = -2

export const LeaderRecoveryState = {
  RECOVERED: 0,
  /** Elected from outside the ISR; data may have been lost, and transactions be torn. */
  RECOVERING: 1,
} as const
export type LeaderRecoveryState = (typeof LeaderRecoveryState)[keyof typeof LeaderRecoveryState]
/** In a PartitionChangeRecord. */
export const NO_RECOVERY_STATE_CHANGE = -1

export interface PartitionRegistration {
  /** Broker ids; the first is the preferred leader. */
  readonly replicas: readonly number[]
  /** Log dir of each replica, in the same order. */
  readonly directories: readonly string[]
  readonly isr: readonly number[]
  readonly removingReplicas: readonly number[]
  readonly addingReplicas: readonly number[]
  /** Left the ISR when it was at or under its minimum, and so are not behind the high watermark (KIP-966). */
  readonly elr: readonly number[]
  readonly lastKnownElr: readonly number[]
  readonly leader: number
  readonly leaderRecoveryState: LeaderRecoveryState
  readonly leaderEpoch: number
  readonly partitionEpoch: number
}

const NONE: readonly never[] = Object.freeze([])

export function partitionRegistration(record: PartitionRecord): PartitionRegistration {
  const { replicas } = record
  return {
    replicas,
    directories: directoriesFor(record.directories, replicas),
    isr: shared(record.isr, replicas),
    removingReplicas: shared(record.removingReplicas, replicas),
    addingReplicas: shared(record.addingReplicas, replicas),
    elr: shared(record.eligibleLeaderReplicas ?? NONE, replicas),
    lastKnownElr: shared(record.lastKnownElr ?? NONE, replicas),
    leader: record.leader,
    leaderRecoveryState: recoveryState(record.leaderRecoveryState),
    leaderEpoch: record.leaderEpoch,
    partitionEpoch: record.partitionEpoch,
  }
}

/** After a change: a new leader, even the same one again, has a new leader epoch; the partition epoch always moves. */
export function changedPartition(
  partition: PartitionRegistration,
  record: PartitionChangeRecord,
): PartitionRegistration {
  const replicas = record.replicas ?? partition.replicas
  const keepsLeader = record.leader === NO_LEADER_CHANGE
  return {
    replicas,
    directories: directoriesFor(record.directories ?? partition.directories, replicas),
    isr: record.isr ? shared(record.isr, replicas) : partition.isr,
    removingReplicas: record.removingReplicas ? shared(record.removingReplicas, replicas) : partition.removingReplicas,
    addingReplicas: record.addingReplicas ? shared(record.addingReplicas, replicas) : partition.addingReplicas,
    elr: record.eligibleLeaderReplicas ? shared(record.eligibleLeaderReplicas, replicas) : partition.elr,
    lastKnownElr: record.lastKnownElr ? shared(record.lastKnownElr, replicas) : partition.lastKnownElr,
    leader: keepsLeader ? partition.leader : record.leader,
    leaderRecoveryState:
      record.leaderRecoveryState === NO_RECOVERY_STATE_CHANGE
        ? partition.leaderRecoveryState
        : recoveryState(record.leaderRecoveryState),
    leaderEpoch: keepsLeader ? partition.leaderEpoch : partition.leaderEpoch + 1,
    partitionEpoch: partition.partitionEpoch + 1,
  }
}

/** What a ClearElrRecord does; the partition itself if there is nothing to clear. */
export function withoutElr(partition: PartitionRegistration): PartitionRegistration {
  if (partition.elr.length === 0 && partition.lastKnownElr.length === 0) return partition
  return { ...partition, elr: NONE, lastKnownElr: NONE, partitionEpoch: partition.partitionEpoch + 1 }
}

export function partitionRecord(
  topicId: string,
  partitionId: number,
  partition: PartitionRegistration,
  options: { readonly metadataVersion: number; readonly elrEnabled: boolean },
): MetadataRecord {
  const { elr, lastKnownElr, directories, ...rest } = partition
  return metadataRecord('PartitionRecord', partitionRecordVersion(options.metadataVersion), {
    ...rest,
    topicId,
    partitionId,
    directories: options.metadataVersion >= Since.DIRECTORY_ASSIGNMENT ? directories : [],
    eligibleLeaderReplicas: options.elrEnabled && elr.length > 0 ? elr : null,
    lastKnownElr: options.elrEnabled && lastKnownElr.length > 0 ? lastKnownElr : null,
  })
}

export function hasPreferredLeader(partition: PartitionRegistration): boolean {
  return partition.leader === (partition.replicas[0] ?? NO_LEADER)
}

export function isReassigning(partition: PartitionRegistration): boolean {
  return partition.removingReplicas.length > 0 || partition.addingReplicas.length > 0
}

/** null: the broker is not a replica. */
export function directoryOf(partition: PartitionRegistration, brokerId: number): string | null {
  return partition.directories[partition.replicas.indexOf(brokerId)] ?? null
}

/** Records from before directory assignment have none: they stand for MIGRATING. */
function directoriesFor(directories: readonly string[], replicas: readonly number[]): readonly string[] {
  if (directories.every(id => id === DirectoryId.MIGRATING)) return replicas.map(() => DirectoryId.MIGRATING)
  if (directories.length !== replicas.length) {
    throw new MetadataError('ERR_BROKEN_RECORD', `${directories.length} directories for ${replicas.length} replicas`)
  }
  return directories
}

function recoveryState(value: number): LeaderRecoveryState {
  if (value === LeaderRecoveryState.RECOVERED || value === LeaderRecoveryState.RECOVERING) return value
  throw new MetadataError('ERR_BROKEN_RECORD', `unknown leader recovery state ${value}`)
}

/** The ISR mostly equals the replicas, and the other lists are mostly empty. */
function shared(list: readonly number[], replicas: readonly number[]): readonly number[] {
  if (list.length === 0) return NONE
  return list.length === replicas.length && list.every((id, i) => id === replicas[i]) ? replicas : list
}
