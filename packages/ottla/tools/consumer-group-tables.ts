/** What `kafka-consumer-groups --describe` prints: lags, members, states. */
import {
  type Cluster,
  type GroupDescription,
  type GroupMemberDescription,
  type GroupOffset,
  listGroupOffsets,
  partitionName,
  Timestamp,
  type TopicPartition,
} from '@ottla/client'
import type { ToolContext } from './context.ts'
import { leaderless, offsetsAt } from './group-reset.ts'
import { assignmentText, MISSING, printError } from './group-tables.ts'
import { inRuntime, ToolError } from './java/errors.ts'
import { columns, widthOf } from './java/format.ts'

const REBALANCING = ['PreparingRebalance', 'CompletingRebalance', 'Assigning', 'Reconciling']

/** What there is to say of its state; whether there is more to print. */
function tellState({ groupId, state }: GroupDescription, rows: number, context: ToolContext): boolean {
  if (state === 'Dead') printError(context, `Consumer group '${groupId}' does not exist.`)
  else if (state === 'Empty') context.complain(`\nConsumer group '${groupId}' has no active members.`)
  else if (REBALANCING.includes(state)) context.complain(`\nWarning: Consumer group '${groupId}' is rebalancing.`)
  else if (state !== 'Stable') throw new ToolError(`Expected a valid consumer group state, but found '${state}'.`)
  return state !== 'Dead' && rows > 0
}

interface Row extends TopicPartition {
  readonly offset: GroupOffset | undefined
  readonly end: number | undefined
  readonly member: GroupMemberDescription | null
}

export async function printOffsets(
  groups: readonly GroupDescription[],
  isVerbose: boolean,
  cluster: Cluster,
  context: ToolContext,
): Promise<void> {
  const described: [GroupDescription, Row[]][] = []
  for (const group of groups) described.push([group, await rowsOf(group, cluster)])
  for (const [group, rows] of described)
    if (tellState(group, rows.length, context)) context.write(offsetTable(group, rows, isVerbose))
}

/** Members first, those with most partitions before others; then what is committed and nobody reads. */
async function rowsOf(group: GroupDescription, cluster: Cluster): Promise<Row[]> {
  const committed = new Map(
    (await inRuntime(listGroupOffsets(cluster, group.groupId))).map(one => [partitionName(one), one]),
  )
  const busy = group.members.filter(({ assignment }) => assignment.length > 0)
  const rows: Row[] = []
  const assigned = new Set<string>()
  for (const member of busy.sort((a, b) => b.assignment.length - a.assignment.length)) {
    for (const one of member.assignment) assigned.add(partitionName(one))
    rows.push(...(await rowsOfPartitions(cluster, member.assignment, committed, member)))
  }
  const others = [...committed].filter(([name]) => !assigned.has(name)).map(([, one]) => one)
  if (others.length > 0) rows.push(...(await rowsOfPartitions(cluster, others, committed, null)))
  return rows
}

async function rowsOfPartitions(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  committed: ReadonlyMap<string, GroupOffset>,
  member: GroupMemberDescription | null,
): Promise<Row[]> {
  const without = await leaderless(cluster, partitions)
  const led = partitions.filter(one => !without.has(partitionName(one)))
  const ends = await offsetsAt(cluster, led, Timestamp.latest)
  return partitions
    .map(one => {
      const name = partitionName(one)
      return { topic: one.topic, partition: one.partition, offset: committed.get(name), end: ends.get(name), member }
    })
    .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}

function offsetTable({ groupId }: GroupDescription, rows: readonly Row[], isVerbose: boolean): string {
  const widths = [
    widthOf(15, [groupId]),
    widthOf(
      15,
      rows.map(({ topic }) => topic),
    ),
    10,
    ...(isVerbose ? [15] : []),
    ...[15, 15, 15],
    widthOf(
      15,
      rows.map(({ member }) => member?.memberId ?? MISSING),
    ),
    widthOf(
      15,
      rows.map(({ member }) => member?.host ?? MISSING),
    ),
  ]
  const header = ['GROUP', 'TOPIC', 'PARTITION', ...(isVerbose ? ['LEADER-EPOCH'] : []), 'CURRENT-OFFSET']
  const lines = rows.map(({ topic, partition, offset, end, member }) => [
    groupId,
    topic,
    partition,
    ...(isVerbose ? [offset?.leaderEpoch ?? MISSING] : []),
    offset?.offset ?? MISSING,
    end ?? MISSING,
    offset === undefined || end === undefined ? MISSING : end - offset.offset,
    member?.memberId ?? MISSING,
    member?.host ?? MISSING,
    member?.clientId ?? MISSING,
  ])
  const all = [[...header, 'LOG-END-OFFSET', 'LAG', 'CONSUMER-ID', 'HOST', 'CLIENT-ID'], ...lines]
  return `${all.map(line => `\n${columns(widths, line)}`).join('')}\n`
}

