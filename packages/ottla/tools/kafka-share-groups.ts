/** `kafka-share-groups`: list, describe, move, delete groups that share partitions as queues. */
import {
  alterShareGroupOffsets,
  type Cluster,
  deleteGroups,
  deleteShareGroupOffsets,
  describeShareGroup,
  type GroupDescription,
  KafkaError,
  listShareGroupOffsets,
  type Outcome,
  type ShareGroupOffset,
} from '@ottla/client'
import type { ToolContext } from './context.ts'
import { BOOTSTRAP, COMMAND_CONFIG, joptTool } from './declaration.ts'
import { groupsOf, printGroups } from './group-list.ts'
import { checkPartitions, newOffsets, partitionsOfTopics, planTable, RESET_OPTIONS } from './group-reset.ts'
import { assignmentText, MISSING, printDeleted, printError } from './group-tables.ts'
import { ClientSetupError, inExecution, inRuntime, isExpected, messageOf, ToolError, textOf } from './java/errors.ts'
import { columns, widthOf } from './java/format.ts'
import { type Options, type ParsedOptions, UsageError } from './options.ts'

const OPTIONS = {
  'bootstrap-server': BOOTSTRAP,
  group: { about: 'A group; may be given again.', value: 'group' },
  topic: { about: 'A topic, or partitions of it as topic:0,1,2; may be given again.', value: 'topic' },
  'all-topics': { about: 'With --reset-offsets: all topics of the group.' },
  list: { about: 'List groups.' },
  describe: { about: 'Show where groups are; or with --members, --state, something else of them.' },
  'all-groups': { about: 'All share groups.' },
  delete: { about: 'Delete groups.' },
  timeout: { about: 'Milliseconds to wait for the cluster.', value: 'ms', default: '30000' },
  'command-config': COMMAND_CONFIG,
  'reset-offsets': { about: 'Move a group without members. Needs --dry-run or --execute.' },
  'delete-offsets': { about: 'Let a group forget topics.' },
  'dry-run': { about: 'Only say what would be done.' },
  execute: { about: 'Do it.' },
  'to-datetime': RESET_OPTIONS['to-datetime'],
  'to-earliest': RESET_OPTIONS['to-earliest'],
  'to-latest': RESET_OPTIONS['to-latest'],
  members: { about: 'With --describe: who is in the group.', onlyWith: ['describe'] },
  offsets: { about: 'With --describe: where it is, as without it.', onlyWith: ['describe'] },
  state: {
    about: 'With --describe: its state. With --list: states, or only groups in these: Empty, Stable, Dead.',
    value: 'states',
    isValueOptional: true,
    onlyWith: ['describe', 'list'],
  },
  verbose: { about: 'With --describe: more.', onlyWith: ['describe'] },
} as const satisfies Options
type Parsed = ParsedOptions<keyof typeof OPTIONS>

const STATES = ['Stable', 'Dead', 'Empty']
const ACTIONS = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets'] as const
const SCENARIOS = ['to-datetime', 'to-earliest', 'to-latest'] as const

export const kafkaShareGroups = joptTool<typeof OPTIONS>({
  name: 'kafka-share-groups',
  about: 'This tool helps to list, describe, reset and delete share groups.',
  options: OPTIONS,
  async run(options, context) {
    check(options)
    const where = {
      bootstrap: options.text('bootstrap-server'),
      config: options.text('command-config'),
      timeoutMs: options.long('timeout'),
    }
    try {
      await context.withCluster(where, 'findAllBrokers', cluster => act(options, cluster, context))
    } catch (error) {
      const isFinal = [ClientSetupError, UsageError, FinalError].some(type => error instanceof type)
      if (isFinal || !isExpected(error)) throw error
      printError(context, `Executing share group command failed due to ${messageOf(error)}`)
    }
  },
})

/** Told on stderr, and ends with 1. */
class FinalError extends ToolError {}

function check(options: Parsed): void {
  options.required('bootstrap-server')
  if (options.has('describe')) {
    if (options.count('group', 'all-groups') === 0)
      throw new UsageError('Option [describe] takes one of these options: [all-groups], [group]')
    if (options.count('members', 'offsets', 'state') > 1)
      throw new UsageError('Option [describe] takes at most one of these options: [members], [offsets], [state]')
    if (options.has('state') && options.text('state') !== null)
      throw new UsageError('Option [describe] does not take a value for [state]')
  }
  if (options.has('delete')) {
    if (options.count('group', 'all-groups') === 0)
      throw new UsageError('Option [delete] takes the options [group] or [all-groups]')
    if (options.count('group', 'all-groups') === 2)
      throw new UsageError('Option [delete] takes either [group] or [all-groups], not both.')
    if (options.has('topic')) throw new UsageError('Option [delete] does not take the option: [topic]')
  }
  if (options.has('delete-offsets') && options.count('group', 'topic') < 2)
    throw new UsageError('Option [delete-offsets] takes the following options: [group], [topic]')
  if (options.has('reset-offsets')) checkReset(options)
  options.not('group', 'all-groups')
  options.not('group', 'list')
  options.not('topic', 'list', 'describe')
  if (options.count(...ACTIONS) !== 1)
    throw new UsageError(
      'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets.',
    )
}

