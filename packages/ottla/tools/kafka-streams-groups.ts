/** `kafka-streams-groups`: list, describe, move, delete groups of Kafka Streams applications (KIP-1071). */
import {
  alterGroupOffsets,
  type Cluster,
  deleteGroups,
  deleteTopics,
  describeStreamsGroup,
  KafkaError,
  listGroupOffsets,
  type Outcome,
  partitionName,
  type StreamsGroupDescription,
  type TopicPartition,
} from '@ottla/client'
import { Ended, type ToolContext } from './context.ts'
import { joptTool } from './declaration.ts'
import { groupsOf, printGroups } from './group-list.ts'
import { checkPartitions, type NewOffset, newOffsets, partitionsOfTopics, planCsv } from './group-reset.ts'
import { deleteOffsets, deletePartitionOffsets, printError } from './group-tables.ts'
import { ClientSetupError, inExecution, inRuntime, isExpected, messageOf, ToolError, textOf } from './java/errors.ts'
import { columns } from './java/format.ts'
import { hashOrder, stringHash } from './java/hash-order.ts'
import { OptionError, UsageError } from './options.ts'
import { checkStreamsOptions, STREAMS_OPTIONS, type StreamsOptions } from './streams-group-options.ts'
import { printMembers, printOffsets, printState } from './streams-group-tables.ts'

const STATES = ['Assigning', 'Dead', 'Empty', 'NotReady', 'Reconciling', 'Stable']
const INTERNAL_ENDS = /-(?:changelog|repartition|subscription-registration-topic|subscription-response-topic)$/
const FOREIGN_KEY_JOIN = /^.+-KTABLE-FK-JOIN-SUBSCRIPTION-(?:REGISTRATION|RESPONSE)-\d+-topic$/

export const kafkaStreamsGroups = joptTool<typeof STREAMS_OPTIONS>({
  name: 'kafka-streams-groups',
  about: 'This tool helps to list, or describe streams groups.',
  options: STREAMS_OPTIONS,
  async run(options, context) {
    checkStreamsOptions(options)
    const where = {
      bootstrap: options.text('bootstrap-server'),
      config: options.text('command-config'),
      timeoutMs: options.long('timeout'),
    }
    try {
      await context.withCluster(where, 'findAllBrokers', cluster => act(options, cluster, context))
    } catch (error) {
      const isUsage = [OptionError, ClientSetupError, UsageError, Ended].some(type => error instanceof type)
      if (isUsage || !isExpected(error)) throw error
      printError(context, `Executing streams group command failed due to ${messageOf(error)}`)
      throw new Ended(1)
    }
  },
})

async function act(options: StreamsOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  if (options.has('list')) await printGroups('streams', STATES, options, cluster, context)
  else if (options.has('describe')) await describe(options, cluster, context)
  else if (options.has('reset-offsets')) await reset(options, cluster, context)
  else if (options.has('delete')) await remove(options, cluster, context)
  else await removeOffsets(options, cluster, context)
}

async function groupIds(options: StreamsOptions, cluster: Cluster): Promise<readonly string[]> {
  if (!options.has('all-groups')) return options.texts('group')
  return (await inRuntime(groupsOf('streams', cluster))).map(({ groupId }) => groupId)
}

async function describe(options: StreamsOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const isVerbose = options.has('verbose')
  for (const id of await groupIds(options, cluster)) {
    const group = await inExecution(describeStreamsGroup(cluster, id))
    if (options.has('members')) printMembers(group, isVerbose, context)
    else if (options.has('state')) printState(group, isVerbose, context)
    else await printOffsets(group, isVerbose, cluster, context)
  }
}

/** Committed offsets of what the topology reads from; of its repartition topics, too, if asked. */
async function committedInputs(cluster: Cluster, groupId: string, withRepartition: boolean) {
  const group = await inRuntime(describeStreamsGroup(cluster, groupId))
  const topics = new Set(
    (group.topology?.subtopologies ?? []).flatMap(({ sourceTopics, repartitionSourceTopics }) => [
      ...sourceTopics,
      ...(withRepartition ? repartitionSourceTopics.map(({ name }) => name) : []),
    ]),
  )
  return (await inRuntime(listGroupOffsets(cluster, groupId))).filter(({ topic }) => topics.has(topic))
}

