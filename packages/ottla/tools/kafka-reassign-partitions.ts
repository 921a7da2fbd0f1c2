/** `kafka-reassign-partitions`: plans, starts, follows and gives up moves of replicas between brokers and between log dirs. */
import {
  alterConfigs,
  alterReassignments,
  alterReplicaLogDirs,
  type Cluster,
  describeLogDirs,
  describeTopics,
  KafkaError,
  listReassignments,
  partitionName,
  type Reassignment,
  ResourceType,
  type TopicDescription,
  type TopicPartition,
} from '@ottla/client'
import { Ended, readText, type ToolContext } from './context.ts'
import { joptTool } from './declaration.ts'
import { ClientSetupError, inExecution, isExpected, messageOf, ToolError, textOf } from './java/errors.ts'
import { type Options, type ParsedOptions, UsageError } from './options.ts'
import {
  type Assignment,
  byPartition,
  byReplica,
  checkPlan,
  type LogDirMove,
  parsePlan,
  parseTopics,
  placeReplicas,
  planJson,
  replicaName,
  throttles,
} from './reassignment-plan.ts'

const OPTIONS = {
  verify: { about: 'Say how far the plan of --reassignment-json-file is; done, throttles are taken away.' },
  generate: { about: 'Propose a plan for the topics of --topics-to-move-json-file.' },
  execute: { about: 'Start the plan of --reassignment-json-file.' },
  cancel: { about: 'Give up the plan of --reassignment-json-file.' },
  list: { about: 'List what is being moved.' },
  'bootstrap-server': {
    about: 'Brokers: host:port, several separated by commas.',
    value: 'servers',
    isValueOptional: true,
  },
  'command-config': { about: 'A properties file for the client.', value: 'file' },
  'reassignment-json-file': {
    about:
      'A plan: {"partitions": [{"topic": "foo", "partition": 1, "replicas": [1,2,3], "log_dirs": ["dir1","dir2","dir3"]}], "version": 1}; log_dirs may be left out, each is a path or "any".',
    value: 'file',
  },
  'topics-to-move-json-file': {
    about: 'Topics: {"topics": [{"topic": "foo"}, {"topic": "foo1"}], "version": 1}.',
    value: 'file',
  },
  'broker-list': { about: 'With --generate: brokers to move to, as 0,1,2.', value: 'broker ids' },
  'bootstrap-controller': {
    about: 'Controllers instead of brokers, with --cancel and --list.',
    value: 'servers',
    isValueOptional: true,
  },
  'disable-rack-aware': { about: 'With --generate: whatever the racks.' },
  throttle: { about: 'Bytes a second between brokers at most.', value: 'bytes', default: '-1' },
  'replica-alter-log-dirs-throttle': {
    about: 'Bytes a second between log dirs at most.',
    value: 'bytes',
    default: '-1',
  },
  timeout: { about: 'How long moves between log dirs may take to begin.', value: 'ms', default: '10000' },
  additional: { about: 'With --execute: though something is being moved.' },
  'preserve-throttles': { about: 'Leave throttles as they are.' },
  'disallow-replication-factor-change': { about: 'With --execute: refuse a plan with more or fewer replicas.' },
} as const satisfies Options
type Parsed = ParsedOptions<keyof typeof OPTIONS>
type Action = 'generate' | 'execute' | 'verify' | 'cancel' | 'list'

const ACTIONS: readonly Action[] = ['generate', 'execute', 'verify', 'cancel', 'list']
const REQUIRED: Readonly<Record<Action, readonly (keyof typeof OPTIONS)[]>> = {
  generate: ['topics-to-move-json-file', 'broker-list'],
  execute: ['reassignment-json-file'],
  verify: ['reassignment-json-file'],
  cancel: ['reassignment-json-file'],
  list: [],
}
const PERMITTED: Readonly<Record<Action, readonly string[]>> = {
  generate: ['bootstrap-server', 'command-config', 'disable-rack-aware'],
  execute: [
    ...['additional', 'bootstrap-server', 'command-config', 'throttle', 'replica-alter-log-dirs-throttle', 'timeout'],
    'disallow-replication-factor-change',
  ],
  verify: ['bootstrap-server', 'command-config', 'preserve-throttles'],
  cancel: ['bootstrap-server', 'bootstrap-controller', 'command-config', 'preserve-throttles', 'timeout'],
  list: ['bootstrap-server', 'bootstrap-controller', 'command-config'],
}
const BROKER_THROTTLES = [
  'leader.replication.throttled.rate',
  'follower.replication.throttled.rate',
  'replica.alter.log.dirs.io.max.bytes.per.second',
]
const TOPIC_THROTTLES = ['leader.replication.throttled.replicas', 'follower.replication.throttled.replicas']

