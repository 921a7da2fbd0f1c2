/** Where the tools of consumer, share and streams groups move offsets to: by offset, time, duration, file, from where they are. */
import {
  type Cluster,
  describeTopics,
  findOffsets,
  type GroupOffset,
  KafkaError,
  partitionName,
  Timestamp,
  type TopicDescription,
  type TopicPartition,
} from '@ottla/client'
import { readText, type ToolContext } from './context.ts'
import { inRuntime, ToolError, textOf } from './java/errors.ts'
import { columns, parseDateTime, parseDuration, widthOf } from './java/format.ts'
import { hashOrder, partitionsInHashOrder, stringHash } from './java/hash-order.ts'
import { type ParsedOptions, UsageError } from './options.ts'

export type NewOffset = TopicPartition & { readonly offset: number }
/** By group. */
export type ResetPlan = ReadonlyMap<string, readonly NewOffset[]>

export const RESET_OPTIONS = {
  'to-offset': { about: 'To this offset.', value: 'offset' },
  'from-file': { about: 'To what stands in a CSV file, as --export prints it.', value: 'file' },
  'to-datetime': { about: 'To the first record that is not older, as 2026-01-31T12:00:00.000.', value: 'datetime' },
  'by-duration': { about: 'To the first record that is not older than so long ago, as P1DT2H30M.', value: 'duration' },
  'to-earliest': { about: 'To the beginning.' },
  'to-latest': { about: 'To the end.' },
  'to-current': { about: 'To where the group is; to the end where it has committed nothing.' },
  'shift-by': { about: 'So many records forward, or back if negative.', value: 'count' },
} as const
export const SCENARIOS = Object.keys(RESET_OPTIONS) as (keyof typeof RESET_OPTIONS)[]

/** As Java's client names partitions: `topic:0,1,2`. */
export function parsePartitions(text: string): TopicPartition[] {
  const [topic, list, ...rest] = text.split(':')
  if (!topic || !list || rest.length > 0)
    throw new UsageError(`Invalid topic arg '${text}', expected topic name and partitions`)
  return list.split(',').map(part => {
    if (!/^[+-]?\d+$/.test(part)) throw new UsageError(`Invalid partition '${part}' specified in topic arg '${text}''`)
    return { topic, partition: Number(part) }
  })
}

/** `topic`, or `topic:0,1,2`. A topic that is not there is a KafkaError. */
export async function partitionsOfTopics(cluster: Cluster, topics: readonly string[]): Promise<TopicPartition[]> {
  const whole = topics.filter(text => !text.includes(':'))
  const named = topics.filter(text => text.includes(':')).flatMap(parsePartitions)
  const described = await describedTopics(cluster, whole)
  return [
    ...named,
    ...described.flatMap(({ name, partitions }) => partitions.map(({ partition }) => ({ topic: name, partition }))),
  ]
}

async function describedTopics(cluster: Cluster, names: readonly string[]): Promise<TopicDescription[]> {
  const all = await describeTopics(cluster, [...new Set(names)])
  return [...all.values()].map(topic => {
    if (topic instanceof KafkaError) throw topic
    return topic
  })
}

/** Throws unless each is there and has a leader. */
export async function checkPartitions(cluster: Cluster, partitions: readonly TopicPartition[]): Promise<void> {
  const names = partitions.map(({ topic }) => topic)
  const known = new Map<string, number | null>()
  for (const { name, partitions: there } of await inRuntime(describedTopics(cluster, names)))
    for (const { partition, leader } of there) known.set(partitionName({ topic: name, partition }), leader)
  const list = (which: (leader: number | null | undefined) => boolean) =>
    partitions.map(partitionName).filter(name => which(known.get(name)))
  const missing = list(leader => leader === undefined)
  if (missing.length > 0) throw new ToolError(`The partitions "${missing.join(',')}" do not exist`)
  const leaderless = list(leader => leader === null)
  if (leaderless.length > 0) throw new ToolError(`The partitions "${leaderless.join(',')}" have no leader`)
}

/** Names of those that have no leader now. */
export async function leaderless(cluster: Cluster, partitions: readonly TopicPartition[]): Promise<Set<string>> {
  const names = partitions.map(({ topic }) => topic)
  const found = new Set<string>()
  for (const { name, partitions: there } of await inRuntime(describedTopics(cluster, names)))
    for (const { partition, leader } of there) if (leader === null) found.add(partitionName({ topic: name, partition }))
  return found
}

/** By `topic-partition`. */
export async function offsetsAt(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  timestamp: bigint,
): Promise<Map<string, number>> {
  const found = await inRuntime(findOffsets(cluster, partitions, timestamp))
  const offsets = new Map<string, number>()
  for (const [name, result] of found) {
    if (result instanceof KafkaError) await inRuntime(Promise.reject(result))
    else offsets.set(name, result.offset)
  }
  return offsets
}

