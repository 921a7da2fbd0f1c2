/** Plans of `kafka-reassign-partitions`: the JSON, what may not stand in it, proposing one, and what it means for throttles. */
import { partitionName, type Reassignment, type ReplicaMove, type TopicPartition } from '@ottla/client'
import { ToolError } from './java/errors.ts'
import { field, listField, parseJson } from './json.ts'

const ANY = 'any'

export interface Assignment extends TopicPartition {
  readonly replicas: readonly number[]
}

export type LogDirMove = ReplicaMove

export function replicaName({ topic, partition, broker }: TopicPartition & { readonly broker: number }): string {
  return `${topic}-${partition}-${broker}`
}

export function byPartition(a: TopicPartition, b: TopicPartition): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1
}

export function byReplica(a: LogDirMove, b: LogDirMove): number {
  return a.broker === b.broker ? byPartition(a, b) : a.broker - b.broker
}

function checkedVersion(json: Readonly<Record<string, unknown>>): void {
  const version = json.version ?? 1
  if (version !== 1) throw new ToolError(`Not supported version field value ${version}`)
}

export function parseTopics(text: string): string[] {
  const json = parseJson(text)
  checkedVersion(json)
  const topics = listField(json, 'topics').map(item => field(item, 'topic', 'string'))
  const twice = [...new Set(topics.filter((topic, i) => topics.indexOf(topic) !== i))]
  if (twice.length > 0)
    throw new ToolError(`List of topics to reassign contains duplicate entries: [${twice.join(', ')}]`)
  return topics
}

export function parsePlan(text: string): { assignments: Assignment[]; moves: LogDirMove[] } {
  const json = parseJson(text)
  checkedVersion(json)
  const assignments: Assignment[] = []
  const moves: LogDirMove[] = []
  for (const item of listField(json, 'partitions')) {
    const which = { topic: field(item, 'topic', 'string'), partition: field(item, 'partition', 'number') }
    const replicas = numbers(item, 'replicas')
    const given = listField(item, 'log_dirs').map(String)
    const dirs = given.length > 0 ? given : replicas.map(() => ANY)
    if (replicas.length !== dirs.length)
      throw new ToolError(
        `Size of replicas list [${replicas.join(', ')}] is different from size of log dirs list [${dirs.join(', ')}] for partition ${partitionName(which)}`,
      )
    assignments.push({ ...which, replicas })
    replicas.forEach((broker, i) => {
      if (dirs[i] !== ANY) moves.push({ ...which, broker, logDir: dirs[i]! })
    })
  }
  return { assignments, moves }
}

function numbers(item: unknown, name: string): number[] {
  if ((item as Record<string, unknown>)[name] === undefined) throw new ToolError(`No such field exists: \`${name}\``)
  return listField(item, name).map(value => {
    if (!Number.isSafeInteger(value))
      throw new ToolError(`Expected \`Integer\` value, received ${JSON.stringify(value)}`)
    return value as number
  })
}

export function checkPlan(assignments: readonly Assignment[]): void {
  if (assignments.length === 0) throw new ToolError('Partition reassignment list cannot be empty')
  if (assignments.some(({ replicas }) => replicas.length === 0))
    throw new ToolError('Partition replica list cannot be empty')
  const names = assignments.map(partitionName)
  const twice = [...new Set(names.filter((name, i) => names.indexOf(name) !== i))]
  if (twice.length > 0)
    throw new ToolError(`Partition reassignment contains duplicate topic partitions: ${twice.join(',')}`)
  const odd = assignments.flatMap(one => {
    const double = [...new Set(one.replicas.filter((id, i) => one.replicas.indexOf(id) !== i))]
    return double.length > 0 ? [`${partitionName(one)} contains multiple entries for ${double.join(',')}`] : []
  })
  if (odd.length > 0)
    throw new ToolError(`Partition replica lists may not contain duplicate entries: ${odd.join('. ')}`)
}

