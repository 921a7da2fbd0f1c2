/** What the tools of groups have in common: what they say of errors, how they show assignments, deleted groups and offsets. */
import {
  type Cluster,
  deleteGroupOffsets,
  describeTopics,
  KafkaError,
  type Outcome,
  partitionName,
  type TopicPartition,
} from '@ottla/client'
import type { ToolContext } from './context.ts'
import { parsePartitions } from './group-reset.ts'
import { messageOf, textOf } from './java/errors.ts'
import { columns, widthOf } from './java/format.ts'
import { hashOrder, stringHash } from './java/hash-order.ts'

export const MISSING = '-'

export function printError(context: ToolContext, message: string): void {
  context.print(`\nError: ${message}`)
}

/** `topic:0,1;other:2` */
export function assignmentText(assignment: readonly TopicPartition[]): string {
  const topics = [...Map.groupBy(assignment, ({ topic }) => topic)]
  return topics
    .map(
      ([topic, own]) =>
        `${topic}:${own
          .map(({ partition }) => partition)
          .sort((a, b) => a - b)
          .join(',')}`,
    )
    .sort()
    .join(';')
}

/** `kind`: consumer, share, streams. Values: null, or why not. */
export function printDeleted(context: ToolContext, kind: string, outcomes: ReadonlyMap<string, unknown>): void {
  const all = hashOrder([...outcomes], ([group]) => stringHash(group))
  const names = all.filter(([, refused]) => refused === null).map(([group]) => `'${group}'`)
  const failed = all.filter(([, refused]) => refused !== null)
  if (failed.length === 0) {
    context.print(`Deletion of requested ${kind} groups (${names.join(', ')}) was successful.`)
    return
  }
  printError(context, `Deletion of some ${kind} groups failed:`)
  for (const [group, refused] of failed)
    context.print(`* Group '${group}' could not be deleted due to: ${textOf(refused)}`)
  if (names.length > 0) context.print(`\nThese ${kind} groups were deleted successfully: ${names.join(', ')}`)
}

const OF_THE_GROUP = ['INVALID_GROUP_ID', 'GROUP_ID_NOT_FOUND', 'GROUP_AUTHORIZATION_FAILED', 'NON_EMPTY_GROUP']
const OF_PARTITIONS = ['GROUP_SUBSCRIBED_TO_TOPIC', 'TOPIC_AUTHORIZATION_FAILED', 'UNKNOWN_TOPIC_OR_PARTITION']

/** `--delete-offsets`: of topics, or `topic:0,1`. */
export async function deleteOffsets(
  cluster: Cluster,
  groupId: string,
  topics: readonly string[],
  context: ToolContext,
): Promise<void> {
  const partitions = topics.filter(text => text.includes(':')).flatMap(parsePartitions)
  const results = new Map<string, TopicPartition & { readonly refused: unknown }>()
  const described = await describeTopics(
    cluster,
    topics.filter(text => !text.includes(':')),
  )
  for (const [topic, description] of described) {
    if (description instanceof KafkaError) results.set(topic, { topic, partition: -1, refused: description })
    else partitions.push(...description.partitions.map(({ partition }) => ({ topic, partition })))
  }
  await deletePartitionOffsets(cluster, groupId, partitions, results, context)
}

export async function deletePartitionOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
  results: Map<string, TopicPartition & { readonly refused: unknown }>,
  context: ToolContext,
): Promise<void> {
  let top: KafkaError | null = null
  let outcomes = new Map<string, Outcome>()
  if (partitions.length > 0) {
    try {
      outcomes = await deleteGroupOffsets(cluster, groupId, partitions)
      top = [...outcomes.values()].find(refused => refused !== null) ?? null
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      top = error
    }
  }
  for (const one of partitions) {
    const refused = outcomes.size > 0 ? (outcomes.get(partitionName(one)) ?? null) : top
    results.set(partitionName(one), { ...one, refused })
  }
  if (top === null) context.print(`Request succeeded for deleting offsets from group ${groupId}.`)
  else if (OF_THE_GROUP.includes(top.code)) printError(context, messageOf(new KafkaError(top.errorCode, groupId)))
  else if (OF_PARTITIONS.includes(top.code))
    printError(context, 'Encountered some partition-level error, see the follow-up details.')
  else printError(context, `Encountered some unknown error: ${top.code}`)
  context.write(deletedTable([...results.values()]))
}

function deletedTable(results: readonly (TopicPartition & { readonly refused: unknown })[]): string {
  const widths = [
    widthOf(
      15,
      results.map(({ topic }) => topic),
    ),
    10,
    15,
  ]
  const sorted = [...results].sort((a, b) => {
    const [left, right] = [a.topic + a.partition, b.topic + b.partition]
    return left < right ? -1 : left > right ? 1 : 0
  })
  const rows = sorted.map(({ topic, partition, refused }) => [
    topic,
    partition >= 0 ? partition : MISSING,
    refused === null ? 'Successful' : `Error: ${textOf(refused)}`,
  ])
  const padded = (row: readonly (string | number)[]) => `\n${columns(widths, row)}`
  return `${[['TOPIC', 'PARTITION', 'STATUS'], ...rows].map(padded).join('')}\n`
}