async function reset(options: StreamsOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const plan = new Map<string, readonly NewOffset[]>()
  for (const id of hashOrder(new Set(await groupIds(options, cluster)), stringHash)) {
    const state = await inRuntime(stateOf(cluster, id))
    if (state !== 'Empty' && state !== 'Dead') {
      printError(
        context,
        `Assignments can only be reset if the group '${id}' is inactive, but the current state is ${state}.`,
      )
      plan.set(id, [])
      continue
    }
    plan.set(id, await resetGroup(options, cluster, id, context))
    if (options.has('execute')) await deleteInternalTopics(options, cluster, id, context)
  }
  if (options.has('export')) context.print(planCsv(plan, options.texts('group').length === 1))
  else context.write(resetTable(plan))
}

function resetTable(plan: ReadonlyMap<string, readonly NewOffset[]>): string {
  const rows = hashOrder([...plan], ([group]) => stringHash(group)).flatMap(([group, offsets]) =>
    offsets.map(({ topic, partition, offset }) => [group, topic, partition, offset]),
  )
  const header = plan.size > 0 ? [['GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET']] : []
  return `${[...header, ...rows].map(row => `\n${columns([30, 30, 10, 15], row)}`).join('')}\n`
}

async function stateOf(cluster: Cluster, groupId: string): Promise<string> {
  try {
    return (await describeStreamsGroup(cluster, groupId)).groupState
  } catch (error) {
    if (error instanceof KafkaError && error.code === 'GROUP_ID_NOT_FOUND') return 'Dead'
    throw error
  }
}

async function resetGroup(
  options: StreamsOptions,
  cluster: Cluster,
  groupId: string,
  context: ToolContext,
): Promise<NewOffset[]> {
  const partitions = await partitionsToReset(options, cluster, groupId, context)
  const committed = () => committedInputs(cluster, groupId, true)
  const offsets = await newOffsets(cluster, groupId, partitions, options, committed, context)
  if (options.has('execute') && offsets.length > 0) {
    for (const refused of (await alterGroupOffsets(cluster, groupId, offsets)).values()) if (refused) throw refused
  }
  return offsets
}

async function partitionsToReset(
  options: StreamsOptions,
  cluster: Cluster,
  groupId: string,
  context: ToolContext,
): Promise<readonly TopicPartition[]> {
  if (options.has('all-input-topics')) return committedInputs(cluster, groupId, false)
  if (!options.has('input-topic')) {
    if (!options.has('from-file'))
      throw new UsageError('One of the reset scopes should be defined: --all-topics, --topic.')
    return []
  }
  const partitions = await partitionsOfTopics(cluster, options.texts('input-topic'))
  await checkPartitions(cluster, partitions)
  const known = new Set((await inRuntime(listGroupOffsets(cluster, groupId))).map(partitionName))
  if (partitions.every(one => known.has(partitionName(one)))) return partitions
  printError(context, `One or more topics are not part of the group '${groupId}'.`)
  return []
}

async function deleteInternalTopics(
  options: StreamsOptions,
  cluster: Cluster,
  groupId: string,
  context: ToolContext,
): Promise<void> {
  const topics = options.has('delete-all-internal-topics')
    ? await internalTopics(cluster, groupId, context)
    : options.texts('delete-internal-topic')
  if (topics.length === 0) return
  const refused = [...(await deleteTopics(cluster, topics)).values()].find(failure => failure !== null)
  if (refused?.code === 'UNKNOWN_TOPIC_OR_PARTITION')
    printError(context, `Deleting internal topics for group '${groupId}' failed because the topics do not exist.`)
  else if (refused)
    printError(context, `Deleting internal topics for group '${groupId}' failed due to ${textOf(refused)}`)
}

