/** `ottla group …`: groups of all kinds, how far they are behind, who is in them, and moving them. */
import {
  alterGroupOffsets,
  alterShareGroupOffsets,
  type Cluster,
  deleteGroupOffsets,
  deleteGroups,
  deleteShareGroupOffsets,
  describeGroup,
  describeShareGroup,
  describeStreamsGroup,
  type GroupType,
  KafkaError,
  listGroupOffsets,
  listGroups,
  listOffsets,
  listShareGroupOffsets,
  type Outcome,
  Timestamp,
  type TopicPartition,
} from '@ottla/client'
import { confirm } from '../cli/confirm.ts'
import { CommandError, ExitCode, type OutputOptions, printDone, printRows } from '../cli/output.ts'
import { type ConnectOptions, withCluster } from './connect.ts'

type Options = ConnectOptions & OutputOptions

/** 'simple': nothing but offsets that somebody has committed. */
type Kind = GroupType | 'simple'

function kindOf({ type, protocolType }: { readonly type: string; readonly protocolType: string }): Kind {
  return protocolType === '' && (type === 'classic' || type === '') ? 'simple' : ((type || 'classic') as GroupType)
}

export async function list(options: Options & { type?: Kind[]; state?: string[] }): Promise<void> {
  await withCluster(options, async cluster => {
    const groups = (await listGroups(cluster)).map(group => ({
      group: group.groupId,
      state: group.state,
      type: kindOf(group),
      protocol: group.protocolType,
    }))
    const wanted = groups
      .filter(({ type }) => !options.type || options.type.includes(type))
      .filter(({ state }) => !options.state || options.state.some(one => one.toLowerCase() === state.toLowerCase()))
    printRows(
      wanted.sort((a, b) => (a.group < b.group ? -1 : 1)),
      options,
      'no groups',
    )
  })
}

async function typeOf(cluster: Cluster, groupId: string): Promise<GroupType | null> {
  const found = (await listGroups(cluster)).find(group => group.groupId === groupId)
  return found ? ((found.type || 'classic') as GroupType) : null
}

interface Member {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly host: string
  readonly assigned: string
}

interface Described {
  readonly state: string
  readonly members: readonly Member[]
}

export async function describe(groupId: string, options: Options & { members?: boolean }): Promise<void> {
  await withCluster(options, async cluster => {
    const type = await typeOf(cluster, groupId)
    const { state, members } = await described(cluster, groupId, type)
    if (options.members) {
      const rows = members.map(({ memberId, instanceId, clientId, host, assigned }) => ({
        member: memberId,
        instance: instanceId,
        client: clientId,
        host,
        assigned,
      }))
      printRows(rows, options, `group ${groupId} has no members (${state})`)
      return
    }
    const rows = type === 'share' ? await shareRows(cluster, groupId) : await lagRows(cluster, groupId)
    printRows(rows, options, `group ${groupId} has committed nothing (${state})`)
  })
}

async function described(cluster: Cluster, groupId: string, type: GroupType | null): Promise<Described> {
  if (type === 'streams') {
    const { groupState, members } = await describeStreamsGroup(cluster, groupId)
    return {
      state: groupState,
      members: members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
        memberId,
        instanceId,
        clientId,
        host: clientHost,
        assigned: assignment.activeTasks.map(task => `${task.subtopologyId}:${task.partitions.join(',')}`).join(' '),
      })),
    }
  }
  const { state, members } = await (type === 'share' ? describeShareGroup : describeGroup)(cluster, groupId)
  return {
    state,
    members: members.map(({ memberId, instanceId, clientId, host, assignment }) => ({
      memberId,
      instanceId,
      clientId,
      host,
      assigned: assignedText(assignment),
    })),
  }
}

/** `orders:0,1 prices:4` */
function assignedText(assignment: readonly TopicPartition[]): string {
  const topics = Map.groupBy(assignment, ({ topic }) => topic)
  return [...topics]
    .map(
      ([topic, own]) =>
        `${topic}:${own
          .map(({ partition }) => partition)
          .sort((a, b) => a - b)
          .join(',')}`,
    )
    .sort()
    .join(' ')
}

async function lagRows(cluster: Cluster, groupId: string) {
  const byTopic = Map.groupBy(await listGroupOffsets(cluster, groupId), ({ topic }) => topic)
  const rows = []
  for (const [topic, entries] of [...byTopic].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const partitions = entries.map(({ partition }) => partition)
    const ends = await listOffsets(cluster, topic, partitions, Timestamp.latest)
    for (const { partition, offset } of entries.sort((a, b) => a.partition - b.partition)) {
      const end = ends.get(partition)!
      rows.push({ group: groupId, topic, partition, committed: offset, end, lag: end - offset })
    }
  }
  return rows
}

async function shareRows(cluster: Cluster, groupId: string) {
  const offsets = await listShareGroupOffsets(cluster, groupId)
  return offsets
    .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
    .map(({ topic, partition, startOffset, lag }) => ({ group: groupId, topic, partition, start: startOffset, lag }))
}

interface Target {
  readonly toEarliest?: boolean
  readonly toLatest?: boolean
  readonly toOffset?: number
  readonly toDatetime?: number
  readonly byDuration?: number
  readonly shiftBy?: number
}

