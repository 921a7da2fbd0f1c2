/** `kafka-transactions`: transactions and their producers, and ending those that hang. */
import {
  abortTransaction,
  type Cluster,
  describeProducers,
  describeTopics,
  describeTransaction,
  fenceProducer,
  KafkaError,
  listTopics,
  listTransactions,
  type ProducerState,
  partitionName,
  type TopicPartition,
  type TransactionDescription,
} from '@ottla/client'
import type { ToolContext } from './context.ts'
import { argparseTool } from './declaration.ts'
import { isExpected, messageOf, ToolError } from './java/errors.ts'
import { prettyTable } from './java/format.ts'
import type { ParsedOptions } from './options.ts'

const TOPIC = { about: 'Of the partition.', value: 'topic' } as const
const PARTITION = { about: 'Its number.', value: 'number', type: 'int' } as const

export const kafkaTransactions = argparseTool({
  name: 'kafka-transactions',
  shownName: 'kafka-transactions.sh',
  about: 'Transactions as their coordinators and the partitions see them; and ending those that hang.',
  options: {
    version: { about: 'The version of Apache Kafka whose tool this is.', aliases: ['v'] },
    'command-config': { about: 'A properties file for the client.', value: 'file' },
    'bootstrap-server': {
      about: 'Brokers: host:port, several separated by commas.',
      value: 'servers',
      isRequired: true,
    },
  },
  commands: {
    list: {
      about: 'List transactions.',
      options: {
        'duration-filter': {
          about: 'Only those that run longer than so many milliseconds.',
          value: 'ms',
          type: 'long',
        },
        'transactional-id-pattern': { about: 'Only ids that match a regular expression.', value: 'pattern' },
      },
      run: (options, context) => connected(options, context, list),
    },
    describe: {
      about: 'Describe a transaction.',
      options: { 'transactional-id': { about: 'Its id.', value: 'id', isRequired: true } },
      run: (options, context) => connected(options, context, describe),
    },
    'describe-producers': {
      about: 'Describe the producers that a partition knows.',
      options: {
        'broker-id': { about: "As this broker's replica has them; the leader's by default.", value: 'id', type: 'int' },
        topic: { ...TOPIC, isRequired: true },
        partition: { ...PARTITION, isRequired: true },
      },
      run: (options, context) => connected(options, context, producers),
    },
    abort: {
      about: 'Abort a hanging transaction in one partition.',
      options: {
        topic: { ...TOPIC, isRequired: true },
        partition: { ...PARTITION, isRequired: true },
        'start-offset': { about: 'Of the transaction in that partition.', value: 'offset', type: 'long' },
        'producer-id': { about: 'For brokers before 3.0, with the two below.', value: 'id', type: 'long' },
        'producer-epoch': { about: 'Of the producer.', value: 'epoch', type: 'short' },
        'coordinator-epoch': { about: 'Of the coordinator.', value: 'epoch', type: 'int' },
      },
      run: (options, context) => connected(options, context, abort),
    },
    'find-hanging': {
      about: 'Find transactions that partitions have open and no coordinator knows.',
      options: {
        'broker-id': { about: 'Among the replicas of this broker.', value: 'id', type: 'int' },
        'max-transaction-timeout': {
          about: 'Only those that are open longer than so many minutes.',
          value: 'minutes',
          type: 'int',
          default: '15',
        },
        topic: { about: 'In this topic.', value: 'topic' },
        partition: { ...PARTITION },
      },
      run: (options, context) => connected(options, context, findHanging),
    },
    forceTerminateTransaction: {
      about: 'Abort the ongoing transaction of a transactional id.',
      options: { transactionalId: { about: 'The id.', value: 'id', isRequired: true } },
      run: (options, context) => connected(options, context, terminate),
    },
  },
})

type Act = (options: ParsedOptions, cluster: Cluster, context: ToolContext) => Promise<void>

async function connected(options: ParsedOptions, context: ToolContext, act: Act): Promise<void> {
  const where = { bootstrap: options.text('bootstrap-server'), config: options.text('command-config') }
  await context.withCluster(where, 'listTransactions', cluster => act(options, cluster, context))
}

/** `what` failed, in the words of Java's tool. */
async function orFail<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!isExpected(error)) throw error
    throw new ToolError(`${what}: ${messageOf(error)}. Enable debug logging for additional detail.`)
  }
}

