/**
 * `kafka-streams-application-reset`: lets a Kafka Streams application of the classic protocol begin again: its group is moved on
 * its input topics, and the topics that it made for itself are deleted. (kafka-streams-groups does that for the others.)
 */
import {
  alterGroupOffsets,
  type Cluster,
  deleteTopics,
  describeGroup,
  type GroupMemberDescription,
  KafkaError,
  listGroupOffsets,
  listTopics,
  partitionName,
  removeGroupMembers,
  Timestamp,
  type TopicPartition,
} from '@ottla/client'
import { Ended, readText, type ToolContext } from './context.ts'
import { COMMAND_CONFIG, joptTool } from './declaration.ts'
import { type NewOffset, offsetsAt } from './group-reset.ts'
import { isExpected, messageOf, ToolError, textOf } from './java/errors.ts'
import { parseDateTime, parseDuration } from './java/format.ts'
import { hashOrder, partitionHash, partitionsInHashOrder, stringsInHashOrder } from './java/hash-order.ts'
import type { Options, ParsedOptions } from './options.ts'

const TOPICS = { value: 'list', separator: ',' } as const
const OPTIONS = {
  'application-id': { about: 'The application.id.', value: 'id', isRequired: true },
  'bootstrap-server': {
    about: 'Brokers: host:port, several separated by commas; localhost:9092 if left out.',
    value: 'servers',
  },
  'input-topics': { about: 'Topics that it reads: to their beginning, or to where the options say.', ...TOPICS },
  'intermediate-topics': { about: 'Deprecated: topics that it reads and writes: to their end.', ...TOPICS },
  'internal-topics': { about: 'Of the topics that it made, delete only these.', ...TOPICS },
  'to-offset': { about: 'To this offset.', value: 'offset' },
  'to-datetime': { about: 'To the first record that is not older, as 2026-01-31T12:00:00.000.', value: 'datetime' },
  'by-duration': { about: 'To the first record that is not older than so long ago, as P1DT2H30M.', value: 'duration' },
  'to-earliest': { about: 'To the beginning, as without any of these.' },
  'to-latest': { about: 'To the end.' },
  'from-file': { about: 'To what stands in a CSV file: topic,partition,offset.', value: 'file' },
  'shift-by': { about: 'So many records forward, or back if negative.', value: 'count' },
  'config-file': { about: 'An older name of --command-config.', value: 'file' },
  'command-config': COMMAND_CONFIG,
  force: { about: 'Remove members that the group still has.' },
  'dry-run': { about: 'Only say what would be done.' },
} as const satisfies Options
type Name = keyof typeof OPTIONS
type Given = ParsedOptions<Name>

const TARGETS = [
  ...(['to-offset', 'to-datetime', 'by-duration', 'to-earliest', 'to-latest', 'from-file', 'shift-by'] as const),
]

export const kafkaStreamsApplicationReset = joptTool<typeof OPTIONS>({
  name: 'kafka-streams-application-reset',
  about:
    'Lets a Kafka Streams application begin again. Stop all of its instances first, and delete their local state (KafkaStreams#cleanUp) after.',
  options: OPTIONS,
  async run(options, context) {
    for (const target of TARGETS) options.not(target, ...TARGETS)
    options.not('config-file', 'command-config')
    try {
      await reset(options, context)
    } catch (error) {
      if (error instanceof Ended || !isExpected(error)) throw error
      const message = messageOf(error)
      context.complain(`ERROR: ${/^java\./.test(message) ? message : textOf(error)}`)
      throw new Ended(1)
    }
  },
})

