/** Consumer groups, as the machine of all groups knows them: their records and what is done with them. */
import {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupPartitionMetadataValue,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue,
} from '@ottla/protocol/logrecords/consumer-offsets'
import type { GroupStore, KindOfGroup } from '../group-store.ts'
import type { Kind } from '../kind.ts'
import { mustBeGone } from '../record.ts'
import { RecordType } from '../record-types.ts'
import { OWNS_NOTHING, type OwnedPartitions, toPartitions } from './assignment.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { limitRevocation, setTimer } from './departure.ts'
import { LEAVING_EPOCH, type Member, MemberState, newMember, topicNames } from './member.ts'
import type { ConsumerGroupRecord } from './record-shapes.ts'
import { groupTombstones } from './records.ts'

export const consumerKind: Kind<ConsumerGroup> = {
  schemas: new Map([
    [RecordType.CONSUMER_GROUP_METADATA, { key: ConsumerGroupMetadataKey, value: ConsumerGroupMetadataValue }],
    [
      RecordType.CONSUMER_GROUP_PARTITION_METADATA,
      { key: ConsumerGroupPartitionMetadataKey, value: ConsumerGroupPartitionMetadataValue },
    ],
    [
      RecordType.CONSUMER_GROUP_MEMBER_METADATA,
      { key: ConsumerGroupMemberMetadataKey, value: ConsumerGroupMemberMetadataValue },
    ],
    [
      RecordType.CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA,
      { key: ConsumerGroupTargetAssignmentMetadataKey, value: ConsumerGroupTargetAssignmentMetadataValue },
    ],
    [
      RecordType.CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER,
      { key: ConsumerGroupTargetAssignmentMemberKey, value: ConsumerGroupTargetAssignmentMemberValue },
    ],
    [
      RecordType.CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT,
      { key: ConsumerGroupCurrentMemberAssignmentKey, value: ConsumerGroupCurrentMemberAssignmentValue },
    ],
    [
      RecordType.CONSUMER_GROUP_REGULAR_EXPRESSION,
      { key: ConsumerGroupRegularExpressionKey, value: ConsumerGroupRegularExpressionValue },
    ],
  ]),

  replay(store, record) {
    const change = record as ConsumerGroupRecord
    const group = store.groupOf(CONSUMER_GROUP, change)
    if (group) applyTo(store, group, change)
  },

  onLoaded(turn, group) {
    group.newTopicsVersion = turn.store.image.provenance.offset
    for (const member of group.members.values()) {
      // Whatever a member of the classic protocol has asked for: its broker may have been away for longer.
      setTimer(turn, group, member.id, 'session', turn.store.configOf(group.id).consumerSessionTimeoutMs)
      limitRevocation(turn, group, member)
    }
  },

  /** No request of theirs waits for anything but the log. */
  onUnload() {},

  /** Members of the consumer protocol show by heartbeats that they are there. */
  onCommit() {},

  onTopicsChanged({ store: { image } }, group, topics) {
    for (const name of topics) {
      const partition = image.topicsByName.get(name)?.partitions[0]
      // What has never been changed has just come.
      if (partition?.partitionEpoch === 0) group.newTopicsVersion = image.provenance.offset
      if (group.isSubscribedTo(name)) group.isMetadataStale = true
    }
  },

  tombstones: group => groupTombstones(group.id, [...group.members.keys()], [...group.resolvedRegexes.keys()]),
}

const CONSUMER_GROUP: KindOfGroup<ConsumerGroup> = {
  type: ConsumerGroup,
  replacesSimple: true,
  make: id => new ConsumerGroup(id),
}

