/** Records, answers and tasks of streams groups, each as one line of text. */
import { errorName } from '@ottla/protocol'
import { RecordType } from '../../record-types.ts'
import type { DescribedStreamsGroup } from '../describe.ts'
import type { StreamsGroupRecord } from '../record-shapes.ts'
import type { StreamsHeartbeatAnswer } from '../requests.ts'
import type { TaskIds } from '../tasks.ts'
import { Status } from '../topic-problem.ts'

const STATES: Readonly<Record<number, string>> = { 1: 'stable', 2: 'unrevoked', 3: 'unreleased' }
const STATUS_NAMES = new Map<number, string>(Object.entries(Status).map(([name, code]) => [code, name]))

export function isStreamsRecord(record: { readonly type: number }): record is StreamsGroupRecord {
  return record.type in WHAT
}

export function showStreamsRecord(record: StreamsGroupRecord): string {
  const { key } = record
  const who = 'memberId' in key ? `${key.groupId}/${key.memberId}` : key.groupId
  return `log ${WHAT[record.type]} ${who} ${record.value ? showValue(record) : 'none'}`
}

const WHAT: Readonly<Record<StreamsGroupRecord['type'], string>> = {
  [RecordType.STREAMS_GROUP_METADATA]: 'epoch',
  [RecordType.STREAMS_GROUP_MEMBER_METADATA]: 'member',
  [RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_METADATA]: 'target-epoch',
  [RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_MEMBER]: 'target',
  [RecordType.STREAMS_GROUP_CURRENT_MEMBER_ASSIGNMENT]: 'current',
  [RecordType.STREAMS_GROUP_TOPOLOGY]: 'topology',
}

function showValue(record: StreamsGroupRecord): string {
  switch (record.type) {
    case RecordType.STREAMS_GROUP_METADATA: {
      const { epoch, validatedTopologyEpoch, lastAssignmentConfigs } = record.value!
      const configs = lastAssignmentConfigs?.map(({ key, value }) => `${key}=${value}`)
      return `${epoch} validated=${validatedTopologyEpoch} ${configs?.join(' ')}`
    }
    case RecordType.STREAMS_GROUP_TOPOLOGY: {
      const { epoch, subtopologies } = record.value!
      return `${epoch} of ${subtopologies.map(({ subtopologyId }) => subtopologyId).join(',')}`
    }
    case RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_METADATA:
      return String(record.value!.assignmentEpoch)
    case RecordType.STREAMS_GROUP_MEMBER_METADATA: {
      const { processId, topologyEpoch, userEndpoint, rackId } = record.value!
      const endpoint = userEndpoint ? ` endpoint=${userEndpoint.host}:${userEndpoint.port}` : ''
      return `process=${processId} topology=${topologyEpoch}${endpoint}${rackId ? ` rack=${rackId}` : ''}`
    }
    case RecordType.STREAMS_GROUP_TARGET_ASSIGNMENT_MEMBER: {
      const { activeTasks, standbyTasks, warmupTasks } = record.value!
      return showTasks(activeTasks, standbyTasks, warmupTasks)
    }
    case RecordType.STREAMS_GROUP_CURRENT_MEMBER_ASSIGNMENT: {
      const { memberEpoch, previousMemberEpoch, state, ...tasks } = record.value!
      const assigned = showTasks(withEpochs(tasks.activeTasks), tasks.standbyTasks, tasks.warmupTasks)
      const { activeTasksPendingRevocation, standbyTasksPendingRevocation, warmupTasksPendingRevocation } = tasks
      const revoked = showTasks(
        withEpochs(activeTasksPendingRevocation),
        standbyTasksPendingRevocation,
        warmupTasksPendingRevocation,
      )
      return `${previousMemberEpoch}->${memberEpoch} ${STATES[state] ?? state} ${assigned}${revoked === '-' ? '' : ` revoking ${revoked}`}`
    }
  }
}

type Shown = TaskIds | { readonly subtopologyId: string; readonly partitions: readonly string[] }

function withEpochs(tasks: readonly (TaskIds & { readonly assignmentEpochs: readonly number[] | null })[]): Shown[] {
  return tasks.map(({ subtopologyId, partitions, assignmentEpochs }) => ({
    subtopologyId,
    partitions: partitions.map((partition, i) => `${partition}@${assignmentEpochs?.[i]}`),
  }))
}

/** `a_0,a_1 standby=b_0`; `-` for nothing. */
export function showTasks(
  active: readonly Shown[],
  standby: readonly Shown[] = [],
  warmup: readonly Shown[] = [],
): string {
  const list = (tasks: readonly Shown[]) =>
    tasks.flatMap(({ subtopologyId, partitions }) => [...partitions].map(partition => `${subtopologyId}_${partition}`))
  const parts = [list(active).join(',')]
  if (standby.length > 0) parts.push(`standby=${list(standby)}`)
  if (warmup.length > 0) parts.push(`warmup=${list(warmup)}`)
  return parts.filter(Boolean).join(' ') || '-'
}

export function showHeartbeat(answer: StreamsHeartbeatAnswer): string {
  const { errorCode = 0, errorMessage, memberEpoch, activeTasks, standbyTasks, warmupTasks, status } = answer
  if (errorCode !== 0) return `${errorName(errorCode)} ${errorMessage}`
  const parts = [`NONE epoch=${memberEpoch}`]
  if (activeTasks)
    parts.push(`tasks=${showTasks(activeTasks as TaskIds[], standbyTasks as TaskIds[], warmupTasks as TaskIds[])}`)
  for (const { statusCode = 0 } of status ?? []) parts.push(STATUS_NAMES.get(statusCode)!)
  for (const { name, numPartitions } of answer.topicsToCreate ?? []) parts.push(`create=${name}:${numPartitions}`)
  if (answer.endpointInformationEpoch) parts.push(`endpoints@${answer.endpointInformationEpoch}`)
  for (const { userEndpoint, activePartitions, standbyPartitions } of answer.partitionsByUserEndpoint ?? []) {
    const list = (topics: typeof activePartitions) =>
      topics?.map(({ topic, partitions }) => `${topic}:${partitions}`).join(',') || '-'
    parts.push(`${userEndpoint!.host}:${userEndpoint!.port}=${list(activePartitions)}/${list(standbyPartitions)}`)
  }
  return parts.join(' ')
}

/** One line for the group, one for each member. */
export function showDescribed(group: DescribedStreamsGroup): string[] {
  const { errorCode = 0, groupId, groupState, groupEpoch, assignmentEpoch, topology, members = [] } = group
  if (errorCode !== 0) return [`${groupId} ${errorName(errorCode)}`]
  return [
    `${groupId} ${groupState} epoch=${groupEpoch} assigned=${assignmentEpoch} topology=${topology?.epoch}`,
    ...members.map(({ memberId, memberEpoch, assignment, targetAssignment }) => {
      const has = showTasks(assignment.activeTasks, assignment.standbyTasks, assignment.warmupTasks)
      const target = showTasks(
        targetAssignment.activeTasks,
        targetAssignment.standbyTasks,
        targetAssignment.warmupTasks,
      )
      return `  ${memberId} epoch=${memberEpoch} has ${has}${target === has ? '' : ` target ${target}`}`
    }),
  ]
}
