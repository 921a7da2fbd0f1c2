/** What a seed decides before anything runs: how the node and its topics are configured, how fast disk and network are. */
import { type MemoryWorldOptions, SeededRandom } from '@ottla/io/memory'

/** Of the groups whose members are told by the node how long they may be silent. */
export const SESSION_TIMEOUT_MS = 500
/** For which a member of a share group has the records that it was given. */
export const LOCK_MS = 1000
/** What the share group reads. */
export const SHARED_TOPIC = 'shared'

export interface TopicSetup {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
  /** Flushed before it is acknowledged: a loss of power takes nothing. */
  readonly isDurable: boolean
  /** Only DeleteRecords takes records out of it. */
  readonly keepsAll: boolean
  /** The producers' batches are kept to the byte. */
  readonly keepsBytes: boolean
  /** An admin adds partitions. */
  readonly grows: boolean
}

export interface Setup {
  readonly world: Pick<MemoryWorldOptions, 'network' | 'diskLatencyMs' | 'time'>
  readonly logDirs: readonly string[]
  /** Broker configs by Kafka's names. */
  readonly config: Readonly<Record<string, string>>
  /** Everything is flushed before it is acknowledged, committed offsets too. */
  readonly isDurable: boolean
  readonly topics: readonly TopicSetup[]
  /** Beside the others. */
  readonly compacted: Pick<TopicSetup, 'name' | 'partitions' | 'configs'> | null
  /** Of the coordinators' logs, as internal.segment.bytes. */
  readonly internalSegmentBytes: string
  readonly lives: number
  readonly producers: number
  readonly consumers: number
  readonly groups: number
  readonly membersPerGroup: number
  /** Of one consumer group (KIP-848); 0: there is none. */
  readonly consumerMembers: number
  /** Of one share group (KIP-932); 0: there is none. Only where everything is flushed. */
  readonly shareMembers: number
  /** Who write records with keys to a compacted topic; 0: there is none. */
  readonly keepers: number
  /** Of one streams group (KIP-1071); 0: there is none. */
  readonly streamsMembers: number
  /** Of the classic protocol, in the consumer group. */
  readonly migratingMembers: number
  /** Of transactions; some have an id together. Only where everything is flushed: Kafka, too, forgets what is not. */
  readonly transactors: number
  readonly transactionalIds: number
}

export function pick<T>(random: SeededRandom, choices: readonly [T, ...T[]] | readonly T[]): T {
  return choices[random.integer(choices.length)]!
}

export function chooseSetup(seed: number | string): Setup {
  const random = new SeededRandom(seed, 'setup')
  const isDurable = random.chance(0.5)
  const fixed = {
    world: chooseWorld(random),
    logDirs: random.chance(0.5) ? ['/data'] : ['/data', '/more'],
    config: chooseConfig(random, isDurable),
    isDurable,
    topics: chooseTopics(random, isDurable),
    internalSegmentBytes: pick(random, ['8000', '20000', '1000000']),
    lives: 2 + random.integer(4),
    producers: 2 + random.integer(4),
    consumers: 1 + random.integer(3),
    groups: 1 + random.integer(2),
    membersPerGroup: 2 + random.integer(2),
    transactors: isDurable ? 1 + random.integer(3) : 0,
    transactionalIds: 1 + random.integer(2),
    ...chooseReaders(random),
  }
  const shareMembers = isDurable && random.chance(0.6) ? 1 + random.integer(3) : 0
  const topics = [...fixed.topics, ...(shareMembers > 0 ? [sharedTopic(random)] : [])]
  const streamsMembers = random.chance(0.4) ? 2 + random.integer(2) : 0
  const keepers = random.chance(0.5) ? 1 + random.integer(2) : 0
  return {
    ...fixed,
    shareMembers,
    topics,
    streamsMembers,
    keepers,
    compacted: keepers > 0 ? compactedTopic(random) : null,
  }
}

function chooseReaders(random: SeededRandom): Pick<Setup, 'consumerMembers' | 'migratingMembers'> {
  if (!random.chance(0.6)) return { consumerMembers: 0, migratingMembers: 0 }
  if (random.chance(0.6)) return { consumerMembers: 2 + random.integer(3), migratingMembers: 0 }
  return { consumerMembers: 1 + random.integer(2), migratingMembers: 1 + random.integer(2) }
}

function chooseWorld(random: SeededRandom): Setup['world'] {
  const diskLatencyMs = pick<readonly [number, number] | null>(random, [null, [0, 2], [0, 2], [1, 15]])
  const delayMs = pick<readonly [number, number] | null>(random, [null, [0, 3], [0, 3], [1, 40]])
  return {
    network: {
      ...(delayMs && { delayMs }),
      fragments: random.chance(0.5),
      windowBytes: pick(random, [3000, 65_536, 1 << 20]),
      maxQueuedBytes: pick(random, [1000, 65_536, 1 << 20]),
    },
    ...(diskLatencyMs && { diskLatencyMs }),
  }
}