/** Topics that the application has made for itself, by what it is named after. */
async function internalTopics(cluster: Cluster, groupId: string, context: ToolContext): Promise<string[]> {
  let group: StreamsGroupDescription
  try {
    group = await describeStreamsGroup(cluster, groupId)
  } catch (error) {
    if (!isExpected(error)) throw error
    printError(context, `Retrieving internal topics failed due to ${textOf(error)}`)
    return []
  }
  const subtopologies = group.topology?.subtopologies ?? []
  const sources = new Set(subtopologies.flatMap(({ sourceTopics }) => sourceTopics))
  const made = subtopologies.flatMap(one => [...one.repartitionSourceTopics, ...one.stateChangelogTopics])
  return made
    .map(({ name }) => name)
    .filter(name => !sources.has(name))
    .filter(name => {
      const isOurs = name.startsWith(`${groupId}-`) && (INTERNAL_ENDS.test(name) || FOREIGN_KEY_JOIN.test(name))
      if (!isOurs)
        printError(
          context,
          `The internal topic '${name}' is not inferred as internal and thus will not be deleted with the group '${groupId}'.`,
        )
      return isOurs
    })
}

async function remove(options: StreamsOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const ids = [...new Set(await groupIds(options, cluster))]
  const known = new Map((await inRuntime(groupsOf('streams', cluster))).map(group => [group.groupId, group.state]))
  const outcomes = new Map<string, ToolError | Outcome>()
  const topics = new Map<string, string[]>()
  for (const id of ids) {
    const refused = notDeletable(id, known.get(id))
    if (refused) {
      outcomes.set(id, refused)
      continue
    }
    if (options.has('delete-all-internal-topics')) {
      const own = await internalTopics(cluster, id, context)
      if (own.length > 0) topics.set(id, own)
    }
    for (const [group, failure] of await deleteGroups(cluster, [id])) outcomes.set(group, failure)
  }
  const failures = new Map<string, KafkaError>()
  for (const [id, own] of topics) {
    if (outcomes.get(id) !== null) continue
    for (const [topic, failure] of await deleteTopics(cluster, own)) {
      if (!failure) continue
      context.print(`Failed to delete internal topic: ${topic}`)
      failures.set(id, failures.get(id) ?? failure)
    }
  }
  tellDeleted(context, outcomes, topics, failures)
}

function notDeletable(id: string, state: string | undefined): ToolError | null {
  if (state === undefined) return new ToolError(`Group '${id}' does not exist or is not a streams group.`)
  if (state === 'Dead')
    return new ToolError(`Streams group '${id}' group state is DEAD.`, 'java.lang.IllegalStateException')
  if (state === 'Empty') return null
  return new ToolError(`Streams group '${id}' is not EMPTY.`, 'org.apache.kafka.common.errors.GroupNotEmptyException')
}

function tellDeleted(
  context: ToolContext,
  outcomes: ReadonlyMap<string, ToolError | Outcome>,
  topics: ReadonlyMap<string, string[]>,
  failures: ReadonlyMap<string, KafkaError>,
): void {
  const all = hashOrder([...outcomes], ([group]) => stringHash(group))
  const deleted = all.filter(([, refused]) => refused === null).map(([group]) => group)
  const failed = all.filter(([, refused]) => refused !== null)
  const names = `'${deleted.join("', '")}'`
  if (failed.length === 0) context.print(`Deletion of requested streams groups (${names}) was successful.`)
  else {
    printError(context, 'Deletion of some streams groups failed:')
    for (const [group, refused] of failed)
      context.print(`* Group '${group}' could not be deleted due to: ${textOf(refused)}`)
    if (deleted.length > 0) context.print(`\nThese streams groups were deleted successfully: ${names}.`)
  }
  if (topics.size === 0 || deleted.length === 0) return
  if (failures.size === 0) {
    const withTopics = deleted.filter(group => topics.has(group))
    context.print(
      `Deletion of associated internal topics of the streams groups ('${withTopics.join("', '")}') was successful.`,
    )
    return
  }
  context.print('Deletion of some associated internal topics failed:')
  for (const [group, failure] of failures)
    context.print(`* Internal topics of the streams group '${group}' could not be deleted due to: ${textOf(failure)}`)
}

async function removeOffsets(options: StreamsOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const groupId = options.text('group')!
  if (options.has('all-input-topics')) {
    const partitions = await committedInputs(cluster, groupId, false)
    await deletePartitionOffsets(cluster, groupId, partitions, new Map(), context)
  } else await deleteOffsets(cluster, groupId, options.texts('input-topic'), context)
}