async function reset(options: Given, context: ToolContext): Promise<void> {
  if (options.has('config-file'))
    context.print(
      'Option --config-file has been deprecated and will be removed in a future version. Use --command-config instead.',
    )
  const where = {
    bootstrap: options.text('bootstrap-server') ?? 'localhost:9092',
    config: options.text('config-file') ?? options.text('command-config'),
  }
  await context.withCluster(where, 'describeConsumerGroups', async cluster => {
    const groupId = options.text('application-id')!
    await emptyGroup(cluster, groupId, options.has('force'), context)
    const listed = await listTopics(cluster, null)
    const topics = listed.filter(({ isInternal }) => !isInternal).map(({ name }) => name!)
    if (options.has('dry-run'))
      context.print('----Dry run displays the actions which will be performed when running Streams Reset Tool----')
    const areAllThere = await resetOffsets(
      cluster,
      groupId,
      new Map(listed.map(one => [one.name!, one])),
      options,
      context,
    )
    await deleteInternalTopics(cluster, topics, options, context)
    if (!areAllThere) throw new Ended(1)
  })
}

async function emptyGroup(cluster: Cluster, groupId: string, force: boolean, context: ToolContext): Promise<void> {
  let members: readonly GroupMemberDescription[]
  try {
    members = (await describeGroup(cluster, groupId)).members
  } catch (error) {
    if (error instanceof KafkaError && error.code === 'GROUP_ID_NOT_FOUND') return
    throw error
  }
  if (members.length === 0) return
  if (!force)
    throw new ToolError(
      `Consumer group '${groupId}' is still active and has following members: [${members.map(memberText).join(', ')}]. ` +
        'Make sure to stop all running application instances before running the reset tool. ' +
        "You can use option '--force' to remove active members from the group.",
      'java.lang.IllegalStateException',
    )
  context.print(`Force deleting all active members in the group: ${groupId}`)
  await removeGroupMembers(cluster, groupId, members)
}

function memberText({ memberId, instanceId, clientId, host, assignment }: GroupMemberDescription): string {
  const partitions = assignment.map(partitionName).join(',')
  return (
    `(memberId=${memberId}, groupInstanceId=${instanceId}, clientId=${clientId}, host=${host}, ` +
    `assignment=(topicPartitions=${partitions}))`
  )
}

// ---------------------------------------------------------------------------------------------------------- offsets

type Topics = ReadonlyMap<string, { readonly partitions: readonly { readonly partitionIndex: number }[] }>

/** False: a topic is not there. */
async function resetOffsets(
  cluster: Cluster,
  groupId: string,
  topics: Topics,
  options: Given,
  context: ToolContext,
): Promise<boolean> {
  if (options.has('intermediate-topics'))
    context.print('WARN: `--intermediate-topics` is deprecated and will be removed in a future release')
  const [inputs, intermediates] = [options.texts('input-topics'), options.texts('intermediate-topics')]
  if (inputs.length + intermediates.length === 0) {
    context.print('No input or intermediate topics specified. Skipping seek.')
    return true
  }
  if (inputs.length > 0) context.print(`Reset-offsets for input topics ${list(inputs)}`)
  if (intermediates.length > 0) context.print(`Seek-to-end for intermediate topics ${list(intermediates)}`)
  const missing = (names: readonly string[]) => names.filter(name => !topics.has(name))
  if (missing(inputs).length > 0) {
    context.print('Following input topics are not found, skipping them')
    for (const topic of missing(inputs)) context.print(`Topic: ${topic}`)
  }
  if (missing(intermediates).length > 0) {
    context.print('Following intermediate topics are not found, skipping them')
    for (const topic of missing(intermediates)) context.print(`Topic:${topic}`)
  }
  const areAllThere = missing([...inputs, ...intermediates]).length === 0
  const found = stringsInHashOrder([...inputs, ...intermediates].filter(name => topics.has(name)))
  if (found.length === 0) return areAllThere
  const partitions = found.flatMap(topic =>
    topics.get(topic)!.partitions.map(({ partitionIndex }) => ({ topic, partition: partitionIndex })),
  )
  const own = partitionsInHashOrder(partitions.filter(({ topic }) => inputs.includes(topic)))
  const others = partitionsInHashOrder(partitions.filter(({ topic }) => !inputs.includes(topic)))
  const moved = [
    ...(await moveInputs(cluster, groupId, own, options, context)),
    ...(await moveToEnd(cluster, groupId, others, context)),
  ]
  if (!options.has('dry-run')) {
    const outcomes = await alterGroupOffsets(cluster, groupId, moved)
    for (const refused of outcomes.values()) if (refused) throw refused
  }
  context.print('Done.')
  return areAllThere
}