export const kafkaReassignPartitions = joptTool<typeof OPTIONS>({
  name: 'kafka-reassign-partitions',
  about: 'This tool helps to move topic partitions between replicas.',
  options: OPTIONS,
  async run(options, context) {
    const action = check(options)
    const controllers = options.text('bootstrap-controller')
    const where = {
      bootstrap: controllers ?? options.text('bootstrap-server'),
      areControllers: controllers !== null,
      config: options.text('command-config'),
    }
    try {
      await context.withCluster(where, 'listPartitionReassignments', cluster => act(action, options, cluster, context))
    } catch (error) {
      const isOurs = error instanceof ToolError && !(error instanceof ClientSetupError)
      if (error instanceof UsageError || !isExpected(error)) throw error
      context.print(isOurs && error instanceof PlainError ? error.message : `Error: ${messageOf(error)}`)
      throw new Ended(1)
    }
  },
})

/** Told as it is. */
class PlainError extends ToolError {}

function check(options: Parsed): Action {
  const given = ACTIONS.filter(action => options.has(action))
  const [action] = given
  if (action === undefined || given.length > 1)
    throw new UsageError(`Command must include exactly one action: ${ACTIONS.map(name => `--${name}`).join(', ')}`)
  if (options.count('bootstrap-server', 'bootstrap-controller') === 2)
    throw new UsageError("Please don't specify both --bootstrap-server and --bootstrap-controller")
  if (options.count('bootstrap-server', 'bootstrap-controller') === 0)
    throw new UsageError('Please specify either --bootstrap-server or --bootstrap-controller')
  options.required(...REQUIRED[action])
  const allowed: readonly string[] = [action, ...REQUIRED[action], ...PERMITTED[action]]
  for (const name of options.given) {
    if (!allowed.includes(name)) throw new UsageError(`Option "[${name}]" can't be used with action "[${action}]"`)
  }
  return action
}

async function act(action: Action, options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  if (action === 'list') context.print(await listText(cluster))
  else if (action === 'generate') await generate(options, cluster, context)
  else if (action === 'execute') await execute(options, cluster, context)
  else if (action === 'verify') await verify(options, cluster, context)
  else await cancel(options, cluster, context)
}

async function listText(cluster: Cluster): Promise<string> {
  const moving = (await inExecution(listReassignments(cluster))).sort(byPartition)
  if (moving.length === 0) return 'No partition reassignments found.'
  const lines = moving.map(one => {
    const adding = one.adding.length > 0 ? ` adding: ${one.adding.join(',')}.` : ''
    const removing = one.removing.length > 0 ? ` removing: ${one.removing.join(',')}.` : ''
    return `${partitionName(one)}: replicas: ${one.replicas.join(',')}.${adding}${removing}`
  })
  return ['Current partition reassignments:', ...lines].join('\n')
}

/** By `topic-partition`. A topic that is not there is an error. */
async function currentAssignments(cluster: Cluster, topics: readonly string[]): Promise<Map<string, Assignment>> {
  const found = new Map<string, Assignment>()
  for (const [topic, description] of await describeTopics(cluster, [...new Set(topics)])) {
    if (description instanceof KafkaError) await inExecution(Promise.reject(notFound(description, topic)))
    else
      for (const { partition, replicas } of description.partitions)
        found.set(partitionName({ topic, partition }), { topic, partition, replicas })
  }
  return found
}

function notFound(error: KafkaError, topic: string): KafkaError {
  return error.code === 'UNKNOWN_TOPIC_OR_PARTITION'
    ? new KafkaError(error.errorCode, error.message, `Topic ${topic} not found.`)
    : error
}

interface ReplicaDirs {
  readonly current: string | null
  readonly future: string | null
}

/** By replica; of brokers that are up. */
async function replicaDirs(cluster: Cluster, brokers: Iterable<number>): Promise<Map<string, ReplicaDirs>> {
  const live = new Set(await cluster.brokerIds())
  const found = new Map<string, ReplicaDirs>()
  for (const broker of new Set(brokers)) {
    if (!live.has(broker)) continue
    for (const { path, replicas } of await inExecution(describeLogDirs(cluster, broker))) {
      for (const replica of replicas) {
        const name = replicaName({ ...replica, broker })
        const before = found.get(name) ?? { current: null, future: null }
        found.set(name, replica.isFuture ? { ...before, future: path } : { ...before, current: path })
      }
    }
  }
  return found
}