/** Of what the options ask for. `committed`: what the group has, asked for only if it counts. */
export async function newOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
  options: ParsedOptions,
  committed: () => Promise<readonly GroupOffset[]>,
  context: ToolContext,
): Promise<NewOffset[]> {
  const asked = (name: string): boolean => name in RESET_OPTIONS && options.given.includes(name)
  const at = async (timestamp: bigint) => placed(partitions, await offsetsAt(cluster, partitions, timestamp))
  if (asked('to-offset')) {
    const offset = options.long('to-offset')!
    return inRange(
      cluster,
      partitions.map(one => ({ ...one, offset })),
      context,
    )
  }
  if (asked('to-earliest')) return at(Timestamp.earliest)
  if (asked('to-latest')) return at(Timestamp.latest)
  if (asked('shift-by')) {
    const by = options.long('shift-by')!
    const current = offsetsByName(await committed())
    const moved = partitions.map(one => {
      const from = current.get(partitionName(one))
      if (from === undefined)
        throw new UsageError(
          `Cannot shift offset for partition ${partitionName(one)} since there is no current committed offset`,
        )
      return { ...one, offset: from + by }
    })
    return inRange(cluster, moved, context)
  }
  if (asked('to-datetime')) return atTime(cluster, partitions, parseDateTime(options.text('to-datetime')!), context)
  if (asked('by-duration')) {
    const time = cluster.world.clock.now() - parseDuration(options.text('by-duration')!)
    return atTime(cluster, partitions, time, context)
  }
  if (asked('from-file')) return fromFile(cluster, groupId, options, context)
  if (asked('to-current')) {
    const current = offsetsByName(await committed())
    const others = partitions.filter(one => !current.has(partitionName(one)))
    const ends = await offsetsAt(cluster, others, Timestamp.latest)
    return placed(partitions, new Map([...ends, ...current]))
  }
  const list = SCENARIOS.map(name => `[${name}]`).join(', ')
  throw new UsageError(`Option '[reset-offsets]' requires one of the following scenarios: [${list}]`)
}

function offsetsByName(offsets: readonly GroupOffset[]): Map<string, number> {
  return new Map(offsets.map(one => [partitionName(one), one.offset]))
}

function placed(partitions: readonly TopicPartition[], offsets: ReadonlyMap<string, number>): NewOffset[] {
  const unique = new Map(partitions.map(one => [partitionName(one), one]))
  return partitionsInHashOrder([...unique].map(([name, one]) => ({ ...one, offset: offsets.get(name)! })))
}

/** Nobody is moved before the beginning or behind the end. */
async function inRange(cluster: Cluster, wanted: readonly NewOffset[], context: ToolContext): Promise<NewOffset[]> {
  const starts = await offsetsAt(cluster, wanted, Timestamp.earliest)
  const ends = await offsetsAt(cluster, wanted, Timestamp.latest)
  const bounded = new Map<string, number>()
  for (const one of wanted) {
    const name = partitionName(one)
    const [start, end] = [starts.get(name)!, ends.get(name)!]
    const offset = Math.min(Math.max(one.offset, start), end)
    if (offset !== one.offset) {
      const which = one.offset > end ? 'higher than latest' : 'lower than earliest'
      context.complain(
        `WARN New offset (${one.offset}) is ${which} offset for topic partition ${name}. Value will be set to ${offset}`,
      )
    }
    bounded.set(name, offset)
  }
  return placed(wanted, bounded)
}

async function atTime(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  timeMs: number,
  context: ToolContext,
): Promise<NewOffset[]> {
  const found = await offsetsAt(cluster, partitions, BigInt(timeMs))
  const late = partitionsInHashOrder(partitions.filter(one => found.get(partitionName(one))! < 0))
  for (const { topic, partition } of late)
    context.print(`\nWarn: Partition ${partition} from topic ${topic} is empty. Falling back to latest known offset.`)
  const ends = await offsetsAt(cluster, late, Timestamp.latest)
  return placed(partitions, new Map([...found, ...ends]))
}

async function fromFile(
  cluster: Cluster,
  groupId: string,
  options: ParsedOptions,
  context: ToolContext,
): Promise<NewOffset[]> {
  const groups = options.texts('group')
  const plan = parsePlan(planText(options.texts('from-file')[0]!), groups.length === 1 ? groups[0]! : null)
  const own = plan.get(groupId)
  if (!own) {
    context.print(`\nError: No reset plan for group ${groupId} found`)
    return []
  }
  return inRange(cluster, own, context)
}

function planText(path: string): string {
  try {
    return readText(path)
  } catch (error) {
    throw new ToolError(textOf(error), 'java.lang.RuntimeException')
  }
}

/** Lines of topic, partition, offset if there is one group, else with the group first. */
function parsePlan(text: string, onlyGroup: string | null): ResetPlan {
  const plan = new Map<string, NewOffset[]>()
  const lines = text.split('\n').filter(line => line.trim() !== '')
  for (const line of lines) {
    const cells = line.split(',').map(cell => cell.trim().replace(/^"(.*)"$/, '$1'))
    const [group, topic, partition, offset] = onlyGroup !== null && cells.length === 3 ? [onlyGroup, ...cells] : cells
    if (!group || !topic || !/^\d+$/.test(partition ?? '') || !/^-?\d+$/.test(offset ?? ''))
      throw new ToolError(`'${line}' is no line of topic, partition and offset`, 'java.lang.RuntimeException')
    const own = plan.get(group) ?? []
    own.push({ topic, partition: Number(partition), offset: Number(offset) })
    plan.set(group, own)
  }
  return plan
}

/** As `--export` prints it. */
export function planCsv(plan: ResetPlan, isOneGroup: boolean): string {
  const lines = inGroupOrder(plan).flatMap(([group, offsets]) =>
    offsets.map(({ topic, partition, offset }) => [...(isOneGroup ? [] : [group]), topic, partition, offset].join(',')),
  )
  return lines.map(line => `${line}\n`).join('')
}

function inGroupOrder(plan: ResetPlan): [string, readonly NewOffset[]][] {
  return hashOrder([...plan], ([group]) => stringHash(group))
}

export function planTable(plan: ResetPlan): string {
  const all = inGroupOrder(plan)
  const group = widthOf(15, plan.keys())
  const topic = widthOf(
    15,
    all.flatMap(([, offsets]) => offsets.map(one => one.topic)),
  )
  const rows = all.flatMap(([id, offsets]) => offsets.map(one => [id, one.topic, one.partition, one.offset]))
  const header = all.length > 0 ? [['GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET']] : []
  return `${[...header, ...rows].map(row => `\n${columns([group, topic, 10], row)}`).join('')}\n`
}
