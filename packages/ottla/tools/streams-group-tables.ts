/** What `kafka-streams-groups --describe` prints: lags, members with their tasks, states. */
import {
  type Cluster,
  listGroupOffsets,
  partitionName,
  type StreamsGroupDescription,
  Timestamp,
  type TopicPartition,
} from '@ottla/client'
import type { ToolContext } from './context.ts'
import { offsetsAt } from './group-reset.ts'
import { MISSING, printError } from './group-tables.ts'
import { inRuntime, ToolError } from './java/errors.ts'
import { columns, widthOf } from './java/format.ts'
import { partitionsInHashOrder } from './java/hash-order.ts'

type Member = StreamsGroupDescription['members'][number]
type Tasks = Member['assignment']

function tellState({ groupId, groupState }: StreamsGroupDescription, context: ToolContext): void {
  if (groupState === 'Dead') printError(context, `Streams group '${groupId}' does not exist.`)
  else if (groupState === 'Empty') printError(context, `Streams group '${groupId}' has no active members.`)
}

function isShown({ groupState, members }: StreamsGroupDescription): boolean {
  return groupState !== 'Dead' && members.length > 0
}

function tasksText(kind: string, tasks: readonly { subtopologyId: string; partitions: readonly number[] }[]): string {
  if (tasks.length === 0) return ''
  return `${kind}: ${tasks.map(({ subtopologyId, partitions }) => `${subtopologyId}:[${partitions.join(',')}]; `).join('')}`
}

function allTasks(tasks: Tasks, prefix = ''): string {
  const { activeTasks, standbyTasks, warmupTasks } = tasks
  return [
    tasksText(`${prefix}ACTIVE`, activeTasks),
    tasksText(`${prefix}STANDBY`, standbyTasks),
    tasksText(`${prefix}WARMUP`, warmupTasks),
  ].join('')
}

export function printMembers(group: StreamsGroupDescription, isVerbose: boolean, context: ToolContext): void {
  if (!isShown(group)) return
  tellState(group, context)
  const { groupId, members, assignmentEpoch } = group
  const id = widthOf(
    15,
    members.map(({ memberId }) => memberId),
  )
  const process = widthOf(
    15,
    members.map(({ processId }) => processId),
  )
  const client = widthOf(
    15,
    members.map(({ clientId }) => clientId),
  )
  const first = widthOf(15, [groupId])
  if (!isVerbose) {
    const rows = members.map(one => [groupId, one.memberId, one.processId, one.clientId, allTasks(one.assignment)])
    for (const row of [['GROUP', 'MEMBER', 'PROCESS', 'CLIENT-ID', 'ASSIGNMENTS'], ...rows])
      context.print(columns([first, id, process, client], row))
    return
  }
  // There is no blank between the third column and the fourth.
  const line = (head: readonly (string | number)[], tail: readonly (string | number)[]): string =>
    columns([first, 25, 15], head) + columns([id, 15, 15, process, client], tail)
  context.print(
    line(
      ['GROUP', 'TARGET-ASSIGNMENT-EPOCH', 'TOPOLOGY-EPOCH'],
      ['MEMBER', 'MEMBER-PROTOCOL', 'MEMBER-EPOCH', 'PROCESS', 'CLIENT-ID', 'ASSIGNMENTS'],
    ),
  )
  for (const one of members) {
    const protocol = one.isClassic ? 'classic' : 'streams'
    const tasks = allTasks(one.assignment) + allTasks(one.targetAssignment, 'TARGET-')
    context.print(
      line(
        [groupId, assignmentEpoch, group.topology?.epoch ?? MISSING],
        [one.memberId, protocol, one.memberEpoch, one.processId, one.clientId, tasks],
      ),
    )
  }
}

export function printState(group: StreamsGroupDescription, isVerbose: boolean, context: ToolContext): void {
  tellState(group, context)
  const { groupId, coordinator, groupState, groupEpoch, assignmentEpoch, members } = group
  const where = `${coordinator.host}:${coordinator.port} (${coordinator.id})`
  const widths = [widthOf(15, [groupId]), widthOf(25, [where]), 25, ...(isVerbose ? [15, 25] : [])]
  const epochs = isVerbose ? ['GROUP-EPOCH', 'TARGET-ASSIGNMENT-EPOCH'] : []
  context.print(columns(widths, ['GROUP', 'COORDINATOR (ID)', 'STATE', ...epochs, '#MEMBERS']))
  const own = isVerbose ? [groupEpoch, assignmentEpoch] : []
  context.print(columns(widths, [groupId, where, groupState, ...own, members.length]))
}

/** Of the partitions of all active tasks. */
function assignedPartitions(group: StreamsGroupDescription): TopicPartition[] {
  const sources = new Map(
    (group.topology?.subtopologies ?? []).map(one => [
      one.subtopologyId,
      [...one.sourceTopics, ...one.repartitionSourceTopics.map(({ name }) => name)],
    ]),
  )
  const found = new Map<string, TopicPartition>()
  for (const { subtopologyId, partitions } of group.members.flatMap(({ assignment }) => assignment.activeTasks)) {
    const topics = sources.get(subtopologyId)
    if (!topics) throw new ToolError(`Subtopology ${subtopologyId} not found in group description!`)
    for (const topic of topics)
      for (const partition of partitions) found.set(partitionName({ topic, partition }), { topic, partition })
  }
  return partitionsInHashOrder(found.values())
}

export async function printOffsets(
  group: StreamsGroupDescription,
  isVerbose: boolean,
  cluster: Cluster,
  context: ToolContext,
): Promise<void> {
  const partitions = assignedPartitions(group)
  const starts = await offsetsAt(cluster, partitions, Timestamp.earliest)
  const ends = await offsetsAt(cluster, partitions, Timestamp.latest)
  const listed = await inRuntime(listGroupOffsets(cluster, group.groupId))
  const committed = new Map(listed.map(one => [partitionName(one), one]))
  if (!isShown(group)) return
  tellState(group, context)
  const { groupId } = group
  const widths = [
    widthOf(15, [groupId]),
    widthOf(
      15,
      partitions.map(({ topic }) => topic),
    ),
    10,
  ]
  const header = isVerbose ? ['CURRENT-OFFSET', 'LEADER-EPOCH', 'LOG-END-OFFSET', 'OFFSET-LAG'] : ['OFFSET-LAG']
  const rows = partitions.map(({ topic, partition }) => {
    const name = partitionName({ topic, partition })
    const own = committed.get(name)
    const end = ends.get(name)!
    const lag = end - (own?.offset ?? starts.get(name)!)
    const more = isVerbose ? [own?.offset ?? MISSING, own?.leaderEpoch ?? MISSING, end] : []
    return [groupId, topic, partition, ...more, lag]
  })
  for (const row of [['GROUP', 'TOPIC', 'PARTITION', ...header], ...rows])
    context.print(columns(isVerbose ? [...widths, 15, 15, 15, 15] : widths, row))
}