function applyTo(store: GroupStore, group: ConsumerGroup, record: ConsumerGroupRecord): void {
  switch (record.type) {
    case RecordType.CONSUMER_GROUP_METADATA:
      if (record.value) {
        group.epoch = record.value.epoch
        group.metadataHash = record.value.metadataHash
      } else {
        mustBeGone(group.members.size > 0 || group.targets.size > 0 || group.assignmentEpoch !== -1, 'group', group.id)
        store.remove(group.id)
      }
      break
    case RecordType.CONSUMER_GROUP_PARTITION_METADATA:
      group.hasPartitionMetadataRecord = record.value !== null
      break
    case RecordType.CONSUMER_GROUP_MEMBER_METADATA:
      if (record.value) group.setMember(withMetadata(memberOf(group, record.key.memberId), record.value))
      else remove(store, group, record.key.memberId)
      break
    case RecordType.CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA:
      if (!record.value) mustBeGone(group.targets.size > 0, 'target assignment', group.id)
      group.assignmentEpoch = record.value?.assignmentEpoch ?? -1
      group.assignmentTimestampMs = record.value?.assignmentTimestamp ?? 0
      break
    case RecordType.CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER:
      if (record.value) group.setTarget(record.key.memberId, toPartitions(record.value.topicPartitions))
      else group.removeTarget(record.key.memberId)
      break
    case RecordType.CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT:
      setCurrent(group, record.key.memberId, record.value)
      break
    case RecordType.CONSUMER_GROUP_REGULAR_EXPRESSION: {
      const { value, key } = record
      const { topics, version, timestamp } = value ?? { topics: [], version: 0, timestamp: 0 }
      group.setResolvedRegex(
        key.regularExpression,
        value && { topics: topicNames(topics), version, timestampMs: timestamp },
      )
    }
  }
}

function memberOf(group: ConsumerGroup, id: string): Member {
  return group.members.get(id) ?? newMember(id)
}

function withMetadata(member: Member, value: ConsumerGroupMemberMetadataValue): Member {
  const { classicMemberMetadata: classic } = value
  const { instanceId, rackId, clientId, clientHost, subscribedTopicRegex, rebalanceTimeoutMs, serverAssignor } = value
  return {
    ...member,
    instanceId,
    rackId,
    clientId,
    clientHost,
    subscribedTopicRegex,
    rebalanceTimeoutMs,
    serverAssignor,
    subscribedTopicNames: topicNames(value.subscribedTopicNames),
    classic: classic && {
      sessionTimeoutMs: classic.sessionTimeoutMs,
      supportedProtocols: classic.supportedProtocols.map(({ name, metadata }) => ({
        name,
        metadata: Uint8Array.from(metadata),
      })),
    },
  }
}

/** Without a value it has nothing, until its next record says that it is gone. */
function setCurrent(
  group: ConsumerGroup,
  memberId: string,
  value: ConsumerGroupCurrentMemberAssignmentValue | null,
): void {
  if (!value) {
    const member = group.members.get(memberId)
    const nothing = { assigned: OWNS_NOTHING, pendingRevocation: OWNS_NOTHING }
    if (member) group.setMember({ ...member, epoch: LEAVING_EPOCH, previousEpoch: LEAVING_EPOCH, ...nothing })
    return
  }
  const { memberEpoch, previousMemberEpoch, state, assignedPartitions, partitionsPendingRevocation } = value
  group.setMember({
    ...memberOf(group, memberId),
    epoch: memberEpoch,
    previousEpoch: previousMemberEpoch,
    state: knownState(state),
    assigned: withEpochs(assignedPartitions, memberEpoch),
    pendingRevocation: withEpochs(partitionsPendingRevocation, memberEpoch),
  })
}

function knownState(state: number): MemberState {
  return Object.values(MemberState).find(known => known === state) ?? MemberState.UNKNOWN
}

type Owned = ConsumerGroupCurrentMemberAssignmentValue['assignedPartitions']

/** Before Kafka 4.3 records don't say since when: taken to be since the epoch that they are of. */
function withEpochs(topics: Owned, memberEpoch: number): OwnedPartitions {
  const since = Math.max(memberEpoch, 0)
  const owned = new Map<string, ReadonlyMap<number, number>>()
  for (const { topicId, partitions, assignmentEpochs } of topics) {
    const epochs = assignmentEpochs?.length === partitions.length ? assignmentEpochs : null
    if (partitions.length > 0)
      owned.set(topicId, new Map(partitions.map((partition, i) => [partition, epochs?.[i] ?? since])))
  }
  return owned
}

function remove(store: GroupStore, group: ConsumerGroup, memberId: string): void {
  const member = group.members.get(memberId)
  mustBeGone(
    member !== undefined && (member.epoch !== LEAVING_EPOCH || group.targets.has(memberId)),
    'member',
    memberId,
  )
  group.removeMember(memberId)
  for (const timer of group.takeTimers(memberId)) store.timers.cancel(timer)
}
