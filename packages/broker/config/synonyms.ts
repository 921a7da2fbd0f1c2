/**
 * Which configs stand in for one another: a topic or group without a setting of its own has its broker's, and a few
 * broker configs come in several units, of which the finest that is set counts.
 */

export interface Synonym {
  /** Of the broker. */
  readonly name: string
  /** By which its value is multiplied. */
  readonly factor: number
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

function same(name: string): readonly Synonym[] {
  return [{ name, factor: 1 }]
}

/** Topic config to broker configs, the one that counts first. The others of a topic's configs have none. */
export const TOPIC_SYNONYMS: ReadonlyMap<string, readonly Synonym[]> = new Map([
  ['segment.bytes', same('log.segment.bytes')],
  ['segment.ms', [...same('log.roll.ms'), { name: 'log.roll.hours', factor: HOUR_MS }]],
  ['segment.jitter.ms', [...same('log.roll.jitter.ms'), { name: 'log.roll.jitter.hours', factor: HOUR_MS }]],
  ['segment.index.bytes', same('log.index.size.max.bytes')],
  ['index.interval.bytes', same('log.index.interval.bytes')],
  ['preallocate', same('log.preallocate')],
  ['file.delete.delay.ms', same('log.segment.delete.delay.ms')],
  ['cleanup.policy', same('log.cleanup.policy')],
  [
    'retention.ms',
    [
      ...same('log.retention.ms'),
      { name: 'log.retention.minutes', factor: MINUTE_MS },
      { name: 'log.retention.hours', factor: HOUR_MS },
    ],
  ],
  ['retention.bytes', same('log.retention.bytes')],
  ['min.cleanable.dirty.ratio', same('log.cleaner.min.cleanable.ratio')],
  ['delete.retention.ms', same('log.cleaner.delete.retention.ms')],
  ['min.compaction.lag.ms', same('log.cleaner.min.compaction.lag.ms')],
  ['max.compaction.lag.ms', same('log.cleaner.max.compaction.lag.ms')],
  ['flush.messages', same('log.flush.interval.messages')],
  ['flush.ms', [...same('log.flush.interval.ms'), ...same('log.flush.scheduler.interval.ms')]],
  ['max.message.bytes', same('message.max.bytes')],
  ['min.insync.replicas', same('min.insync.replicas')],
  ['message.timestamp.type', same('log.message.timestamp.type')],
  ['message.timestamp.before.max.ms', same('log.message.timestamp.before.max.ms')],
  ['message.timestamp.after.max.ms', same('log.message.timestamp.after.max.ms')],
  ['compression.type', same('compression.type')],
  ['compression.gzip.level', same('compression.gzip.level')],
  ['compression.lz4.level', same('compression.lz4.level')],
  ['compression.zstd.level', same('compression.zstd.level')],
  ['unclean.leader.election.enable', same('unclean.leader.election.enable')],
  ['local.retention.ms', same('log.local.retention.ms')],
  ['local.retention.bytes', same('log.local.retention.bytes')],
])

/** Group config to broker config; null: it has none. */
export const GROUP_SYNONYMS: ReadonlyMap<string, string | null> = new Map([
  ['consumer.session.timeout.ms', 'group.consumer.session.timeout.ms'],
  ['consumer.heartbeat.interval.ms', 'group.consumer.heartbeat.interval.ms'],
  ['consumer.assignment.interval.ms', 'group.consumer.assignment.interval.ms'],
  ['share.session.timeout.ms', 'group.share.session.timeout.ms'],
  ['share.heartbeat.interval.ms', 'group.share.heartbeat.interval.ms'],
  ['share.assignment.interval.ms', 'group.share.assignment.interval.ms'],
  ['share.record.lock.duration.ms', 'group.share.record.lock.duration.ms'],
  ['share.delivery.count.limit', 'group.share.delivery.count.limit'],
  ['share.partition.max.record.locks', 'group.share.partition.max.record.locks'],
  ['share.auto.offset.reset', null],
  ['share.isolation.level', null],
  ['share.renew.acknowledge.enable', null],
  ['streams.session.timeout.ms', 'group.streams.session.timeout.ms'],
  ['streams.heartbeat.interval.ms', 'group.streams.heartbeat.interval.ms'],
  ['streams.num.standby.replicas', 'group.streams.num.standby.replicas'],
  ['streams.initial.rebalance.delay.ms', 'group.streams.initial.rebalance.delay.ms'],
  ['streams.assignment.interval.ms', 'group.streams.assignment.interval.ms'],
])

const LOG_ROLL = ['log.roll.ms', 'log.roll.hours']
const LOG_ROLL_JITTER = ['log.roll.jitter.ms', 'log.roll.jitter.hours']
const LOG_RETENTION = ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours']

/** Broker config to all names of the same thing, the one that counts first. Any other is its own only synonym. */
const UNITS: ReadonlyMap<string, readonly string[]> = new Map([
  ...[...LOG_ROLL].map(name => [name, LOG_ROLL] as const),
  ...[...LOG_ROLL_JITTER].map(name => [name, LOG_ROLL_JITTER] as const),
  ...[...LOG_RETENTION].map(name => [name, LOG_RETENTION] as const),
  // One way only: the interval is of use without log.flush.interval.ms.
  ['log.flush.interval.ms', ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms']],
])

/** Names that, set dynamically, take the place of a static setting under any of them. */
export function brokerSynonyms(name: string): readonly string[] {
  return UNITS.get(name) ?? [name]
}

const LISTENER_PREFIX = /^listener\.name\.[^.]*\.(.*)$/
/** These stand behind the name of a SASL mechanism: listener.name.x.scram-sha-256.sasl.jaas.config. */
const PER_MECHANISM = [
  'sasl.jaas.config',
  'sasl.login.callback.handler.class',
  'sasl.login.class',
  'sasl.server.callback.handler.class',
  'connections.max.reauth.ms',
]

/** `listener.name.x.ssl.key.password` without its prefix; null if the name has none. */
export function withoutListenerPrefix(name: string): string | null {
  return LISTENER_PREFIX.exec(name)?.[1] ?? null
}

/** As brokerSynonyms; of a name with the prefix of a listener, also the name without. */
export function brokerSynonymsForDescribe(name: string): readonly string[] {
  const synonyms = UNITS.get(name)
  if (synonyms) return synonyms
  const base = withoutListenerPrefix(name)
  if (base === null) return [name]
  return [name, PER_MECHANISM.find(config => base.endsWith(config)) ?? base]
}
