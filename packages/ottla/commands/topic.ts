/** `ottla topic …` */
import {
  addPartitions,
  alterConfigs,
  createTopic,
  deleteTopic,
  describeConfigs,
  KafkaError,
  listTopics,
  ResourceType,
} from '@ottla/client'
import { errorName } from '@ottla/protocol'
import { keyValues } from '../cli/arguments.ts'
import { CommandError, type OutputOptions, printDone, printRows } from '../cli/output.ts'
import { type ConnectOptions, withCluster } from './connect.ts'

type Options = ConnectOptions & OutputOptions

export async function create(
  name: string,
  options: Options & { partitions?: number; replicationFactor?: number; config?: string[]; ifNotExists?: boolean },
): Promise<void> {
  await withCluster(options, async cluster => {
    const topic = {
      name,
      partitions: options.partitions ?? -1,
      replicationFactor: options.replicationFactor ?? -1,
      configs: keyValues(options.config ?? [], '--config'),
    }
    try {
      const made = await createTopic(cluster, topic)
      printDone(
        `created topic ${name} with ${made.partitions} partition${made.partitions === 1 ? '' : 's'}`,
        { topic: name, created: true, ...made },
        options,
      )
    } catch (error) {
      const isThere = error instanceof KafkaError && error.code === 'TOPIC_ALREADY_EXISTS'
      if (!isThere || !options.ifNotExists) throw error
      printDone(`topic ${name} is there already`, { topic: name, created: false }, options)
    }
  })
}

export async function list(options: Options & { internal?: boolean }): Promise<void> {
  await withCluster(options, async cluster => {
    const topics = (await listTopics(cluster, null)).filter(topic => options.internal || !topic.isInternal)
    const rows = topics.map(({ name, partitions, isInternal }) => ({
      topic: name,
      partitions: partitions.length,
      replicas: partitions[0]?.replicaNodes.length ?? 0,
      internal: isInternal,
    }))
    printRows(rows, options, 'no topics')
  })
}

export async function describe(names: string[], options: Options): Promise<void> {
  await withCluster(options, async cluster => {
    const topics = await listTopics(cluster, names.length > 0 ? names : null)
    const rows = topics.flatMap(({ name, errorCode, partitions }) => {
      if (errorCode !== 0) throw new KafkaError(errorCode, `topic '${name}'`)
      return partitions
        .sort((a, b) => a.partitionIndex - b.partitionIndex)
        .map(p => ({
          topic: name,
          partition: p.partitionIndex,
          leader: p.leaderId,
          replicas: p.replicaNodes,
          isr: p.isrNodes,
          problem: p.errorCode === 0 ? null : errorName(p.errorCode),
        }))
    })
    if (options.json || names.length !== 1) {
      printRows(rows, options, 'no topics')
      return
    }
    printRows(rows, options)
    const set = (await describeConfigs(cluster, ResourceType.topic, names[0]!)).filter(
      config => config.configSource === 1,
    )
    if (set.length > 0) console.log(`\nconfigs: ${set.map(({ name, value }) => `${name}=${value}`).join(' ')}`)
  })
}

export async function alter(
  name: string,
  options: Options & { partitions?: number; config?: string[]; deleteConfig?: string[] },
): Promise<void> {
  const changes = [
    ...[...keyValues(options.config ?? [], '--config')].map(([key, value]) => ({ name: key, value })),
    ...(options.deleteConfig ?? []).map(key => ({ name: key, value: null })),
  ]
  if (changes.length === 0 && options.partitions === undefined) {
    throw new CommandError('nothing to alter: give --partitions, --config or --delete-config', 2)
  }
  await withCluster(options, async cluster => {
    if (options.partitions !== undefined) await addPartitions(cluster, name, options.partitions)
    if (changes.length > 0) await alterConfigs(cluster, ResourceType.topic, name, changes)
    printDone(`altered topic ${name}`, { topic: name, altered: true }, options)
  })
}

export async function remove(names: string[], options: Options & { ifExists?: boolean }): Promise<void> {
  await withCluster(options, async cluster => {
    for (const name of names) {
      try {
        await deleteTopic(cluster, name)
        printDone(`deleted topic ${name}`, { topic: name, deleted: true }, options)
      } catch (error) {
        const isMissing = error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION'
        if (!isMissing || !options.ifExists) throw error
        printDone(`there is no topic ${name}`, { topic: name, deleted: false }, options)
      }
    }
  })
}