async function list(options: ParsedOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const filter = {
    ...(options.has('duration-filter') ? { durationMs: options.long('duration-filter')! } : {}),
    ...(options.has('transactional-id-pattern') ? { pattern: options.text('transactional-id-pattern')! } : {}),
  }
  const listings = await orFail('Failed to list transactions', listTransactions(cluster, filter))
  const rows = listings.map(({ transactionalId, coordinator, producerId, state }) => [
    transactionalId,
    String(coordinator),
    String(producerId),
    state,
  ])
  context.write(prettyTable(['TransactionalId', 'Coordinator', 'ProducerId', 'TransactionState'], rows))
}

async function describe(options: ParsedOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const id = options.text('transactional-id')!
  const found = await orFail(
    `Failed to describe transaction state of transactional-id \`${id}\``,
    describeTransaction(cluster, id).catch(error => {
      throw named(
        error,
        `DescribeTransactions request for transactionalId \`${id}\` failed because the ID could not be found`,
      )
    }),
  )
  const { coordinator, producerId, producerEpoch, transactionState, transactionTimeoutMs } = found
  const start = found.transactionStartTimeMs
  const isOpen = start >= 0
  const headers = ['CoordinatorId', 'TransactionalId', 'ProducerId', 'ProducerEpoch', 'TransactionState']
  const times = ['TransactionTimeoutMs', 'CurrentTransactionStartTimeMs', 'TransactionDurationMs', 'TopicPartitions']
  const row = [
    ...[coordinator, id, producerId, producerEpoch, transactionState, transactionTimeoutMs],
    isOpen ? start : 'None',
    isOpen ? cluster.world.clock.now() - start : 'None',
    partitionsOf(found).map(partitionName).join(','),
  ]
  context.write(prettyTable([...headers, ...times], [row.map(String)]))
}

function partitionsOf({ topics }: TransactionDescription): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
}

/** What Java's client says of an id that nobody knows, and of a partition that a replica lacks. */
function named(error: unknown, words: string): unknown {
  const isUnknown = error instanceof KafkaError && error.code === 'TRANSACTIONAL_ID_NOT_FOUND'
  return isUnknown ? new ToolError(words) : error
}

function partitionOf(options: ParsedOptions): TopicPartition {
  return { topic: options.text('topic')!, partition: options.int('partition')! }
}

async function producers(options: ParsedOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const which = partitionOf(options)
  const broker = options.has('broker-id') ? options.int('broker-id')! : undefined
  const states = await orFail(
    `Failed to describe producers for partition ${partitionName(which)} on ${broker === undefined ? 'leader' : `broker ${broker}`}`,
    describeProducers(cluster, which, broker),
  )
  const rows = states.map(state => [
    String(state.producerId),
    String(state.producerEpoch),
    String(state.coordinatorEpoch),
    String(state.lastSequence),
    String(state.lastTimestamp),
    state.currentTxnStartOffset < 0 ? 'None' : String(state.currentTxnStartOffset),
  ])
  const headers = ['ProducerId', 'ProducerEpoch', 'LatestCoordinatorEpoch', 'LastSequence', 'LastTimestamp']
  context.write(prettyTable([...headers, 'CurrentTransactionStartOffset'], rows))
}

async function abort(options: ParsedOptions, cluster: Cluster): Promise<void> {
  const which = partitionOf(options)
  const startOffset = options.long('start-offset')
  const producerId = options.long('producer-id')
  let spec: { producerId: number; producerEpoch: number; coordinatorEpoch: number }
  if (startOffset !== null) spec = await openAt(cluster, which, startOffset)
  else if (producerId === null)
    throw new ToolError(
      'The transaction to abort must be identified either with --start-offset (for brokers on 3.0 or above) or with --producer-id, --producer-epoch, and --coordinator-epoch (for older brokers)',
    )
  else {
    const producerEpoch = options.int('producer-epoch')
    if (producerEpoch === null) throw new ToolError('Missing required argument --producer-epoch')
    const coordinatorEpoch = options.int('coordinator-epoch')
    if (coordinatorEpoch === null) throw new ToolError('Missing required argument --coordinator-epoch')
    spec = { producerId, producerEpoch, coordinatorEpoch: Math.max(0, coordinatorEpoch) }
  }
  const text = `AbortTransactionSpec(topicPartition=${partitionName(which)}, producerId=${spec.producerId}, producerEpoch=${spec.producerEpoch}, coordinatorEpoch=${spec.coordinatorEpoch})`
  await orFail(`Failed to abort transaction ${text}`, abortTransaction(cluster, { ...which, ...spec }))
}

