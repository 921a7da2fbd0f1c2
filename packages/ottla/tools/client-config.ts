/** Configs of Java's producer and consumer, as far as they mean something to ours; what they are not is told in Java's words. */
import type { ProducerOptions } from '@ottla/client'
import type { Codec } from '@ottla/protocol'
import { ToolError } from './java/errors.ts'

const CONFIG_EXCEPTION = 'org.apache.kafka.common.config.ConfigException'
const CODECS: readonly string[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const ACKS: Readonly<Record<string, number>> = { all: -1, '-1': -1, '1': 1, '0': 0 }

/** What `producerOptions` looks at. */
export const PRODUCER_CONFIGS: ReadonlySet<string> = new Set([
  'acks',
  'batch.size',
  'buffer.memory',
  'compression.type',
  'delivery.timeout.ms',
  'linger.ms',
])

/** What `fetchOptions` looks at. */
export const FETCH_CONFIGS: ReadonlySet<string> = new Set([
  'fetch.max.bytes',
  'fetch.max.wait.ms',
  'fetch.min.bytes',
  'isolation.level',
  'max.partition.fetch.bytes',
  'max.poll.records',
])

export function configNumber(properties: ReadonlyMap<string, string>, key: string, byDefault: number): number {
  const text = properties.get(key)?.trim()
  if (text === undefined) return byDefault
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new ToolError(`Invalid value ${text} for configuration ${key}: Not a number of type INT`, CONFIG_EXCEPTION)
  return Number(text)
}

function oneOf(key: string, text: string, all: readonly string[]): string {
  if (all.includes(text)) return text
  const list = all.join(', ')
  throw new ToolError(
    `Invalid value ${text} for configuration ${key}: String must be one of: ${list}`,
    CONFIG_EXCEPTION,
  )
}

export function producerOptions(properties: ReadonlyMap<string, string>) {
  const acks = oneOf('acks', properties.get('acks') ?? 'all', ['all', '-1', '0', '1'])
  return {
    acks: ACKS[acks]!,
    codec: oneOf('compression.type', properties.get('compression.type') ?? 'none', CODECS) as Codec,
    batchBytes: configNumber(properties, 'batch.size', 16_384),
    bufferBytes: configNumber(properties, 'buffer.memory', 33_554_432),
    deliveryTimeoutMs: configNumber(properties, 'delivery.timeout.ms', 120_000),
    lingerMs: configNumber(properties, 'linger.ms', 5),
  } satisfies ProducerOptions
}

export function fetchOptions(properties: ReadonlyMap<string, string>) {
  const isolation = properties.get('isolation.level') ?? 'read_uncommitted'
  return {
    readCommitted: oneOf('isolation.level', isolation, ['read_committed', 'read_uncommitted']) === 'read_committed',
    maxWaitMs: configNumber(properties, 'fetch.max.wait.ms', 500),
    minBytes: configNumber(properties, 'fetch.min.bytes', 1),
    maxBytes: configNumber(properties, 'fetch.max.bytes', 52_428_800),
    partitionMaxBytes: configNumber(properties, 'max.partition.fetch.bytes', 1_048_576),
  }
}