export function printMembers(groups: readonly GroupDescription[], isVerbose: boolean, context: ToolContext): void {
  for (const group of groups) {
    const members = tellState(group, group.members.length, context) ? group.members : []
    context.write(memberTable(group, members, isVerbose))
  }
}

/** Without members the headings stand alone. */
function memberTable(group: GroupDescription, members: readonly GroupMemberDescription[], isVerbose: boolean): string {
  const withInstance = members.some(({ instanceId }) => instanceId)
  const isMixed = members.some(one => one.isUpgraded === false) && members.some(one => one.isUpgraded === true)
  const current = (one: GroupMemberDescription) => assignmentText(one.assignment) || MISSING
  const target = (one: GroupMemberDescription) => assignmentText(one.target ?? []) || MISSING
  const widths = [
    widthOf(15, members.length > 0 ? [group.groupId] : []),
    widthOf(
      15,
      members.map(({ memberId }) => memberId),
    ),
    ...(withInstance
      ? [
          widthOf(
            17,
            members.map(({ instanceId }) => instanceId ?? ''),
          ),
        ]
      : []),
    widthOf(
      15,
      members.map(({ host }) => host),
    ),
    widthOf(
      15,
      members.map(({ clientId }) => clientId),
    ),
    15,
  ]
  const header = ['GROUP', 'CONSUMER-ID', ...(withInstance ? ['GROUP-INSTANCE-ID'] : []), 'HOST', 'CLIENT-ID']
  const more = ['CURRENT-EPOCH', 'CURRENT-ASSIGNMENT', 'TARGET-EPOCH', 'TARGET-ASSIGNMENT']
  const moreWidths = [15, widthOf(20, members.map(current)), 15, widthOf(20, members.map(target))]
  const line = (cells: readonly (string | number)[], extra: readonly (string | number)[]): string =>
    `${columns(widths, cells)} ${isVerbose ? columns(moreWidths, extra) : ''}\n`
  const lines = members.map(member =>
    line(
      [
        group.groupId,
        member.memberId,
        ...(withInstance ? [member.instanceId ?? ''] : []),
        member.host,
        member.clientId,
        member.assignment.length,
      ],
      [
        member.epoch ?? MISSING,
        current(member),
        group.assignmentEpoch ?? MISSING,
        target(member),
        ...(isMixed ? [String(member.isUpgraded ?? MISSING)] : []),
      ],
    ),
  )
  return `\n${line([...header, '#PARTITIONS'], [...more, ...(isMixed ? ['UPGRADED'] : [])])}${lines.join('')}`
}

export function printStates(groups: readonly GroupDescription[], isVerbose: boolean, context: ToolContext): void {
  for (const group of groups) {
    if (!tellState(group, 1, context)) continue
    const { groupId, coordinator, assignor, state, groupEpoch, assignmentEpoch, members } = group
    const where = `${coordinator.host}:${coordinator.port}  (${coordinator.id})`
    const widths = [widthOf(15, [groupId]), widthOf(25, [where]), 20, 20, ...(isVerbose ? [15, 25] : [])]
    const epochs = [groupEpoch ?? MISSING, assignmentEpoch ?? MISSING]
    const header = ['GROUP', 'COORDINATOR (ID)', 'ASSIGNMENT-STRATEGY', 'STATE']
    const lines = [
      [...header, ...(isVerbose ? ['GROUP-EPOCH', 'TARGET-ASSIGNMENT-EPOCH'] : []), '#MEMBERS'],
      [groupId, where, assignor || MISSING, state, ...(isVerbose ? epochs : []), members.length],
    ]
    context.write(`${lines.map(line => `\n${columns(widths, line)}`).join('')}\n`)
  }
}