export async function resetOffsets(
  groupId: string,
  options: Options & Target & { topic?: string[]; execute?: boolean },
): Promise<void> {
  const chosen = [
    options.toEarliest,
    options.toLatest,
    options.toOffset,
    options.toDatetime,
    options.byDuration,
    options.shiftBy,
  ]
  if (chosen.filter(value => value !== undefined).length !== 1) {
    throw new CommandError(
      'say where to: one of --to-earliest, --to-latest, --to-offset, --to-datetime, --by-duration, --shift-by',
      ExitCode.usage,
    )
  }
  await withCluster(options, async cluster => {
    const type = await typeOf(cluster, groupId)
    await refuseMembers(cluster, groupId, type)
    const committed = new Map<string, number>()
    const current = type === 'share' ? await shareStarts(cluster, groupId) : await listGroupOffsets(cluster, groupId)
    for (const { topic, partition, offset } of current) committed.set(`${topic}-${partition}`, offset)
    const moves = []
    for (const name of options.topic ?? committedOf(groupId, current))
      moves.push(...(await movesOf(cluster, committed, name, options)))
    if (options.execute) {
      const wanted = moves.map(({ topic, partition, to }) => ({ topic, partition, offset: to }))
      const alter = type === 'share' ? alterShareGroupOffsets : alterGroupOffsets
      throwRefused(await alter(cluster, groupId, wanted))
    }
    printRows(
      moves.map(move => ({ group: groupId, ...move })),
      options,
    )
    if (!options.execute && !options.json) console.error('dry run: nothing was changed; add --execute to do it')
  })
}

/** Each topic with its partitions, as `--topic` names them. */
function committedOf(groupId: string, offsets: readonly TopicPartition[]): string[] {
  if (offsets.length === 0) throw new CommandError(`group ${groupId} has no offsets yet: say of which --topic`)
  const byTopic = Map.groupBy(offsets, ({ topic }) => topic)
  return [...byTopic].map(([topic, parts]) => {
    const numbers = parts.map(({ partition }) => partition)
    return `${topic}:${numbers.sort((a, b) => a - b).join(',')}`
  })
}

async function shareStarts(cluster: Cluster, groupId: string) {
  const offsets = await listShareGroupOffsets(cluster, groupId)
  return offsets.flatMap(({ topic, partition, startOffset }) =>
    startOffset === null ? [] : [{ topic, partition, offset: startOffset }],
  )
}

async function refuseMembers(cluster: Cluster, groupId: string, type: GroupType | null): Promise<void> {
  if (type === null) return
  const { members } = await described(cluster, groupId, type).catch((error): Described => {
    if (error instanceof KafkaError && error.code === 'GROUP_ID_NOT_FOUND') return { state: 'Dead', members: [] }
    throw error
  })
  if (members.length > 0) {
    throw new CommandError(`group ${groupId} has ${members.length} members: stop them first, they would commit over it`)
  }
}

/** `topic`, or `topic:0,1,2`. */
async function partitionsOf(cluster: Cluster, text: string): Promise<[topic: string, partitions: number[]]> {
  const [topic, numbers] = text.split(':') as [string, string | undefined]
  const known = (await cluster.topic(topic)).partitions
    .map(({ partitionIndex }) => partitionIndex)
    .sort((a, b) => a - b)
  const partitions = numbers === undefined ? known : numbers.split(',').map(Number)
  const missing = partitions.find(partition => !known.includes(partition))
  if (missing !== undefined) throw new CommandError(`topic ${topic} has no partition '${missing}'`)
  return [topic, partitions]
}

async function movesOf(cluster: Cluster, from: ReadonlyMap<string, number>, text: string, target: Target) {
  const [topic, partitions] = await partitionsOf(cluster, text)
  const earliest = await listOffsets(cluster, topic, partitions, Timestamp.earliest)
  const latest = await listOffsets(cluster, topic, partitions, Timestamp.latest)
  const time = target.toDatetime ?? (target.byDuration === undefined ? undefined : Date.now() - target.byDuration)
  const atTime = time === undefined ? null : await listOffsets(cluster, topic, partitions, BigInt(time))
  return partitions.map(partition => {
    const [first, end] = [earliest.get(partition)!, latest.get(partition)!]
    const committed = from.get(`${topic}-${partition}`) ?? -1
    const wanted = wantedOffset(target, { first, end, committed, atTime: atTime?.get(partition) ?? -1 })
    return { topic, partition, from: committed < 0 ? null : committed, to: Math.min(end, Math.max(first, wanted)) }
  })
}

function wantedOffset(target: Target, at: { first: number; end: number; committed: number; atTime: number }): number {
  if (target.toEarliest) return at.first
  if (target.toLatest) return at.end
  if (target.toOffset !== undefined) return target.toOffset
  if (target.shiftBy !== undefined) return Math.max(0, at.committed) + target.shiftBy
  return at.atTime < 0 ? at.end : at.atTime
}

function throwRefused(outcomes: ReadonlyMap<string, Outcome>): void {
  for (const refused of outcomes.values()) if (refused) throw refused
}

export async function forget(groupId: string, options: Options & { topic: string[]; yes?: boolean }): Promise<void> {
  await withCluster(options, async cluster => {
    const topics = options.topic.join(', ')
    await confirm(`forget how far group ${groupId} is in ${topics}?`, options)
    if ((await typeOf(cluster, groupId)) === 'share')
      throwRefused(await deleteShareGroupOffsets(cluster, groupId, options.topic))
    else {
      const partitions: TopicPartition[] = []
      for (const text of options.topic) {
        const [topic, numbers] = await partitionsOf(cluster, text)
        partitions.push(...numbers.map(partition => ({ topic, partition })))
      }
      throwRefused(await deleteGroupOffsets(cluster, groupId, partitions))
    }
    printDone(`group ${groupId} has forgotten ${topics}`, { group: groupId, forgotten: options.topic }, options)
  })
}

export async function remove(groupIds: string[], options: Options): Promise<void> {
  await withCluster(options, async cluster => {
    for (const groupId of groupIds) {
      throwRefused(await deleteGroups(cluster, [groupId]))
      printDone(`deleted group ${groupId}`, { group: groupId, deleted: true }, options)
    }
  })
}
