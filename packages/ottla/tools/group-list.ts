/** Groups of one kind, as kafka-share-groups and kafka-streams-groups list them: in the order of Java's hash maps. */
import { type Cluster, listGroups } from '@ottla/client'
import type { ToolContext } from './context.ts'
import { inExecution, inRuntime } from './java/errors.ts'
import { columns, widthOf } from './java/format.ts'
import { hashOrder, stringHash } from './java/hash-order.ts'
import { UsageError } from './options.ts'

export type GroupType = 'share' | 'streams'

/** What of the command line the listing goes by. */
interface ListOptions {
  has(name: 'state'): boolean
  text(name: 'state'): string | null
}

const GROUP_WIDTH = 15

export async function groupsOf(type: GroupType, cluster: Cluster, states: readonly string[] = []) {
  const groups = await listGroups(cluster, { types: [type], states })
  return hashOrder(groups, ({ groupId }) => stringHash(groupId))
}

/** Ids alone, or with `--state` those that are in one of `known`. */
export async function printGroups(
  type: GroupType,
  known: readonly string[],
  options: ListOptions,
  cluster: Cluster,
  context: ToolContext,
): Promise<void> {
  if (!options.has('state')) {
    for (const { groupId } of await inRuntime(groupsOf(type, cluster))) context.print(groupId)
    return
  }
  const text = options.text('state')
  const states = (text ? text.split(',') : []).map(part => {
    const state = known.find(name => name.toLowerCase() === part.trim().toLowerCase())
    if (!state) throw new UsageError(`Invalid state list '${text}'. Valid states are: ${known.join(', ')}`)
    return state
  })
  const groups = await inExecution(groupsOf(type, cluster, states))
  const ids = groups.map(({ groupId }) => groupId)
  const width = widthOf(GROUP_WIDTH, ids)
  for (const row of [['GROUP', 'STATE'], ...groups.map(({ groupId, state }) => [groupId, state])])
    context.print(columns([width], row))
}