async function dirsOf(cluster: Cluster, assignments: Iterable<Assignment>): Promise<(replica: string) => string> {
  const dirs = await replicaDirs(
    cluster,
    [...assignments].flatMap(({ replicas }) => replicas),
  )
  return replica => dirs.get(replica)?.current ?? 'any'
}

async function generate(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  const wanted = options
    .text('broker-list')!
    .split(',')
    .map(text => {
      if (!/^[+-]?\d+$/.test(text)) throw new ToolError(`For input string: "${text}"`)
      return Number(text)
    })
  const twice = wanted.filter((id, i) => wanted.indexOf(id) !== i)
  if (twice.length > 0)
    throw new ToolError(`Broker list contains duplicate entries: [${[...new Set(twice)].join(', ')}]`)
  const topics = parseTopics(readText(options.text('topics-to-move-json-file')!))
  const current = [...(await currentAssignments(cluster, topics)).values()]
  const isAware = !options.has('disable-rack-aware')
  const nodes = (await cluster.nodes()).filter(({ id }) => wanted.includes(id))
  const brokers = nodes.map(({ id, rack }) => ({ id, rack: isAware ? rack : null }))
  const rackless = brokers.filter(({ rack }) => rack === null).length
  if (isAware && rackless > 0 && rackless < brokers.length)
    throw new ToolError(
      'Not all brokers have rack information. Add --disable-rack-aware in command line to make replica assignment without rack information.',
    )
  const proposed = placeReplicas(current, brokers, bound => cluster.world.random.integer(bound))
  context.print(`Current partition replica assignment\n${planJson(current, await dirsOf(cluster, current))}\n`)
  context.print(`Proposed partition reassignment configuration\n${planJson(proposed, () => 'any')}`)
}

async function execute(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  const { assignments, moves } = parsePlan(readText(options.text('reassignment-json-file')!))
  checkPlan(assignments)
  const ongoing = await inExecution(listReassignments(cluster))
  if (!options.has('additional') && ongoing.length > 0)
    throw new PlainError(
      'Cannot execute because there is an existing partition assignment.  Use --additional to override this and create a new partition assignment in addition to the existing one. The --additional flag can also be used to change the throttle by resubmitting the current reassignment.',
    )
  const live = await cluster.brokerIds()
  const unknown = assignments.flatMap(({ replicas }) => replicas).find(id => !live.includes(id))
  if (unknown !== undefined) throw new ToolError(`Unknown broker id ${unknown}`)
  const known = await currentAssignments(
    cluster,
    assignments.map(({ topic }) => topic),
  )
  const missing = assignments.map(partitionName).filter(name => !known.has(name))
  if (missing.length > 0)
    throw new ToolError(
      `org.apache.kafka.common.errors.UnknownTopicOrPartitionException: Unable to find partition: ${missing.join(', ')}`,
    )
  const current = assignments.map(one => known.get(partitionName(one))!)
  const before = planJson(current, await dirsOf(cluster, current))
  context.print(
    `Current partition replica assignment\n\n${before}\n\nSave this to use as the --reassignment-json-file option during rollback`,
  )
  await setThrottles(options, cluster, { assignments, current, ongoing, moves }, context)
  await start(options, cluster, assignments, context)
  if (moves.length > 0) await startMoves(cluster, moves, options.long('timeout')!, context)
}

async function start(
  options: Parsed,
  cluster: Cluster,
  assignments: readonly Assignment[],
  context: ToolContext,
): Promise<void> {
  const allowReplicationFactorChange = !options.has('disallow-replication-factor-change')
  const outcomes = await alterReassignments(cluster, assignments, { allowReplicationFactorChange })
  const sorted = [...assignments].sort(byPartition)
  const failed = sorted.filter(one => outcomes.get(partitionName(one)))
  if (failed.length > 0) {
    const lines = failed.map(one => `${partitionName(one)}: ${messageOf(outcomes.get(partitionName(one)))}`)
    throw new PlainError(`Error reassigning partition(s):\n${lines.join('\n')}`)
  }
  const plural = assignments.length === 1 ? '' : 's'
  context.print(`Successfully started partition reassignment${plural} for ${sorted.map(partitionName).join(',')}`)
}