function checkReset(options: Parsed): void {
  const takes = 'Option [reset-offsets] takes'
  if (options.count('dry-run', 'execute') === 2)
    throw new UsageError('Option [reset-offsets] only accepts one of [execute] and [dry-run]')
  if (options.count('dry-run', 'execute') === 0) throw new UsageError(`${takes} the option: [execute] or [dry-run]`)
  if (!options.has('group')) throw new UsageError(`${takes} the option: [group]`)
  if (options.count('topic', 'all-topics') === 0)
    throw new UsageError(`${takes} one of these options: [all-topics], [topic]`)
  if (options.count(...SCENARIOS) === 0)
    throw new UsageError(`${takes} one of these options: [to-datetime], [to-earliest], [to-latest]`)
  for (const one of SCENARIOS) options.not(one, ...SCENARIOS)
}

async function act(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  if (options.has('list')) await printGroups('share', STATES, options, cluster, context)
  else if (options.has('describe')) await describe(options, cluster, context)
  else if (options.has('delete')) await remove(options, cluster, context)
  else if (options.has('reset-offsets')) await reset(options, cluster, context)
  else await deleteOffsets(options, cluster, context)
}

async function describe(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  const all = options.has('all-groups')
  const ids = all
    ? (await inRuntime(groupsOf('share', cluster))).map(({ groupId }) => groupId)
    : [...new Set(options.texts('group'))]
  const groups: GroupDescription[] = []
  for (const id of ids) groups.push(await inExecution(describeShareGroup(cluster, id)))
  groups.sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
  const isVerbose = options.has('verbose')
  if (options.has('members')) for (const group of groups) printMembers(group, isVerbose, context)
  else if (options.has('state')) for (const group of groups) printState(group, isVerbose, context)
  else {
    const offsets: ShareGroupOffset[][] = []
    for (const { groupId } of groups) offsets.push(await inRuntime(listShareGroupOffsets(cluster, groupId)))
    for (const [i, { groupId }] of groups.entries()) printOffsets(groupId, offsets[i]!, isVerbose, context)
  }
}

function tellState({ groupId, state }: GroupDescription, rows: number, context: ToolContext): boolean {
  if (state === 'Dead') printError(context, `Share group '${groupId}' does not exist.`)
  else if (state === 'Empty') context.complain(`\nShare group '${groupId}' has no active members.`)
  return state !== 'Dead' && rows > 0
}

function write(context: ToolContext, widths: readonly number[], rows: readonly (readonly (string | number)[])[]): void {
  context.write(`${rows.map(row => `\n${columns(widths, row)}`).join('')}\n`)
}

function printOffsets(group: string, offsets: ShareGroupOffset[], isVerbose: boolean, context: ToolContext): void {
  if (offsets.length === 0) {
    context.print(`\nShare group '${group}' has no offset information.`)
    return
  }
  offsets.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
  const widths = [
    widthOf(15, [group]),
    widthOf(
      15,
      offsets.map(({ topic }) => topic),
    ),
    10,
    13,
  ]
  const rows = offsets.map(({ topic, partition, startOffset, leaderEpoch, lag }) => {
    const isKnown = startOffset !== null
    const epoch = isVerbose ? [isKnown ? leaderEpoch : MISSING] : []
    return [group, topic, partition, ...epoch, startOffset ?? MISSING, (isKnown ? lag : null) ?? MISSING]
  })
  const header = ['GROUP', 'TOPIC', 'PARTITION', ...(isVerbose ? ['LEADER-EPOCH'] : []), 'START-OFFSET', 'LAG']
  write(context, isVerbose ? [...widths, 13] : widths, [header, ...rows])
}

function printState(group: GroupDescription, isVerbose: boolean, context: ToolContext): void {
  tellState(group, 1, context)
  const { groupId, coordinator, state, groupEpoch, assignmentEpoch, members } = group
  const where = `${coordinator.host}:${coordinator.port}  (${coordinator.id})`
  const epochs = isVerbose ? [groupEpoch ?? MISSING, assignmentEpoch ?? MISSING] : []
  const header = ['GROUP', 'COORDINATOR (ID)', 'STATE', ...(isVerbose ? ['GROUP-EPOCH', 'ASSIGNMENT-EPOCH'] : [])]
  const widths = [widthOf(15, [groupId]), widthOf(25, [where]), 15, ...(isVerbose ? [12, 17] : [])]
  write(context, widths, [
    [...header, '#MEMBERS'],
    [groupId, where, state, ...epochs, members.length],
  ])
}

