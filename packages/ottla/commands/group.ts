/** `ottla group …`: consumer groups, how far they are behind, and moving them. */
import {
  type Cluster,
  commitOffsets,
  committedOffsets,
  deleteGroup,
  describeGroup,
  listGroups,
  listOffsets,
  Timestamp,
} from '@ottla/client'
import { CommandError, ExitCode, type OutputOptions, printDone, printRows } from '../cli/output.ts'
import { type ConnectOptions, withCluster } from './connect.ts'

type Options = ConnectOptions & OutputOptions

export async function list(options: Options): Promise<void> {
  await withCluster(options, async cluster => {
    const groups = await listGroups(cluster)
    printRows(
      groups.map(({ groupId, state, type, protocolType }) => ({ group: groupId, state, type, protocol: protocolType })),
      options,
      'no groups',
    )
  })
}

export async function describe(groupId: string, options: Options & { members?: boolean }): Promise<void> {
  await withCluster(options, async cluster => {
    const group = await describeGroup(cluster, groupId)
    if (options.members) {
      const rows = group.members.map(({ memberId, groupInstanceId, clientId, clientHost }) => ({
        member: memberId,
        instance: groupInstanceId,
        client: clientId,
        host: clientHost,
      }))
      printRows(rows, options, `group ${groupId} has no members (${group.groupState})`)
      return
    }
    printRows(await lagRows(cluster, groupId), options, `group ${groupId} has committed nothing (${group.groupState})`)
  })
}

async function lagRows(cluster: Cluster, groupId: string) {
  const committed = await committedOffsets(cluster, groupId, null)
  const byTopic = Map.groupBy(
    [...committed].map(([key, offset]) => ({ ...split(key), offset })),
    ({ topic }) => topic,
  )
  const rows = []
  for (const [topic, entries] of [...byTopic].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const partitions = entries.map(({ partition }) => partition)
    const ends = await listOffsets(cluster, topic, partitions, Timestamp.latest)
    for (const { partition, offset } of entries.sort((a, b) => a.partition - b.partition)) {
      const end = ends.get(partition)!
      rows.push({ group: groupId, topic, partition, committed: offset, end, lag: offset < 0 ? null : end - offset })
    }
  }
  return rows
}

function split(key: string): { topic: string; partition: number } {
  const at = key.lastIndexOf('-')
  return { topic: key.slice(0, at), partition: Number(key.slice(at + 1)) }
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
  options: Options & Target & { topic: string[]; execute?: boolean },
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
    const group = await describeGroup(cluster, groupId).catch(error => {
      if (error?.code === 'GROUP_ID_NOT_FOUND') return null
      throw error
    })
    if (group && group.members.length > 0) {
      throw new CommandError(
        `group ${groupId} has ${group.members.length} members: stop them first, they would commit over it`,
      )
    }
    const moves = []
    for (const name of options.topic) moves.push(...(await movesOf(cluster, groupId, name, options)))
    if (options.execute)
      await commitOffsets(
        cluster,
        groupId,
        moves.map(({ topic, partition, to }) => ({ topic, partition, offset: to })),
      )
    printRows(
      moves.map(move => ({ group: groupId, ...move })),
      options,
    )
    if (!options.execute && !options.json) console.error('dry run: nothing was changed; add --execute to do it')
  })
}

/** `topic`, or `topic:0,1,2`. */
async function movesOf(cluster: Cluster, groupId: string, text: string, target: Target) {
  const [topic, list] = text.split(':') as [string, string | undefined]
  const known = (await cluster.topic(topic)).partitions
    .map(({ partitionIndex }) => partitionIndex)
    .sort((a, b) => a - b)
  const partitions = list === undefined ? known : list.split(',').map(Number)
  const missing = partitions.find(partition => !known.includes(partition))
  if (missing !== undefined) throw new CommandError(`topic ${topic} has no partition '${missing}'`)
  const earliest = await listOffsets(cluster, topic, partitions, Timestamp.earliest)
  const latest = await listOffsets(cluster, topic, partitions, Timestamp.latest)
  const from = await committedOffsets(cluster, groupId, [{ topic, partitions }])
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

export async function remove(groupIds: string[], options: Options): Promise<void> {
  await withCluster(options, async cluster => {
    for (const groupId of groupIds) {
      await deleteGroup(cluster, groupId)
      printDone(`deleted group ${groupId}`, { group: groupId, deleted: true }, options)
    }
  })
}