interface Plan {
  readonly assignments: readonly Assignment[]
  readonly current: readonly Assignment[]
  readonly ongoing: readonly Reassignment[]
  readonly moves: readonly LogDirMove[]
}

async function setThrottles(options: Parsed, cluster: Cluster, plan: Plan, context: ToolContext): Promise<void> {
  const between = options.long('throttle')!
  const inside = options.long('replica-alter-log-dirs-throttle')!
  if (between < 0 && inside < 0) return
  context.print(
    'Warning: You must run --verify periodically, until the reassignment completes, to ensure the throttle is removed.',
  )
  if (between >= 0) {
    const { leaders, followers, brokers } = throttles(plan.ongoing, plan.assignments, plan.current)
    for (const topic of leaders.keys())
      await inExecution(
        alterConfigs(cluster, ResourceType.topic, topic, [
          { name: TOPIC_THROTTLES[0]!, value: leaders.get(topic)! },
          { name: TOPIC_THROTTLES[1]!, value: followers.get(topic)! },
        ]),
      )
    for (const id of brokers) await limit(cluster, id, BROKER_THROTTLES.slice(0, 2), between)
    context.print(`The inter-broker throttle limit was set to ${between} B/s`)
  }
  if (inside >= 0) {
    for (const id of new Set(plan.moves.map(({ broker }) => broker)))
      await limit(cluster, id, BROKER_THROTTLES.slice(2), inside)
    context.print(`The replica-alter-dir throttle limit was set to ${inside} B/s`)
  }
}

async function limit(cluster: Cluster, broker: number, names: readonly string[], value: number | null): Promise<void> {
  const changes = names.map(name => ({ name, value: value === null ? null : String(value) }))
  await inExecution(alterConfigs(cluster, ResourceType.broker, String(broker), changes))
}

/** Until each has begun: a replica that is not there yet can't be moved between log dirs. */
async function startMoves(
  cluster: Cluster,
  moves: readonly LogDirMove[],
  timeoutMs: number,
  context: ToolContext,
): Promise<void> {
  const { clock } = cluster.world
  const deadlineMs = clock.monotonic() + timeoutMs
  let left = [...moves]
  while (left.length > 0) {
    const begun = await beginMoves(cluster, left)
    for (const { logDir, topic, partition, broker } of begun.sort(byReplica))
      context.print(
        `Successfully started moving log directory to ${logDir} for replica ${topic}-${partition} with broker ${broker} `,
      )
    left = left.filter(move => !begun.includes(move))
    if (left.length === 0) return
    if (clock.monotonic() >= deadlineMs)
      throw new PlainError(
        `Timed out before log directory move${left.length === 1 ? '' : 's'} could be started for: ${left.sort(byReplica).map(replicaName).join(',')}`,
      )
    await new Promise<void>(resolve => clock.setTimer(100, resolve))
  }
}

async function beginMoves(cluster: Cluster, moves: readonly LogDirMove[]): Promise<LogDirMove[]> {
  const begun: LogDirMove[] = []
  for (const [broker, own] of Map.groupBy(moves, move => move.broker)) {
    for (const [move, refused] of await inExecution(alterReplicaLogDirs(cluster, broker, own))) {
      if (refused === null) begun.push(own.find(one => replicaName(one) === replicaName(move))!)
      else if (refused.code !== 'REPLICA_NOT_AVAILABLE')
        throw new ToolError(`Failed to alter dir for ${replicaName(move)}`)
    }
  }
  return begun
}

async function verify(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  const { assignments, moves } = parsePlan(readText(options.text('reassignment-json-file')!))
  const ongoing = new Map((await inExecution(listReassignments(cluster))).map(one => [partitionName(one), one]))
  const topics = assignments.filter(one => !ongoing.has(partitionName(one))).map(({ topic }) => topic)
  const described = await describeTopics(cluster, [...new Set(topics)])
  context.print(['Status of partition reassignment:', ...statusLines(assignments, ongoing, described)].join('\n'))
  const { lines, isDone } = await moveStates(cluster, moves)
  context.print(lines.join('\n'))
  if (ongoing.size === 0 && isDone && !options.has('preserve-throttles'))
    await clearThrottles(cluster, assignments, context)
}

