/**
 * What Kafka demands of broker configs together, beyond each by itself; the rules for listeners are in listeners.ts. A
 * rule names the keys in its message; the first is where to look.
 */
import { type ConfigValues, camelCase } from './definition.ts'
import type { BrokerRows } from './definitions.ts'
import type { Listeners } from './listeners.ts'

export type BrokerValues = ConfigValues<BrokerRows>

/** What rules need to know beside the values: what is derived from them, and what was set. */
export interface RuleContext {
  readonly values: BrokerValues
  readonly logRollMs: number
  readonly logRollJitterMs: number
  readonly logRetentionMs: number
  readonly logDirs: readonly string[]
  readonly voterIds: readonly number[]
  readonly isSet: (name: string) => boolean
}

export interface Rule {
  readonly name: string
  /** What is wrong; null if nothing is. */
  readonly check: (context: RuleContext) => string | null
}

type BrokerKey = keyof BrokerRows & string

function rule(name: BrokerKey, check: (context: RuleContext) => string | false): Rule {
  return {
    name,
    check: context => {
      const wrong = check(context)
      return wrong === false ? null : `${name} ${wrong}`
    },
  }
}

function numberOf(values: BrokerValues, name: BrokerKey): number {
  return values[camelCase(name) as keyof BrokerValues] as number
}

/** `name` must not be greater than `other`. */
function atMost(name: BrokerKey, other: BrokerKey): Rule {
  return rule(name, ({ values }) => {
    const [value, bound] = [numberOf(values, name), numberOf(values, other)]
    return value > bound && `(${value}) must not be more than ${other} (${bound})`
  })
}

function lessThan(name: BrokerKey, other: BrokerKey): Rule {
  return rule(name, ({ values }) => {
    const [value, bound] = [numberOf(values, name), numberOf(values, other)]
    return value >= bound && `(${value}) must be less than ${other} (${bound})`
  })
}

/** Three keys: the default of groups, and what a group may set. */
function inBounds(min: BrokerKey, name: BrokerKey, max: BrokerKey): Rule[] {
  return [atMost(min, max), atMost(min, name), atMost(name, max)]
}

const COMPRESSION_CODECS = [0, 1, 2, 3, 4]

function isCompressionCodec(name: BrokerKey): Rule {
  return rule(
    name,
    ({ values }) =>
      !COMPRESSION_CODECS.includes(numberOf(values, name)) &&
      'must be 0 (none), 1 (gzip), 2 (snappy), 3 (lz4) or 4 (zstd)',
  )
}

const HOST_CHARACTERS = /^[0-9a-zA-Z\-%._:]*$/
const MIB = 1024 * 1024