function list(names: readonly string[]): string {
  return `[${names.join(', ')}]`
}

async function moveInputs(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
  options: Given,
  context: ToolContext,
): Promise<NewOffset[]> {
  if (partitions.length === 0) return []
  context.print(`Following input topics offsets will be reset to (for consumer group ${groupId})`)
  let offsets: ReadonlyMap<string, number>
  try {
    offsets = await inputOffsets(cluster, groupId, partitions, options, context)
  } catch (error) {
    if (/^java\.text\.ParseException/.test(messageOf(error))) context.complain('ERROR: Resetting offsets failed.')
    throw error
  }
  const moved = partitions.map(one => ({ ...one, offset: offsets.get(partitionName(one))! }))
  for (const { topic, partition, offset } of moved)
    context.print(`Topic: ${topic} Partition: ${partition} Offset: ${offset}`)
  return moved
}

async function inputOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
  options: Given,
  context: ToolContext,
): Promise<ReadonlyMap<string, number>> {
  if (options.has('to-offset')) {
    const offset = options.long('to-offset')!
    return await inRange(cluster, sized(partitions.map(one => ({ ...one, offset }))), context)
  }
  if (options.has('to-latest')) return await offsetsAt(cluster, partitions, Timestamp.latest)
  if (options.has('shift-by')) {
    const by = options.long('shift-by')!
    const committed = new Map((await listGroupOffsets(cluster, groupId)).map(one => [partitionName(one), one.offset]))
    const ends = await offsetsAt(cluster, partitions, Timestamp.latest)
    const at = (name: string) => committed.get(name) ?? ends.get(name)!
    return await inRange(
      cluster,
      sized(partitions.map(one => ({ ...one, offset: at(partitionName(one)) + by }))),
      context,
    )
  }
  if (options.has('to-datetime'))
    return await atTime(cluster, partitions, parseDateTime(options.text('to-datetime')!), context)
  if (options.has('by-duration')) {
    const timeMs = cluster.world.clock.now() - parseDuration(options.text('by-duration')!)
    return await atTime(cluster, partitions, timeMs, context)
  }
  if (options.has('from-file')) {
    const plan = partitionsInHashOrder(parsePlan(readText(options.text('from-file')!)))
    const planned = new Set(plan.map(partitionName))
    const without = partitions.find(one => !planned.has(partitionName(one)))
    if (without)
      throw new ToolError(`the plan has no offset for ${partitionName(without)}`, 'java.lang.NullPointerException')
    return await inRange(cluster, plan, context)
  }
  return await offsetsAt(cluster, partitions, Timestamp.earliest)
}

/** In the order of a HashMap that was made for so many. */
function sized(offsets: readonly NewOffset[]): NewOffset[] {
  return hashOrder(offsets, partitionHash, true)
}

/** Java's tool calls the beginning too low, and the end too high; what is set is the same. */
async function inRange(
  cluster: Cluster,
  wanted: readonly NewOffset[],
  context: ToolContext,
): Promise<ReadonlyMap<string, number>> {
  const starts = await offsetsAt(cluster, wanted, Timestamp.earliest)
  const ends = await offsetsAt(cluster, wanted, Timestamp.latest)
  const offsets = new Map<string, number>()
  for (const one of wanted) {
    const name = partitionName(one)
    const [start, end] = [starts.get(name)!, ends.get(name)!]
    let { offset } = one
    if (offset >= end) {
      context.print(`New offset (${offset}) is higher than latest offset. Value will be set to ${end}`)
      offset = end
    } else if (offset <= start) {
      context.print(`New offset (${offset}) is lower than earliest offset. Value will be set to ${start}`)
      offset = start
    }
    offsets.set(name, offset)
  }
  return offsets
}

