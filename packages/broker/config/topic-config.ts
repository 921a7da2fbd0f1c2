/** What a topic sets over its broker's defaults: resolved for its logs, and checked before it is stored. */
import type { CleanupPolicy, LogConfig } from '@ottla/log'
import { ApiError } from '../errors.ts'
import type { BrokerConfig } from './broker-config.ts'
import { readValue } from './config-def.ts'
import { type ConfigValues, camelCase } from './definition.ts'
import { TOPIC_CONFIGS, type TopicRows } from './definitions.ts'
import { nearest } from './names.ts'
import { BadValue } from './values.ts'

type TopicValues = ConfigValues<TopicRows>

/** Every topic config by its name in camel case. */
export interface TopicConfig
  extends Omit<TopicValues, 'cleanupPolicy' | 'messageTimestampType' | 'compressionType'>,
    LogConfig {
  readonly cleanupPolicy: readonly CleanupPolicy[]
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  readonly compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
}

/** Of a topic, by Kafka's names. */
export type TopicOverrides = ReadonlyMap<string, string>

/** Most topics set nothing, and then share what their broker gives them. */
const defaults = new WeakMap<BrokerConfig, TopicValues>()

function defaultValues(broker: BrokerConfig): TopicValues {
  let values = defaults.get(broker)
  if (!values) {
    values = parse(broker, new Map()).values
    defaults.set(broker, values)
  }
  return values
}

/** What the logs of a topic go by. An override that is not good, as an older broker may have stored it, is left out. */
export function resolveTopicConfig(broker: BrokerConfig, overrides: TopicOverrides): TopicConfig {
  const values: Record<string, unknown> = { ...defaultValues(broker) }
  for (const [name, value] of overrides) {
    const key = TOPIC_CONFIGS.get(name)
    const result = key ? readValue(key, value) : null
    if (result && !(result instanceof BadValue)) values[camelCase(name)] = result.value
  }
  return fromValues(values as unknown as TopicValues)
}

/** Values that stand for other keys are replaced by theirs. */
function fromValues(values: TopicValues): TopicConfig {
  return {
    ...(values as unknown as TopicConfig),
    segmentBytes: values.internalSegmentBytes ?? values.segmentBytes,
    localRetentionMs: values.localRetentionMs === -2 ? values.retentionMs : values.localRetentionMs,
    localRetentionBytes: values.localRetentionBytes === -2 ? values.retentionBytes : values.localRetentionBytes,
  }
}

function parse(broker: BrokerConfig, overrides: TopicOverrides) {
  return TOPIC_CONFIGS.parse(new Map([...broker.topicDefaults, ...overrides]))
}

/** One value by itself; null if it is good. */
export function validateTopicConfig(name: string, value: string): string | null {
  const key = TOPIC_CONFIGS.get(name)
  if (!key) {
    const near = nearest(name, TOPIC_CONFIGS.keys.keys())
    return `Unknown topic config name: ${name}${near ? ` (did you mean ${near}?)` : ''}`
  }
  const result = readValue(key, value)
  return result instanceof BadValue ? result.reason : null
}

/**
 * All that a topic is to have, before it is created or altered. Throws an ApiError with INVALID_CONFIG. `existing` is
 * what it has now: empty for a new topic.
 */
export function validateTopicConfigs(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string | null>,
  existing: TopicOverrides = new Map(),
): void {
  const nulls = [...overrides].filter(([, value]) => value === null).map(([name]) => name)
  if (nulls.length > 0) invalid(`Null value not supported for topic configs: ${nulls.join(', ')}`)
  const given = overrides as TopicOverrides
  const problems = [...given].flatMap(([name, value]) => validateTopicConfig(name, value) ?? [])
  if (problems.length > 0) invalid(problems.join('; '))
  const parsed = parse(broker, given)
  if (parsed.problems.length > 0) invalid(parsed.problems.map(problem => problem.message).join('; '))
  const problem = checkTogether(broker, parsed.values, existing)
  if (problem !== null) invalid(problem)
}

function invalid(message: string): never {
  throw new ApiError('INVALID_CONFIG', message)
}

function checkTogether(broker: BrokerConfig, values: TopicValues, existing: TopicOverrides): string | null {
  if (values.minCompactionLagMs > values.maxCompactionLagMs) {
    return `min.compaction.lag.ms (${values.minCompactionLagMs}) must not be more than max.compaction.lag.ms (${values.maxCompactionLagMs})`
  }
  return values.remoteStorageEnable ? checkTiered(broker, values) : checkUntiered(values, existing)
}

function checkUntiered(values: TopicValues, existing: TopicOverrides): string | null {
  const wasTiered = existing.get('remote.storage.enable')?.toLowerCase() === 'true'
  if (!wasTiered || values.remoteLogDeleteOnDisable) return null
  return (
    'remote.storage.enable can only be turned off together with remote.log.delete.on.disable=true, which deletes what ' +
    'is stored; to keep it readable and store no more, set remote.log.copy.disable=true instead'
  )
}

function checkTiered(broker: BrokerConfig, values: TopicValues): string | null {
  if (!broker.remoteLogStorageSystemEnable)
    return 'remote.storage.enable: tiered storage is off in this broker (remote.log.storage.system.enable)'
  if (values.cleanupPolicy.includes('compact'))
    return 'remote.storage.enable: a topic in tiered storage cannot be compacted (cleanup.policy)'
  return (
    checkLocalRetention('ms', values.localRetentionMs, values.retentionMs) ??
    checkLocalRetention('bytes', values.localRetentionBytes, values.retentionBytes) ??
    checkCopyDisabled(values)
  )
}

function checkLocalRetention(unit: 'ms' | 'bytes', local: number, whole: number): string | null {
  const isBounded = unit === 'ms' ? whole !== -1 : whole > -1
  if (!isBounded || local === -2) return null
  if (local === -1) return `local.retention.${unit} must not be -1 while retention.${unit} is ${whole}`
  if (local > whole) return `local.retention.${unit} (${local}) must not be more than retention.${unit} (${whole})`
  return null
}

function checkCopyDisabled(values: TopicValues): string | null {
  if (!values.remoteLogCopyDisable) return null
  const differs = (local: number, whole: number) => local !== -2 && local !== whole
  if (differs(values.localRetentionBytes, values.retentionBytes))
    return 'remote.log.copy.disable needs local.retention.bytes to be -2 or as retention.bytes'
  if (differs(values.localRetentionMs, values.retentionMs))
    return 'remote.log.copy.disable needs local.retention.ms to be -2 or as retention.ms'
  return null
}