export const BROKER_RULES: readonly Rule[] = [
  rule('node.id', ({ values }) => values.nodeId !== values.brokerId && `and broker.id must be equal if both are set`),

  // ------------------------------------------------------------------------------------------------------- logs
  rule('log.roll.ms', ({ logRollMs }) => logRollMs < 1 && 'must be at least 1'),
  rule('log.roll.jitter.ms', ({ logRollJitterMs }) => logRollJitterMs < 0 && 'must not be negative'),
  rule('log.retention.ms', ({ logRetentionMs }) => logRetentionMs === 0 && 'must be at least 1, or -1 for no limit'),
  rule('log.cleaner.dedupe.buffer.size', ({ values }) => {
    const perThread = Math.trunc(values.logCleanerDedupeBufferSize / values.logCleanerThreads)
    return (
      !(values.logCleanerThreads > 0 && perThread > MIB) && 'must be more than 1 MiB for each of log.cleaner.threads'
    )
  }),
  atMost('log.cleaner.min.compaction.lag.ms', 'log.cleaner.max.compaction.lag.ms'),
  rule('cordoned.log.dirs', ({ values, logDirs }) => {
    const cordoned = values.cordonedLogDirs
    if (cordoned.includes('*')) return cordoned.length > 1 && 'must be * alone, or directories of log.dirs'
    const unknown = cordoned.find(dir => !logDirs.includes(dir))
    return (
      unknown !== undefined && values.processRoles.includes('broker') && `has ${unknown}, which is not one of log.dirs`
    )
  }),

  // ---------------------------------------------------------------------------------------------- replication
  atMost('replica.fetch.wait.max.ms', 'replica.socket.timeout.ms'),
  atMost('replica.fetch.wait.max.ms', 'replica.lag.time.max.ms'),

  // --------------------------------------------------------------------------------------------------- quorum
  rule('controller.quorum.voters', ({ values, voterIds }) => {
    if (voterIds.length === 0 && values.controllerQuorumBootstrapServers.length === 0)
      return 'or controller.quorum.bootstrap.servers must be set'
    const isVoter = voterIds.includes(values.nodeId)
    if (values.processRoles.includes('controller'))
      return voterIds.length > 0 && !isVoter && `must have this node, ${values.nodeId}, which is a controller`
    return isVoter && `must not have this node, ${values.nodeId}, which is only a broker`
  }),
  rule(
    'controller.quorum.auto.join.enable',
    ({ values }) =>
      values.controllerQuorumAutoJoinEnable && !values.processRoles.includes('controller') && 'is for controllers only',
  ),

  // ---------------------------------------------------------------------------------------------- connections
  rule(
    'queued.max.request.bytes',
    ({ values }) =>
      values.queuedMaxRequestBytes > 0 &&
      values.queuedMaxRequestBytes < values.socketRequestMaxBytes &&
      `must be at least socket.request.max.bytes (${values.socketRequestMaxBytes})`,
  ),
  rule(
    'max.connections.per.ip',
    ({ values }) =>
      values.maxConnectionsPerIp === 0 &&
      values.maxConnectionsPerIpOverrides === '' &&
      'may only be 0 if max.connections.per.ip.overrides is set',
  ),
  rule(
    'connection.failed.authentication.delay.ms',
    ({ values }) =>
      values.connectionsMaxIdleMs >= 0 &&
      values.connectionFailedAuthenticationDelayMs >= values.connectionsMaxIdleMs &&
      `must be less than connections.max.idle.ms (${values.connectionsMaxIdleMs})`,
  ),

  // --------------------------------------------------------------------------------------------------- groups
  rule(
    'group.coordinator.rebalance.protocols',
    ({ values }) => !values.groupCoordinatorRebalanceProtocols.includes('classic') && "must have 'classic'",
  ),
  rule('group.consumer.assignors', ({ values }) => {
    const unknown = values.groupConsumerAssignors.find(name => name !== 'uniform' && name !== 'range')
    return unknown !== undefined && `has '${unknown}', which is not uniform or range; Java classes cannot be loaded`
  }),
  rule('group.share.assignors', ({ values }) => {
    const [name, ...more] = values.groupShareAssignors
    return (name !== 'simple' || more.length > 0) && "must be 'simple'; Java classes cannot be loaded"
  }),
  isCompressionCodec('offsets.topic.compression.codec'),
  isCompressionCodec('share.coordinator.state.topic.compression.codec'),
  ...(['consumer', 'share', 'streams'] as const).flatMap(kind => [
    ...inBounds(
      `group.${kind}.min.heartbeat.interval.ms`,
      `group.${kind}.heartbeat.interval.ms`,
      `group.${kind}.max.heartbeat.interval.ms`,
    ),
    ...inBounds(
      `group.${kind}.min.session.timeout.ms`,
      `group.${kind}.session.timeout.ms`,
      `group.${kind}.max.session.timeout.ms`,
    ),
    ...inBounds(
      `group.${kind}.min.assignment.interval.ms`,
      `group.${kind}.assignment.interval.ms`,
      `group.${kind}.max.assignment.interval.ms`,
    ),
    lessThan(`group.${kind}.heartbeat.interval.ms`, `group.${kind}.session.timeout.ms`),
  ]),
  atMost('group.streams.num.standby.replicas', 'group.streams.max.standby.replicas'),
  ...inBounds(
    'group.share.min.delivery.count.limit',
    'group.share.delivery.count.limit',
    'group.share.max.delivery.count.limit',
  ),
  ...inBounds(
    'group.share.min.record.lock.duration.ms',
    'group.share.record.lock.duration.ms',
    'group.share.max.record.lock.duration.ms',
  ),
  ...inBounds(
    'group.share.min.partition.max.record.locks',
    'group.share.partition.max.record.locks',
    'group.share.max.partition.max.record.locks',
  ),
  atMost('group.share.max.size', 'group.share.max.share.sessions'),
]

/** `max.connections.per.ip.overrides`, parsed; a text that says what is wrong with it. */
export function parseOverrides(entries: ReadonlyMap<string, string>): ReadonlyMap<string, number> | string {
  const overrides = new Map<string, number>()
  for (const [host, count] of entries) {
    if (!HOST_CHARACTERS.test(host)) return `has '${host}', which is not a host or an address`
    if (!/^[+-]?[0-9]+$/.test(count)) return `has '${count}' for ${host}, which is not a whole number`
    overrides.set(host, Number(count))
  }
  return overrides
}

/** With SASL between brokers, their own mechanism must be one that the listener allows. */
export function checkInterBrokerSasl(
  listeners: Listeners,
  mechanism: string,
  enabledOn: (listenerName: string) => readonly string[],
): string | null {
  const { name, protocol } = listeners.interBroker
  if (protocol !== 'SASL_PLAINTEXT' && protocol !== 'SASL_SSL') return null
  if (enabledOn(name).includes(mechanism)) return null
  return `sasl.mechanism.inter.broker.protocol is ${mechanism}, which sasl.enabled.mechanisms of ${name} must have`
}

/** What is allowed and most likely not meant. */
export const BROKER_ADVICE: readonly Rule[] = [
  rule(
    'broker.heartbeat.interval.ms',
    ({ values }) =>
      values.brokerHeartbeatIntervalMs * 2 > values.brokerSessionTimeoutMs &&
      `should be at most half of broker.session.timeout.ms (${values.brokerSessionTimeoutMs})`,
  ),
  rule(
    'create.topic.policy.class.name',
    context => isOnlyBroker(context) && context.isSet('create.topic.policy.class.name') && 'counts on controllers only',
  ),
  rule(
    'alter.config.policy.class.name',
    context => isOnlyBroker(context) && context.isSet('alter.config.policy.class.name') && 'counts on controllers only',
  ),
  rule(
    'controller.listener.names',
    context =>
      isOnlyBroker(context) &&
      context.values.controllerListenerNames.length > 1 &&
      'has several names, of which a broker uses the first',
  ),
]

function isOnlyBroker({ values }: RuleContext): boolean {
  return !values.processRoles.includes('controller')
}
