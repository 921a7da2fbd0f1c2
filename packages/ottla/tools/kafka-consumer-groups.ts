/** `kafka-consumer-groups`: list, describe, move, delete groups of consumers. What the cluster refuses ends with 0, as Java's does. */
import {
  alterGroupOffsets,
  type Cluster,
  deleteGroups,
  describeGroup,
  type GroupDescription,
  KafkaError,
  listGroupOffsets,
  listGroups,
  type Outcome,
} from '@ottla/client'
import { checkGroupOptions, GROUP_OPTIONS, type GroupOptions } from './consumer-group-options.ts'
import { printMembers, printOffsets, printStates } from './consumer-group-tables.ts'
import type { ToolContext } from './context.ts'
import { joptTool } from './declaration.ts'
import { checkPartitions, type NewOffset, newOffsets, partitionsOfTopics, planCsv, planTable } from './group-reset.ts'
import { deleteOffsets, printDeleted, printError } from './group-tables.ts'
import { ClientSetupError, inExecution, inRuntime, isExpected, messageOf } from './java/errors.ts'
import { columns, widthOf } from './java/format.ts'
import { hashOrder, stringHash } from './java/hash-order.ts'
import { typeName } from './kafka-groups.ts'
import { UsageError } from './options.ts'
import { regexProblem } from './re2.ts'

const STATES = ['Assigning', 'CompletingRebalance', 'Dead', 'Empty', 'PreparingRebalance', 'Reconciling', 'Stable']

export const kafkaConsumerGroups = joptTool<typeof GROUP_OPTIONS>({
  name: 'kafka-consumer-groups',
  about:
    'This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset consumer group offsets.',
  options: GROUP_OPTIONS,
  async run(options, context) {
    checkGroupOptions(options, context)
    const regex = options.text('validate-regex')
    if (regex !== null) {
      const problem = regexProblem(regex)
      context.print(`The regular expression \`${regex}\` is ${problem === null ? 'valid' : `invalid: ${problem}`}.`)
      return
    }
    const where = {
      bootstrap: options.text('bootstrap-server'),
      config: options.text('command-config'),
      timeoutMs: options.long('timeout'),
    }
    try {
      await context.withCluster(where, 'findAllBrokers', cluster => act(options, cluster, context))
    } catch (error) {
      const isUsage = error instanceof ClientSetupError || error instanceof UsageError
      if (isUsage || !isExpected(error)) throw error
      printError(context, `Executing consumer group command failed due to ${messageOf(error)}`)
    }
  },
})

async function act(options: GroupOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  if (options.has('list')) await list(options, cluster, context)
  else if (options.has('describe')) await describe(options, cluster, context)
  else if (options.has('delete')) await remove(options, cluster, context)
  else if (options.has('reset-offsets')) await reset(options, cluster, context)
  else await deleteOffsets(cluster, options.text('group')!, options.texts('topic'), context)
}

/** Ids of consumer groups of either protocol, in the order of Java's map. */
async function groupIds(options: GroupOptions, cluster: Cluster): Promise<readonly string[]> {
  if (!options.has('all-groups')) return [...new Set(options.texts('group'))]
  return (await inRuntime(consumerGroups(cluster, ['classic', 'consumer'], []))).map(({ groupId }) => groupId)
}

async function consumerGroups(cluster: Cluster, types: readonly ('classic' | 'consumer')[], states: readonly string[]) {
  const groups = await listGroups(cluster, { types, states })
  const own = groups.filter(({ protocolType }) => protocolType === '' || protocolType === 'consumer')
  return hashOrder(own, ({ groupId }) => stringHash(groupId))
}

function statesOf(text: string | null): string[] {
  if (!text) return []
  const known = new Map(STATES.map(state => [state.toLowerCase(), state]))
  return text.split(',').map(part => {
    const state = known.get(part.trim().toLowerCase())
    if (!state) throw new UsageError(`Invalid state list '${text}'. Valid states are: ${STATES.join(', ')}`)
    return state
  })
}

