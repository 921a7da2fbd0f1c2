/** StreamsGroupDescribe: a group, its topology, and of each member what it has and what it is to have. */
import { ErrorCode } from '@ottla/protocol'
import type { StreamsGroupDescribeResponse } from '@ottla/protocol/messages/streams-group-describe'
import type { GroupStore } from '../group-store.ts'
import { inTableOrder } from '../table-order.ts'
import { type Member, tagsInOrder } from './member.ts'
import { streamsGroup } from './membership.ts'
import type { StreamsGroup } from './streams-group.ts'
import { type AnyTasks, type AssignedTasks, type Tasks, taskIds } from './tasks.ts'
import type { Subtopology, TopicInfo } from './topology.ts'

type Described = StreamsGroupDescribeResponse['groups'][number]
export type DescribedStreamsGroup = Partial<Described> & { readonly groupId: string }

export function describeStreamsGroup(store: GroupStore, groupId: string): DescribedStreamsGroup {
  const group = streamsGroup(store, groupId)
  if (group) return described(group)
  const reason = store.groups.has(groupId) ? 'is not a streams group' : 'not found'
  return { groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: `Group ${groupId} ${reason}.` }
}

function described(group: StreamsGroup): DescribedStreamsGroup {
  const { id: groupId, state: groupState, epoch: groupEpoch, assignmentEpoch, topology, configured } = group
  // Once its topics are there, with the partition counts that were decided for them.
  const subtopologies =
    configured && configured.problem === null
      ? [...configured.subtopologies!.values()].map(subtopology => subtopology.described)
      : topology?.subtopologies
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState,
    groupEpoch,
    assignmentEpoch,
    topology: topology && { epoch: topology.epoch, subtopologies: subtopologies!.map(describedSubtopology) },
    members: inTableOrder(group.members.values(), ({ id }) => id).map(member =>
      describedMember(member, group.targetOf(member.id)),
    ),
  }
}

function describedSubtopology(subtopology: Subtopology) {
  const { subtopologyId, sourceTopics, repartitionSinkTopics, repartitionSourceTopics, stateChangelogTopics } =
    subtopology
  return {
    subtopologyId,
    sourceTopics: sourceTopics.toSorted(),
    repartitionSinkTopics: repartitionSinkTopics.toSorted(),
    repartitionSourceTopics: repartitionSourceTopics.toSorted(byName),
    stateChangelogTopics: stateChangelogTopics.toSorted(byName),
  }
}

function byName(a: TopicInfo, b: TopicInfo): number {
  return a.name < b.name ? -1 : 1
}

function describedMember(member: Member, target: Tasks): Described['members'][number] {
  const { id, epoch, instanceId, rackId, clientId, clientHost, topologyEpoch, processId, userEndpoint } = member
  return {
    memberId: id,
    memberEpoch: epoch,
    instanceId,
    rackId,
    clientId,
    clientHost,
    topologyEpoch,
    processId,
    userEndpoint,
    clientTags: tagsInOrder(member.clientTags),
    taskOffsets: [],
    taskEndOffsets: [],
    assignment: assignment(member.assigned),
    targetAssignment: assignment(target),
    isClassic: false,
  }
}

function assignment({ active, standby, warmup }: Tasks | AssignedTasks) {
  const lists = (tasks: AnyTasks) =>
    taskIds(tasks).map(({ subtopologyId, partitions }) => ({ subtopologyId, partitions: [...partitions] }))
  return { activeTasks: lists(active), standbyTasks: lists(standby), warmupTasks: lists(warmup) }
}