async function atTime(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  timeMs: number,
  context: ToolContext,
): Promise<ReadonlyMap<string, number>> {
  const found = await offsetsAt(cluster, partitions, BigInt(timeMs))
  const late = partitions.filter(one => found.get(partitionName(one))! < 0)
  for (const { topic, partition } of late)
    context.print(
      `Partition ${partition} from topic ${topic} is empty, without a committed record. Falling back to latest known offset.`,
    )
  return new Map([...found, ...(await offsetsAt(cluster, late, Timestamp.latest))])
}

function parsePlan(text: string): NewOffset[] {
  if (text === '') throw new ToolError('java.text.ParseException: Error parsing reset plan CSV file. It is empty,')
  const offsets = new Map<string, NewOffset>()
  for (const line of text.replace(/\n+$/, '').split('\n')) {
    const [topic, partition, offset, ...more] = line.split(',')
    if (offset === undefined || more.length > 0)
      throw new ToolError(
        'java.text.ParseException: Reset plan CSV file is not following the format `TOPIC,PARTITION,OFFSET`.',
      )
    for (const number of [partition!, offset])
      if (!/^[+-]?\d+$/.test(number))
        throw new ToolError(`For input string: "${number}"`, 'java.lang.NumberFormatException')
    const one = { topic: topic!, partition: Number(partition), offset: Number(offset) }
    offsets.set(partitionName(one), one)
  }
  return [...offsets.values()]
}

async function moveToEnd(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
  context: ToolContext,
): Promise<NewOffset[]> {
  if (partitions.length === 0) return []
  context.print(`Following intermediate topics offsets will be reset to end (for consumer group ${groupId})`)
  for (const { topic } of partitions) context.print(`Topic: ${topic}`)
  const ends = await offsetsAt(cluster, partitions, Timestamp.latest)
  return partitions.map(one => ({ ...one, offset: ends.get(partitionName(one))! }))
}

// ----------------------------------------------------------------------------------------------------------- topics

const INTERNAL = [
  ...[/-changelog$/, /-repartition$/, /-subscription-registration-topic$/, /-subscription-response-topic$/],
  ...[/.-KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-\d+-topic$/, /.-KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-\d+-topic$/],
]

async function deleteInternalTopics(
  cluster: Cluster,
  topics: readonly string[],
  options: Given,
  context: ToolContext,
): Promise<void> {
  const own = new Set([...options.texts('input-topics'), ...options.texts('intermediate-topics')])
  const prefix = `${options.text('application-id')}-`
  const inferred = stringsInHashOrder(topics).filter(
    name => !own.has(name) && name.startsWith(prefix) && INTERNAL.some(pattern => pattern.test(name)),
  )
  const specified = options.texts('internal-topics')
  if (specified.some(name => !inferred.includes(name)))
    throw new ToolError(
      'Invalid topic specified in the --internal-topics option. Ensure that the topics specified are all internal topics. ' +
        'Do a dry run without the --internal-topics option to see the list of all internal topics that can be deleted.',
    )
  const chosen = specified.length > 0 ? specified : inferred
  context.print(`Deleting ${specified.length > 0 ? 'specified' : 'inferred'} internal topics ${list(chosen)}`)
  if (!options.has('dry-run') && chosen.length > 0) {
    const refused = [...(await deleteTopics(cluster, chosen))].filter(([, outcome]) => outcome)
    for (const [name] of refused) context.complain(`ERROR: deleting topic ${name}`)
    if (refused.length > 0)
      throw new ToolError('Encountered an error deleting one or more topics', 'java.lang.RuntimeException')
  }
  context.print('Done.')
}
