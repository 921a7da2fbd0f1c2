/** Share groups, as the machine of all groups knows them. */
import {
  ShareGroupCurrentMemberAssignmentKey,
  ShareGroupCurrentMemberAssignmentValue,
  ShareGroupMemberMetadataKey,
  ShareGroupMemberMetadataValue,
  ShareGroupMetadataKey,
  ShareGroupMetadataValue,
  ShareGroupStatePartitionMetadataKey,
  ShareGroupStatePartitionMetadataValue,
  ShareGroupTargetAssignmentMemberKey,
  ShareGroupTargetAssignmentMemberValue,
  ShareGroupTargetAssignmentMetadataKey,
  ShareGroupTargetAssignmentMetadataValue,
} from '@ottla/protocol/logrecords/consumer-offsets'
import type { GroupStore, KindOfGroup } from '../group-store.ts'
import type { Kind } from '../kind.ts'
import { mustBeGone } from '../record.ts'
import { RecordType } from '../record-types.ts'
import { renewSession } from './membership.ts'
import { NO_PARTITIONS, partitionsOf } from './partitions.ts'
import type {
  ShareGroupCurrentMemberAssignmentRecord,
  ShareGroupMemberMetadataRecord,
  ShareGroupRecord,
} from './record-shapes.ts'
import {
  currentTombstone,
  groupTombstone,
  memberTombstone,
  statePartitionsTombstone,
  targetMetadataTombstone,
  targetTombstone,
} from './records.ts'
import { LEAVE_EPOCH, newMember, ShareGroup, type StateTopic } from './share-group.ts'
import { forgetTopics } from './state-partitions.ts'

export const shareKind: Kind<ShareGroup> = {
  schemas: new Map([
    [
      RecordType.SHARE_GROUP_MEMBER_METADATA,
      { key: ShareGroupMemberMetadataKey, value: ShareGroupMemberMetadataValue },
    ],
    [RecordType.SHARE_GROUP_METADATA, { key: ShareGroupMetadataKey, value: ShareGroupMetadataValue }],
    [
      RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_METADATA,
      { key: ShareGroupTargetAssignmentMetadataKey, value: ShareGroupTargetAssignmentMetadataValue },
    ],
    [
      RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_MEMBER,
      { key: ShareGroupTargetAssignmentMemberKey, value: ShareGroupTargetAssignmentMemberValue },
    ],
    [
      RecordType.SHARE_GROUP_CURRENT_MEMBER_ASSIGNMENT,
      { key: ShareGroupCurrentMemberAssignmentKey, value: ShareGroupCurrentMemberAssignmentValue },
    ],
    [
      RecordType.SHARE_GROUP_STATE_PARTITION_METADATA,
      { key: ShareGroupStatePartitionMetadataKey, value: ShareGroupStatePartitionMetadataValue },
    ],
  ]),

  replay(store, record) {
    const shareRecord = record as ShareGroupRecord
    const group = store.groupOf(SHARE_GROUP, shareRecord)
    if (group) replay(store, group, shareRecord)
  },

  onLoaded(turn, group) {
    for (const { id } of group.members.values()) renewSession(turn, group, id)
    if (group.statePartitions) group.stateChangedMs = turn.now.monotonicMs
  },

  /** No request of its waits. */
  onUnload() {},

  onCommit() {},

  onTopicsDeleted: forgetTopics,

  /** The next heartbeat of any member looks. */
  onTopicsChanged(_turn, group, topics) {
    for (const topic of topics) if (group.isSubscribedTo(topic)) group.topicsAreKnown = false
  },

  tombstones(group) {
    const memberIds = [...group.members.keys()]
    return [
      ...memberIds.map(memberId => currentTombstone(group.id, memberId)),
      ...memberIds.map(memberId => targetTombstone(group.id, memberId)),
      targetMetadataTombstone(group.id),
      ...memberIds.map(memberId => memberTombstone(group.id, memberId)),
      statePartitionsTombstone(group.id),
      groupTombstone(group.id),
    ]
  },
}

const SHARE_GROUP: KindOfGroup<ShareGroup> = {
  type: ShareGroup,
  replacesSimple: false,
  make: id => new ShareGroup(id),
}

function replay(store: GroupStore, group: ShareGroup, record: ShareGroupRecord): void {
  switch (record.type) {
    case RecordType.SHARE_GROUP_METADATA:
      if (!record.value) {
        mustBeGone(group.members.size > 0 || group.target.size > 0 || group.assignmentEpoch !== -1, 'group', group.id)
        store.remove(group.id)
      } else {
        group.epoch = record.value.epoch
        group.metadataHash = record.value.metadataHash
      }
      return
    case RecordType.SHARE_GROUP_MEMBER_METADATA:
      replayMember(store, group, record)
      return
    case RecordType.SHARE_GROUP_CURRENT_MEMBER_ASSIGNMENT:
      replayCurrent(group, record)
      return
    case RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_MEMBER:
      if (record.value) group.target.set(record.key.memberId, partitionsOf(record.value.topicPartitions))
      else group.target.delete(record.key.memberId)
      return
    case RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_METADATA:
      if (!record.value) mustBeGone(group.target.size > 0, 'target assignment', group.id)
      group.assignmentEpoch = record.value?.assignmentEpoch ?? -1
      group.assignmentTimestampMs = record.value?.assignmentTimestamp ?? 0
      return
    case RecordType.SHARE_GROUP_STATE_PARTITION_METADATA:
      group.statePartitions = record.value && {
        initializing: stateTopics(record.value.initializingTopics),
        initialized: stateTopics(record.value.initializedTopics),
        deleting: new Map(record.value.deletingTopics.map(({ topicId, topicName }) => [topicId, topicName])),
      }
  }
}

function replayMember(store: GroupStore, group: ShareGroup, { key, value }: ShareGroupMemberMetadataRecord): void {
  if (!value) {
    const known = group.members.get(key.memberId)
    mustBeGone(
      known !== undefined && (known.epoch !== LEAVE_EPOCH || group.target.has(known.id)),
      'member',
      key.memberId,
    )
    group.removeMember(key.memberId)
    group.endSession(store, key.memberId)
    return
  }
  const { rackId, clientId, clientHost, subscribedTopicNames } = value
  const member = group.members.get(key.memberId) ?? newMember(key.memberId)
  group.setMember({ ...member, rackId, clientId, clientHost, subscribedTopicNames: new Set(subscribedTopicNames) })
}

function replayCurrent(group: ShareGroup, { key, value }: ShareGroupCurrentMemberAssignmentRecord): void {
  const known = group.members.get(key.memberId)
  if (!value) {
    const gone = { epoch: LEAVE_EPOCH, previousEpoch: LEAVE_EPOCH, assigned: NO_PARTITIONS }
    if (known) group.setMember({ ...known, ...gone })
    return
  }
  const { memberEpoch: epoch, previousMemberEpoch: previousEpoch, assignedPartitions } = value
  const member = known ?? newMember(key.memberId)
  group.setMember({ ...member, epoch, previousEpoch, assigned: partitionsOf(assignedPartitions) })
}

function stateTopics(
  topics: readonly { readonly topicId: string; readonly topicName: string; readonly partitions: readonly number[] }[],
): ReadonlyMap<string, StateTopic> {
  return new Map(
    topics.map(({ topicId, topicName, partitions }) => [topicId, { name: topicName, partitions: new Set(partitions) }]),
  )
}