function chooseConfig(random: SeededRandom, isDurable: boolean): Record<string, string> {
  return {
    ...(isDurable && { 'log.flush.interval.messages': '1' }),
    'offsets.topic.num.partitions': String(1 + random.integer(3)),
    'transaction.state.log.num.partitions': String(1 + random.integer(3)),
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': pick(random, ['50', '500']),
    'log.cleaner.backoff.ms': pick(random, ['50', '500']),
    'log.cleaner.min.cleanable.ratio': pick(random, ['0.01', '0.5']),
    'log.initial.task.delay.ms': '50',
    'log.flush.offset.checkpoint.interval.ms': pick(random, ['100', '5000']),
    'log.flush.start.offset.checkpoint.interval.ms': pick(random, ['100', '5000']),
    'replica.high.watermark.checkpoint.interval.ms': pick(random, ['100', '5000']),
    'log.retention.check.interval.ms': pick(random, ['150', '1000']),
    'log.segment.delete.delay.ms': pick(random, ['0', '500']),
    'metadata.log.max.record.bytes.between.snapshots': pick(random, ['2000', '20971520']),
    'metadata.max.retention.bytes': pick(random, ['1', '104857600']),
    'group.min.session.timeout.ms': '100',
    'group.initial.rebalance.delay.ms': pick(random, ['0', '150']),
    'group.consumer.min.session.timeout.ms': String(SESSION_TIMEOUT_MS),
    'group.consumer.session.timeout.ms': String(SESSION_TIMEOUT_MS),
    'group.consumer.min.heartbeat.interval.ms': '50',
    'group.consumer.heartbeat.interval.ms': '50',
    // By the wall clock: one that has gone far back would put it off for as long.
    'group.consumer.assignment.interval.ms': '0',
    'group.share.min.session.timeout.ms': String(SESSION_TIMEOUT_MS),
    'group.share.session.timeout.ms': String(SESSION_TIMEOUT_MS),
    'group.share.min.heartbeat.interval.ms': '50',
    'group.share.heartbeat.interval.ms': '50',
    'group.share.assignment.interval.ms': '0',
    'group.share.min.record.lock.duration.ms': String(LOCK_MS),
    'group.share.record.lock.duration.ms': String(LOCK_MS),
    'group.share.delivery.count.limit': pick(random, ['2', '5', '10']),
    'group.share.partition.max.record.locks': pick(random, ['100', '2000']),
    'share.coordinator.state.topic.num.partitions': String(1 + random.integer(2)),
    'share.coordinator.snapshot.update.records.per.snapshot': pick(random, ['0', '5', '500']),
    'share.coordinator.state.topic.prune.interval.ms': pick(random, ['100', '300000']),
    'share.coordinator.cold.partition.snapshot.interval.ms': pick(random, ['100', '300000']),
    'group.streams.min.session.timeout.ms': String(SESSION_TIMEOUT_MS),
    'group.streams.session.timeout.ms': String(SESSION_TIMEOUT_MS),
    'group.streams.min.heartbeat.interval.ms': '50',
    'group.streams.heartbeat.interval.ms': '50',
    'group.streams.initial.rebalance.delay.ms': pick(random, ['0', '150']),
    'group.streams.assignment.interval.ms': '0',
    'max.incremental.fetch.session.cache.slots': pick(random, ['1', '1000']),
    'queued.max.request.bytes': pick(random, ['-1', '200000']),
    'socket.request.max.bytes': '200000',
    'auto.create.topics.enable': 'false',
  }
}

function chooseTopics(random: SeededRandom, isDurable: boolean): TopicSetup[] {
  const small = (): Record<string, string> => ({
    'internal.segment.bytes': pick(random, ['2500', '6000', '20000']),
    'segment.index.bytes': pick(random, ['48', '10240']),
    'index.interval.bytes': pick(random, ['1', '500', '4096']),
    ...(random.chance(0.3) && { 'segment.ms': '300' }),
  })
  const flushed = { 'flush.messages': '1' }
  const common = { isDurable, keepsAll: true, keepsBytes: true, grows: false }
  return [
    {
      ...common,
      name: 'kept',
      partitions: 1 + random.integer(3),
      configs: { ...small(), ...flushed },
      isDurable: true,
    },
    {
      ...common,
      name: 'agreed',
      partitions: 2,
      configs: { ...small(), ...flushed },
      isDurable: true,
    },
    { ...common, name: 'grown', partitions: 1, configs: small(), grows: true },
    {
      ...common,
      name: 'retained',
      partitions: 1 + random.integer(2),
      configs: { ...small(), ...flushed, ...chooseRetention(random) },
      isDurable: true,
      keepsAll: false,
    },
    {
      ...common,
      name: 'compressed',
      partitions: 1,
      configs: { ...small(), 'compression.type': pick(random, ['gzip', 'snappy', 'lz4', 'zstd', 'uncompressed']) },
      keepsBytes: false,
    },
  ]
}

function sharedTopic(random: SeededRandom): TopicSetup {
  return {
    name: SHARED_TOPIC,
    partitions: 1 + random.integer(2),
    configs: { 'internal.segment.bytes': pick(random, ['2500', '20000']), 'flush.messages': '1' },
    isDurable: true,
    keepsAll: true,
    keepsBytes: true,
    grows: false,
  }
}

function compactedTopic(random: SeededRandom): Pick<TopicSetup, 'name' | 'partitions' | 'configs'> {
  const configs = {
    'cleanup.policy': 'compact',
    'flush.messages': '1',
    'internal.segment.bytes': pick(random, ['2500', '6000']),
    'index.interval.bytes': pick(random, ['1', '500']),
    'min.cleanable.dirty.ratio': pick(random, ['0.01', '0.5']),
    'delete.retention.ms': pick(random, ['0', '300', '86400000']),
    ...(random.chance(0.5) && { 'segment.ms': '300' }),
  }
  return { name: 'compacted', partitions: 1 + random.integer(2), configs }
}

function chooseRetention(random: SeededRandom): Record<string, string> {
  return random.chance(0.5)
    ? { 'retention.bytes': pick(random, ['1', '3000', '10000']) }
    : { 'retention.ms': pick(random, ['100', '1000']) }
}