function printMembers(group: GroupDescription, isVerbose: boolean, context: ToolContext): void {
  if (!tellState(group, group.members.length, context)) return
  const members = [...group.members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const widths = [
    widthOf(15, [group.groupId]),
    widthOf(
      15,
      members.map(({ memberId }) => memberId),
    ),
    widthOf(
      15,
      members.map(({ host }) => host),
    ),
    widthOf(
      15,
      members.map(({ clientId }) => clientId),
    ),
    12,
    ...(isVerbose ? [13] : []),
  ]
  const rows = members.map(({ memberId, host, clientId, assignment, epoch }) => [
    group.groupId,
    memberId,
    host,
    clientId,
    assignment.length,
    ...(isVerbose ? [epoch ?? MISSING] : []),
    assignmentText(assignment),
  ])
  const header = ['GROUP', 'CONSUMER-ID', 'HOST', 'CLIENT-ID', '#PARTITIONS', ...(isVerbose ? ['MEMBER-EPOCH'] : [])]
  write(context, widths, [[...header, 'ASSIGNMENT'], ...rows])
}

async function remove(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  const known = new Map((await inRuntime(groupsOf('share', cluster))).map(group => [group.groupId, group]))
  const ids = options.has('all-groups') ? [...known.keys()] : [...new Set(options.texts('group'))]
  const outcomes = new Map<string, ToolError | Outcome>()
  for (const id of ids) {
    const state = known.get(id)?.state
    const refused = state === undefined ? new ToolError(`Group '${id}' is not a share group.`) : notEmpty(id, state)
    if (refused) outcomes.set(id, refused)
    else for (const [group, failure] of await deleteGroups(cluster, [id])) outcomes.set(group, failure)
  }
  printDeleted(context, 'share', outcomes)
}

function notEmpty(id: string, state: string): ToolError | null {
  if (state === 'Dead')
    return new ToolError(`Share group '${id}' group state is DEAD.`, 'java.lang.IllegalStateException')
  if (state === 'Empty') return null
  return new ToolError(`Share group '${id}' is not EMPTY.`, 'org.apache.kafka.common.errors.GroupNotEmptyException')
}

async function reset(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  const groupId = options.text('group')!
  try {
    const { state } = await describeShareGroup(cluster, groupId)
    if (state !== 'Empty' && state !== 'Dead') throw new FinalError(`Share group '${groupId}' is not empty.`)
  } catch (error) {
    const isUnknown = error instanceof KafkaError && error.code === 'GROUP_ID_NOT_FOUND'
    if (error instanceof KafkaError && !isUnknown) throw new FinalError(messageOf(error))
    if (!isUnknown) throw error
  }
  const partitions = options.has('topic')
    ? await partitionsOfTopics(cluster, options.texts('topic'))
    : await listShareGroupOffsets(cluster, groupId)
  await checkPartitions(cluster, partitions)
  const offsets = await newOffsets(cluster, groupId, partitions, options, async () => [], context)
  if (options.has('execute') && offsets.length > 0) {
    for (const refused of (await alterShareGroupOffsets(cluster, groupId, offsets)).values()) if (refused) throw refused
  }
  context.write(planTable(new Map([[groupId, offsets]])))
}

async function deleteOffsets(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  const groupId = options.text('group')!
  const topics = [...new Set(options.texts('topic'))]
  let outcomes = new Map<string, Outcome>()
  try {
    outcomes = await deleteShareGroupOffsets(cluster, groupId, topics)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    const ofTheGroup = ['INVALID_GROUP_ID', 'GROUP_ID_NOT_FOUND', 'GROUP_AUTHORIZATION_FAILED', 'NON_EMPTY_GROUP']
    if (ofTheGroup.includes(error.code)) printError(context, messageOf(error))
    else if (!['TOPIC_AUTHORIZATION_FAILED', 'UNKNOWN_TOPIC_OR_PARTITION'].includes(error.code))
      printError(context, `Encounter some unknown error: ${textOf(error)}`)
    outcomes = new Map(topics.map(topic => [topic, error]))
  }
  const rows = topics.sort().map(topic => {
    const refused = outcomes.get(topic)
    return [topic, refused ? `Error: ${messageOf(refused)}` : 'Successful']
  })
  write(context, [widthOf(15, topics)], [['TOPIC', 'STATUS'], ...rows])
}