export function planJson(assignments: readonly Assignment[], dirOf: (replica: string) => string): string {
  const partitions = [...assignments].sort(byPartition).map(({ topic, partition, replicas }) => ({
    topic,
    partition,
    replicas,
    log_dirs: replicas.map(broker => dirOf(replicaName({ topic, partition, broker }))),
  }))
  return JSON.stringify({ version: 1, partitions })
}

export interface PlacementBroker {
  readonly id: number
  readonly rack: string | null
}

/**
 * As many replicas as each topic has now, dealt out to brokers that alternate between racks, so that those of a partition
 * are on different racks as far as there are as many; with a beginning by chance, and each round moved by one, so that no
 * pair of brokers has all in common.
 */
export function placeReplicas(
  current: readonly Assignment[],
  brokers: readonly PlacementBroker[],
  random: (bound: number) => number,
): Assignment[] {
  const order = alternating(brokers)
  const proposed: Assignment[] = []
  for (const [topic, own] of Map.groupBy(current, one => one.topic)) {
    const factor = own[0]!.replicas.length
    if (factor > order.length)
      throw new ToolError(
        `The target replication factor of ${factor} cannot be reached because only ${order.length} broker(s) are registered or some brokers are fenced or shutting down.`,
        'org.apache.kafka.common.errors.InvalidReplicationFactorException',
      )
    const begin = random(order.length)
    for (let partition = 0; partition < own.length; partition++) {
      const first = (begin + partition) % order.length
      const shift = Math.floor(partition / order.length)
      const replicas = [order[first]!]
      for (let i = 1; replicas.length < factor; i++) {
        const next = order[(first + 1 + ((shift + i - 1) % (order.length - 1))) % order.length]!
        const racks = new Set(replicas.map(({ rack }) => rack))
        const isAgain = next.rack !== null && racks.has(next.rack) && i < order.length
        if (!isAgain && !replicas.includes(next)) replicas.push(next)
      }
      proposed.push({ topic, partition, replicas: replicas.map(({ id }) => id) })
    }
  }
  return proposed
}

function alternating(brokers: readonly PlacementBroker[]): PlacementBroker[] {
  const racks = [...Map.groupBy(brokers, ({ rack }) => rack).values()].map(own => [...own].sort((a, b) => a.id - b.id))
  const order: PlacementBroker[] = []
  for (let i = 0; order.length < brokers.length; i++)
    for (const rack of racks) if (i < rack.length) order.push(rack[i]!)
  return order
}

interface Throttles {
  /** By topic: `partition:broker,…` */
  readonly leaders: Map<string, string>
  readonly followers: Map<string, string>
  readonly brokers: number[]
}

/** Who sends and who receives, of what is moving already and of what will. */
export function throttles(
  ongoing: readonly Reassignment[],
  proposed: readonly Assignment[],
  current: readonly Assignment[],
): Throttles {
  const moves = new Map<string, TopicPartition & { sources: readonly number[]; targets: readonly number[] }>()
  for (const { topic, partition, replicas, adding } of ongoing) {
    const sources = replicas.filter(id => !adding.includes(id))
    moves.set(partitionName({ topic, partition }), { topic, partition, sources, targets: adding })
  }
  const before = new Map(current.map(one => [partitionName(one), one.replicas]))
  for (const one of proposed) {
    const name = partitionName(one)
    const sources = moves.get(name)?.sources ?? before.get(name) ?? []
    const targets = one.replicas.filter(id => !sources.includes(id))
    moves.set(name, { topic: one.topic, partition: one.partition, sources, targets })
  }
  const all = [...moves.values()]
  const listed = (which: 'sources' | 'targets') =>
    new Map(
      [...Map.groupBy(all, ({ topic }) => topic)].map(([topic, own]) => [
        topic,
        [...new Set(own.flatMap(one => one[which].map(id => `${one.partition}:${id}`)))].sort().join(','),
      ]),
    )
  const brokers = [...new Set(all.flatMap(({ sources, targets }) => [...sources, ...targets]))].sort((a, b) => a - b)
  return { leaders: listed('sources'), followers: listed('targets'), brokers }
}