async function openAt(cluster: Cluster, which: TopicPartition, startOffset: number) {
  const name = partitionName(which)
  const what = `Failed to validate producer state for partition ${name}`
  const states = await orFail(what, describeProducers(cluster, which))
  const state = states.find(({ currentTxnStartOffset }) => currentTxnStartOffset === startOffset)
  if (!state)
    throw new ToolError(`Could not find any open transactions starting at offset ${startOffset} on partition ${name}`)
  const { producerId, producerEpoch, coordinatorEpoch } = state
  return { producerId, producerEpoch, coordinatorEpoch: Math.max(0, coordinatorEpoch) }
}

async function terminate(options: ParsedOptions, cluster: Cluster): Promise<void> {
  const id = options.text('transactionalId')!
  await orFail(`Failed to force terminate transactionalId \`${id}\``, fenceProducer(cluster, id))
}

type OpenTransaction = TopicPartition & { readonly state: ProducerState }

async function findHanging(options: ParsedOptions, cluster: Cluster, context: ToolContext): Promise<void> {
  const topic = options.text('topic')
  const broker = options.int('broker-id')
  if (topic === null && broker === null)
    throw new ToolError(
      'The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search',
    )
  if (options.has('partition') && topic === null)
    throw new ToolError('The --partition argument requires --topic to be provided')
  const partition = options.int('partition')
  const partitions =
    topic !== null && partition !== null ? [{ topic, partition }] : await partitionsToSearch(cluster, topic, broker)
  const longerThanMs = options.int('max-transaction-timeout')! * 60_000
  const open = await openTransactions(cluster, partitions, broker, longerThanMs)
  const hanging = open.length === 0 ? [] : await unknownToCoordinators(cluster, open)
  const now = cluster.world.clock.now()
  const rows = hanging.map(({ topic: name, partition: number, state }) => [
    ...[name, number, state.producerId, state.producerEpoch, state.coordinatorEpoch, state.currentTxnStartOffset],
    state.lastTimestamp,
    Math.floor((now - state.lastTimestamp) / 60_000),
  ])
  const headers = ['Topic', 'Partition', 'ProducerId', 'ProducerEpoch', 'CoordinatorEpoch', 'StartOffset']
  context.write(
    prettyTable(
      [...headers, 'LastTimestamp', 'Duration(min)'],
      rows.map(row => row.map(String)),
    ),
  )
}

async function partitionsToSearch(
  cluster: Cluster,
  topic: string | null,
  broker: number | null,
): Promise<TopicPartition[]> {
  const all = topic === null ? await orFail('Failed to list topics', listTopics(cluster, null)) : []
  const names = topic === null ? all.map(({ name }) => name ?? '') : [topic]
  const what = `Failed to describe ${names.length} topics`
  const described = await orFail(what, describeTopics(cluster, names))
  const found: TopicPartition[] = []
  for (const description of described.values()) {
    if (description instanceof KafkaError) await orFail(what, Promise.reject(description))
    else {
      for (const { partition, replicas } of description.partitions)
        if (broker === null || replicas.includes(broker)) found.push({ topic: description.name, partition })
    }
  }
  return found
}

async function openTransactions(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  broker: number | null,
  longerThanMs: number,
): Promise<OpenTransaction[]> {
  const found: OpenTransaction[] = []
  const where = broker === null ? 'Optional.empty' : `Optional[${broker}]`
  const what = `Failed to describe producers for ${partitions.length} partitions on broker ${where}`
  const now = cluster.world.clock.now()
  for (const which of partitions) {
    for (const state of await orFail(what, describeProducers(cluster, which, broker ?? undefined))) {
      const isLong = now - state.lastTimestamp > longerThanMs
      if (state.currentTxnStartOffset >= 0 && isLong) found.push({ ...which, state })
    }
  }
  return found
}

/** Those whose producer has no transactional id, or whose transaction does not have the partition. */
async function unknownToCoordinators(cluster: Cluster, open: readonly OpenTransaction[]): Promise<OpenTransaction[]> {
  const producerIds = [...new Set(open.map(({ state }) => state.producerId))]
  const what = `Failed to list transactions for ${producerIds.length} producers`
  const listings = await orFail(what, listTransactions(cluster, { producerIds }))
  const ids = new Map(listings.map(({ producerId, transactionalId }) => [producerId, transactionalId]))
  const known = new Set<string>()
  for (const [producerId, id] of ids) {
    const description = await orFail(
      `Failed to describe ${ids.size} transactions`,
      describeTransaction(cluster, id).catch(error => {
        if (error instanceof KafkaError && error.code === 'TRANSACTIONAL_ID_NOT_FOUND') return null
        throw error
      }),
    )
    for (const one of description ? partitionsOf(description) : []) known.add(`${producerId} ${partitionName(one)}`)
  }
  return open.filter(one => !known.has(`${one.state.producerId} ${partitionName(one)}`))
}