function typesOf(text: string | null): ('classic' | 'consumer')[] {
  if (!text) return []
  return text.split(',').map(part => {
    const type = part.trim().toLowerCase()
    if (type !== 'classic' && type !== 'consumer')
      throw new UsageError(`Invalid types list '${text}'. Valid types are: Consumer, Classic`)
    return type
  })
}

async function list(options: GroupOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const [withType, withState] = [options.has('type'), options.has('state')]
  if (!withType && !withState) {
    const groups = await inRuntime(consumerGroups(cluster, ['classic', 'consumer'], []))
    for (const { groupId } of groups) context.print(groupId)
    return
  }
  const types = typesOf(options.text('type'))
  const groups = await inExecution(consumerGroups(cluster, types, statesOf(options.text('state'))))
  const width =
    widthOf(
      15,
      groups.map(({ groupId }) => groupId),
    ) + 10
  const rows = groups.map(({ groupId, type, state }) => [
    groupId,
    ...(withType ? [typeName(type)] : []),
    ...(withState ? [state] : []),
  ])
  const header = ['GROUP', ...(withType ? ['TYPE'] : []), ...(withState ? ['STATE'] : [])]
  for (const row of [header, ...rows]) context.print(columns([width, 20, 20], row))
}

async function describe(options: GroupOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const groups: GroupDescription[] = []
  for (const id of await groupIds(options, cluster)) groups.push(await inExecution(describeGroup(cluster, id)))
  groups.sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
  const isVerbose = options.has('verbose')
  if (options.has('members')) printMembers(groups, isVerbose, context)
  else if (options.has('state')) printStates(groups, isVerbose, context)
  else await printOffsets(groups, isVerbose, cluster, context)
}

async function remove(options: GroupOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const ids = await groupIds(options, cluster)
  const outcomes = new Map<string, Outcome>()
  for (const id of ids) {
    for (const [group, refused] of await deleteGroups(cluster, [id])) outcomes.set(group, refused)
  }
  printDeleted(context, 'consumer', outcomes)
}

async function reset(options: GroupOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const plan = new Map<string, readonly NewOffset[]>()
  for (const id of hashOrder(await groupIds(options, cluster), stringHash)) {
    const state = await inRuntime(stateOf(cluster, id))
    if (state === 'Empty' || state === 'Dead') plan.set(id, await resetGroup(options, cluster, id, context))
    else {
      printError(
        context,
        `Assignments can only be reset if the group '${id}' is inactive, but the current state is ${state}.`,
      )
      plan.set(id, [])
    }
  }
  if (options.has('export')) context.print(planCsv(plan, options.texts('group').length === 1))
  else context.write(planTable(plan))
}

/** A group that nobody knows may be given offsets, too. */
async function stateOf(cluster: Cluster, groupId: string): Promise<string> {
  try {
    return (await describeGroup(cluster, groupId)).state
  } catch (error) {
    if (error instanceof KafkaError && error.code === 'GROUP_ID_NOT_FOUND') return 'Dead'
    throw error
  }
}

async function resetGroup(
  options: GroupOptions,
  cluster: Cluster,
  groupId: string,
  context: ToolContext,
): Promise<NewOffset[]> {
  const committed = () => inRuntime(listGroupOffsets(cluster, groupId))
  if (options.count('all-topics', 'topic', 'from-file') === 0)
    throw new UsageError('One of the reset scopes should be defined: --all-topics, --topic.')
  const topics = options.texts('topic')
  const partitions = options.has('all-topics') ? await committed() : await partitionsOfTopics(cluster, topics)
  await checkPartitions(cluster, partitions)
  const offsets = await newOffsets(cluster, groupId, partitions, options, committed, context)
  if (options.has('execute') && offsets.length > 0) {
    for (const refused of (await alterGroupOffsets(cluster, groupId, offsets)).values()) if (refused) throw refused
  }
  return offsets
}
