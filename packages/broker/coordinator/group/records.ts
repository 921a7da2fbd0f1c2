/**
 * The two kinds of record that classic groups leave in `__consumer_offsets`: one for each group (its generation, members
 * and assignments) and one for each committed offset. The last record of a key is what counts; without a value it says
 * that there is none.
 */
import { ZERO_UUID } from '@ottla/protocol'
import type {
  GroupMetadataKey,
  GroupMetadataValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from '@ottla/protocol/logrecords/consumer-offsets'
import type { ClassicGroup } from './group.ts'

/** The record type that a key begins with. */
export const RecordType = { LEGACY_OFFSET_COMMIT: 0, OFFSET_COMMIT: 1, GROUP_METADATA: 2 } as const

export interface OffsetCommitRecord {
  readonly type: typeof RecordType.OFFSET_COMMIT
  readonly key: OffsetCommitKey
  readonly value: OffsetCommitValue | null
  /** Of the value. */
  readonly version: number
}

export interface GroupMetadataRecord {
  readonly type: typeof RecordType.GROUP_METADATA
  readonly key: GroupMetadataKey
  readonly value: GroupMetadataValue | null
  readonly version: number
}

export type GroupRecord = OffsetCommitRecord | GroupMetadataRecord

/** Kafka 4.3 writes these, of the versions up to 4 that there are, so that 2.3 can read them. */
const GROUP_METADATA_VERSION = 3
const OFFSET_COMMIT_VERSION = 4
/** The only one that has a time at which the offset expires. */
const EXPIRING_OFFSET_COMMIT_VERSION = 1

export const NEVER = -1

/** The group as it is: a member's subscription is what it said for the protocol that was chosen. */
export function groupMetadata(group: ClassicGroup): GroupMetadataRecord {
  const { protocolName } = group
  const members = [...group.members.values()].map(member => ({
    memberId: member.id,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeout: member.rebalanceTimeoutMs,
    sessionTimeout: member.sessionTimeoutMs,
    // Only a group without members has no protocol.
    subscription: member.metadata(protocolName!),
    assignment: member.assignment,
  }))
  return metadata(group.id, {
    protocolType: group.protocolType ?? '',
    generation: group.generation,
    protocol: protocolName,
    leader: group.leaderId,
    currentStateTimestamp: group.stateTimestampMs,
    members,
  })
}

/** A new group: so that it is there after a restart, whatever comes of the first member. */
export function newGroupMetadata(group: ClassicGroup): GroupMetadataRecord {
  return metadata(group.id, {
    protocolType: '',
    generation: 0,
    protocol: null,
    leader: null,
    currentStateTimestamp: group.stateTimestampMs,
    members: [],
  })
}

export function groupTombstone(groupId: string): GroupMetadataRecord {
  return metadata(groupId, null)
}

function metadata(group: string, value: GroupMetadataValue | null): GroupMetadataRecord {
  return { type: RecordType.GROUP_METADATA, key: { group }, value, version: GROUP_METADATA_VERSION }
}

/** An offset that expires at a time of its own is written in an older version, which lacks epoch and topic id. */
export function offsetCommit(key: OffsetCommitKey, value: OffsetCommitValue): OffsetCommitRecord {
  return value.expireTimestamp === NEVER
    ? { type: RecordType.OFFSET_COMMIT, key, value, version: OFFSET_COMMIT_VERSION }
    : {
        type: RecordType.OFFSET_COMMIT,
        key,
        value: { ...value, leaderEpoch: -1, topicId: ZERO_UUID },
        version: EXPIRING_OFFSET_COMMIT_VERSION,
      }
}

export function offsetTombstone(group: string, topic: string, partition: number): OffsetCommitRecord {
  return {
    type: RecordType.OFFSET_COMMIT,
    key: { group, topic, partition },
    value: null,
    version: OFFSET_COMMIT_VERSION,
  }
}

const OFFSET_OVERHEAD_BYTES = 72
const GROUP_OVERHEAD_BYTES = 64
const MEMBER_OVERHEAD_BYTES = 24

/** What the record takes in a batch that is not compressed, or a few bytes more. */
export function maxBytesOf(record: GroupRecord): number {
  if (record.type === RecordType.OFFSET_COMMIT) {
    const { key, value } = record
    return OFFSET_OVERHEAD_BYTES + textBytes(key.group) + textBytes(key.topic) + textBytes(value?.metadata)
  }
  const { key, value } = record
  let bytes = GROUP_OVERHEAD_BYTES + textBytes(key.group)
  if (!value) return bytes
  bytes += textBytes(value.protocolType) + textBytes(value.protocol) + textBytes(value.leader)
  for (const member of value.members) {
    bytes += MEMBER_OVERHEAD_BYTES + member.subscription.length + member.assignment.length
    bytes += textBytes(member.memberId) + textBytes(member.groupInstanceId)
    bytes += textBytes(member.clientId) + textBytes(member.clientHost)
  }
  return bytes
}

function textBytes(text: string | null | undefined): number {
  return text ? Buffer.byteLength(text) : 0
}
