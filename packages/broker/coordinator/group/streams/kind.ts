/** Streams groups, as the machine of all groups knows them. */
import {
  StreamsGroupCurrentMemberAssignmentKey,
  StreamsGroupCurrentMemberAssignmentValue,
  StreamsGroupMemberMetadataKey,
  StreamsGroupMemberMetadataValue,
  StreamsGroupMetadataKey,
  StreamsGroupMetadataValue,
  StreamsGroupTargetAssignmentMemberKey,
  StreamsGroupTargetAssignmentMemberValue,
  StreamsGroupTargetAssignmentMetadataKey,
  StreamsGroupTargetAssignmentMetadataValue,
  StreamsGroupTopologyKey,
  StreamsGroupTopologyValue,
} from '@ottla/protocol/logrecords/consumer-offsets'
import type { GroupStore, KindOfGroup } from '../group-store.ts'
import type { Kind } from '../kind.ts'
import { mustBeGone } from '../record.ts'
import { RecordType } from '../record-types.ts'
import { LEAVE_EPOCH, type Member, newMember } from './member.ts'
import { newStreamsGroup, renewSession, watchRevocation } from './membership.ts'
import type { CurrentAssignmentRecord, MemberRecord, StreamsGroupRecord } from './record-shapes.ts'
import { groupTombstones } from './records.ts'
import { StreamsGroup } from './streams-group.ts'
import { epochTasks, NOTHING_ASSIGNED, taskSet } from './tasks.ts'
import { Topology } from './topology.ts'

export const streamsKind: Kind<StreamsGroup> = {
  schemas: new Map([
    [RecordType.STREAMS_GROUP_METADATA, { key: StreamsGroupMetadataKey, value: StreamsGroupMetadataValue }],
    [
      RecordType.STREAMS_GROUP_MEMBER_METADATA,
      { key: StreamsGroupMemberMetadataKey, value: StreamsGroupMemberMetadataValue },
    ],
    [
      RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_METADATA,
      { key: StreamsGroupTargetAssignmentMetadataKey, value: StreamsGroupTargetAssignmentMetadataValue },
    ],
    [
      RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_MEMBER,
      { key: StreamsGroupTargetAssignmentMemberKey, value: StreamsGroupTargetAssignmentMemberValue },
    ],
    [
      RecordType.STREAMS_GROUP_CURRENT_MEMBER_ASSIGNMENT,
      { key: StreamsGroupCurrentMemberAssignmentKey, value: StreamsGroupCurrentMemberAssignmentValue },
    ],
    [RecordType.STREAMS_GROUP_TOPOLOGY, { key: StreamsGroupTopologyKey, value: StreamsGroupTopologyValue }],
  ]),

  replay(store, groupRecord) {
    const record = groupRecord as StreamsGroupRecord
    const group = store.groupOf(STREAMS_GROUP, record)
    if (group) replayInto(store, group, record)
  },

  onLoaded(turn, group) {
    for (const member of group.members.values()) {
      renewSession(turn, group, member.id)
      watchRevocation(turn, group, member)
    }
  },

  /** Nobody waits: every heartbeat is answered at once. */
  onUnload() {},

  /** Members show by heartbeats that they are there. */
  onCommit() {},

  onTopicsChanged(_turn, group, topics) {
    const required = group.topology?.requiredTopics
    if (!required || group.isMetadataStale) return
    const [few, many] = required.size < topics.size ? [required, topics] : [topics, required]
    group.isMetadataStale = [...few].some(topic => many.has(topic))
  },

  tombstones: ({ id }) => groupTombstones(id),
}

const STREAMS_GROUP: KindOfGroup<StreamsGroup> = { type: StreamsGroup, replacesSimple: true, make: newStreamsGroup }

function replayInto(store: GroupStore, group: StreamsGroup, record: StreamsGroupRecord): void {
  switch (record.type) {
    case RecordType.STREAMS_GROUP_METADATA: {
      const { value } = record
      if (!value) {
        mustBeGone(!group.isEmpty || group.assignmentEpoch !== -1, 'group', group.id)
        store.remove(group.id)
        return
      }
      group.epoch = value.epoch
      group.metadataHash = value.metadataHash
      group.validatedTopologyEpoch = value.validatedTopologyEpoch
      group.assignmentConfigs = new Map(value.lastAssignmentConfigs?.map(({ key, value }) => [key, value]))
      return
    }
    case RecordType.STREAMS_GROUP_TOPOLOGY:
      group.topology = record.value && new Topology(record.value)
      return
    case RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_METADATA:
      if (!record.value) mustBeGone(group.targets.size > 0, 'target assignment', group.id)
      group.assignmentEpoch = record.value?.assignmentEpoch ?? -1
      group.assignmentTimestampMs = record.value?.assignmentTimestamp ?? 0
      return
    case RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_MEMBER: {
      const { key, value } = record
      if (!value) group.removeTarget(key.memberId)
      else {
        const { activeTasks, standbyTasks, warmupTasks } = value
        const tasks = { active: taskSet(activeTasks), standby: taskSet(standbyTasks), warmup: taskSet(warmupTasks) }
        group.setTarget(key.memberId, tasks)
      }
      return
    }
    case RecordType.STREAMS_GROUP_MEMBER_METADATA:
      replayMember(store, group, record)
      return
    case RecordType.STREAMS_GROUP_CURRENT_MEMBER_ASSIGNMENT:
      replayAssignment(group, record)
  }
}

function replayMember(store: GroupStore, group: StreamsGroup, { key, value }: MemberRecord): void {
  if (value) {
    const { clientTags, userEndpoint, ...rest } = value
    const tags = new Map(clientTags.map(({ key, value }) => [key, value]))
    group.setMember({ ...memberOf(group, key.memberId), ...rest, userEndpoint, clientTags: tags })
    return
  }
  const known = group.members.get(key.memberId)
  mustBeGone(
    known !== undefined && (known.epoch !== LEAVE_EPOCH || group.targets.has(known.id)),
    'member',
    key.memberId,
  )
  const timers = group.removeMember(key.memberId)
  if (!timers) return
  store.timers.cancel(timers.session)
  store.timers.cancel(timers.rebalance)
}

function replayAssignment(group: StreamsGroup, { key, value }: CurrentAssignmentRecord): void {
  if (!value) {
    const member = group.members.get(key.memberId)
    const left = { epoch: LEAVE_EPOCH, previousEpoch: LEAVE_EPOCH }
    if (member) group.setMember({ ...member, ...left, assigned: NOTHING_ASSIGNED, pendingRevocation: NOTHING_ASSIGNED })
    return
  }
  const { memberEpoch: epoch, previousMemberEpoch: previousEpoch, state } = value
  group.setMember({
    ...memberOf(group, key.memberId),
    epoch,
    previousEpoch,
    state,
    assigned: {
      active: epochTasks(value.activeTasks, epoch),
      standby: taskSet(value.standbyTasks),
      warmup: taskSet(value.warmupTasks),
    },
    pendingRevocation: {
      active: epochTasks(value.activeTasksPendingRevocation, epoch),
      standby: taskSet(value.standbyTasksPendingRevocation),
      warmup: taskSet(value.warmupTasksPendingRevocation),
    },
  })
}

/** Its records may come in any order, once the log has been compacted. */
function memberOf(group: StreamsGroup, memberId: string): Member {
  return group.members.get(memberId) ?? newMember(memberId)
}