function statusLines(
  assignments: readonly Assignment[],
  ongoing: ReadonlyMap<string, Reassignment>,
  described: ReadonlyMap<string, TopicDescription | KafkaError>,
): string[] {
  return [...assignments].sort(byPartition).map(one => {
    const name = partitionName(one)
    if (ongoing.has(name)) return `Reassignment of partition ${name} is still in progress.`
    const topic = described.get(one.topic)
    const isUnknown = topic instanceof KafkaError && topic.code === 'UNKNOWN_TOPIC_OR_PARTITION'
    if (topic instanceof KafkaError && !isUnknown) throw new ToolError(textOf(topic))
    const replicas = topic instanceof KafkaError ? [] : (topic?.partitions[one.partition]?.replicas ?? [])
    if (replicas.join() === one.replicas.join()) return `Reassignment of partition ${name} is completed.`
    return `There is no active reassignment of partition ${name}, but replica set is ${replicas.join(',')} rather than ${one.replicas.join(',')}.`
  })
}

async function moveStates(
  cluster: Cluster,
  moves: readonly LogDirMove[],
): Promise<{ lines: string[]; isDone: boolean; active: LogDirMove[] }> {
  const dirs = await replicaDirs(
    cluster,
    moves.map(({ broker }) => broker),
  )
  let isDone = true
  const active: LogDirMove[] = []
  const lines = [...moves].sort(byReplica).map(move => {
    const { topic, partition, broker, logDir } = move
    const { current = null, future = null } = dirs.get(replicaName(move)) ?? {}
    const which = `Partition ${topic}-${partition}`
    if (current === null) {
      isDone = false
      return `${which} is not found in any live log dir on broker ${broker}. There is likely an offline log directory on the broker.`
    }
    if (future !== null) {
      isDone = false
      active.push({ ...move, logDir: current })
      if (future === logDir) return `Reassignment of replica ${replicaName(move)} is still in progress.`
      return `${which} on broker ${broker} is being moved to log dir ${future} instead of ${logDir}.`
    }
    if (current === logDir) return `Reassignment of replica ${replicaName(move)} completed successfully.`
    return `${which} on broker ${broker} is not being moved from log dir ${current} to ${logDir}.`
  })
  return { lines, isDone, active }
}

async function clearThrottles(
  cluster: Cluster,
  assignments: readonly Assignment[],
  context: ToolContext,
): Promise<void> {
  const live = await cluster.brokerIds()
  const brokers = [...new Set([...live, ...assignments.flatMap(({ replicas }) => replicas)])].sort((a, b) => a - b)
  context.print(`Clearing broker-level throttles on broker${brokers.length === 1 ? '' : 's'} ${brokers.join(',')}`)
  for (const id of brokers) if (live.includes(id)) await limit(cluster, id, BROKER_THROTTLES, null)
  const topics = [...new Set(assignments.map(({ topic }) => topic))]
  context.print(`Clearing topic-level throttles on topic${topics.length === 1 ? '' : 's'} ${topics.join(',')}`)
  for (const topic of topics) {
    const changes = TOPIC_THROTTLES.map(name => ({ name, value: null }))
    await inExecution(alterConfigs(cluster, ResourceType.topic, topic, changes))
  }
}

async function cancel(options: Parsed, cluster: Cluster, context: ToolContext): Promise<void> {
  const { assignments, moves } = parsePlan(readText(options.text('reassignment-json-file')!))
  const found = await inExecution(listReassignments(cluster, assignments))
  const active: TopicPartition[] = found.filter(({ adding, removing }) => adding.length + removing.length > 0)
  if (active.length > 0) {
    const given = active.map(({ topic, partition }) => ({ topic, partition, replicas: null }))
    const outcomes = await alterReassignments(cluster, given)
    const sorted = active.sort(byPartition).map(partitionName)
    const failed = sorted.filter(name => outcomes.get(name))
    if (failed.length > 0) {
      const lines = failed.map(name => `${name}: ${messageOf(outcomes.get(name))}`)
      throw new PlainError(
        `Error cancelling partition reassignment${failed.length === 1 ? '' : 's'} for:\n${lines.join('\n')}`,
      )
    }
    context.print(
      `Successfully cancelled partition reassignment${sorted.length === 1 ? '' : 's'} for: ${sorted.join(',')}`,
    )
  } else context.print('None of the specified partition reassignments are active.')
  const back = (await moveStates(cluster, moves)).active
  if (back.length === 0) context.write('None of the specified partition moves are active.')
  else await startMoves(cluster, back, options.long('timeout')!, context)
  if (!options.has('preserve-throttles')) await clearThrottles(cluster, assignments, context)
}
