/**
 * The record that a classic group leaves in `__consumer_offsets`: its generation, its members and their assignments. The
 * last one is what counts; without a value it says that there is no such group.
 */
import type { GroupMetadataValue } from '@ottla/protocol/logrecords/consumer-offsets'
import { RecordType } from '../record-types.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { GroupMetadataRecord } from './record-shapes.ts'

/** Kafka 4.3 writes this, of the versions up to 4 that there are, so that 2.3 can read it. */
const GROUP_METADATA_VERSION = 3

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
