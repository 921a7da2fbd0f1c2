/**
 * `createCluster()`: the broker that `ottla start` runs, in the caller's process. By default its data is in memory and
 * its port a free one; several clusters can live side by side, and nothing is left when one is closed.
 *
 *     await using cluster = await createCluster({ topics: ['orders'] })
 *     const kafka = new Kafka({ brokers: [cluster.bootstrapServers] })      // any Kafka client
 */
import { resolve } from 'node:path'
import {
  Broker,
  type BrokerMetrics,
  ConfigError,
  developerDefaults,
  loadConfig,
  refusals,
  resolveBrokerConfig,
} from '@ottla/broker'
import { Cluster, createTopic } from '@ottla/client'
import { type MemoryWorld, memoryWorld, nodeWorld, type World } from '@ottla/io'
import type { Endpoint } from './monitoring/endpoint.ts'

export interface ClusterOptions {
  /** Where the data is kept. Default: in memory. */
  readonly folder?: string
  /**
   * 'tcp' (default): a port on 127.0.0.1, for any client. 'in-process': no port at all; only clients that are given
   * `cluster.world` reach it.
   */
  readonly transport?: 'tcp' | 'in-process'
  /** With 'tcp'; 0 (default) picks a free one. */
  readonly port?: number
  /** Broker configs by Kafka's names: `{ 'num.partitions': 3 }`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
  /** Topics to create: names, or more about them. */
  readonly topics?: readonly (string | TopicOptions)[]
  /** Serve metrics and health by HTTP on this port of 127.0.0.1, 0 for a free one: see `metricsUrl`. Default: not at all. */
  readonly metricsPort?: number
  /** Whether clients may push metrics of theirs (KIP-714). Default: true; nobody does until there is a subscription. */
  readonly clientTelemetry?: boolean
  /** What the broker logs to stderr. Default: 'silent'. */
  readonly logLevel?: 'silent' | 'debug' | 'info' | 'warn' | 'error'
}

export interface TopicOptions {
  readonly name: string
  /** Default: num.partitions. */
  readonly partitions?: number
  /** Topic configs by Kafka's names. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
}

export interface EmbeddedCluster extends AsyncDisposable {
  /** `host:port`, as clients want it. */
  readonly bootstrapServers: string
  readonly clusterId: string
  /** What the broker lives in: its disk, network and clock. */
  readonly world: World
  /** All that can be measured: `metrics.value('kafka_server_brokertopicmetrics_messagesin_total', { topic })`. */
  readonly metrics: BrokerMetrics
  /** With `metricsPort`: what /metrics, /healthz and /readyz come after. Else null. */
  readonly metricsUrl: string | null
  createTopic(topic: string | TopicOptions): Promise<void>
  /**
   * Resolves, with the reason, when the broker can't go on: its folder is on a disk that is full, or fails. Never rejects.
   * It answers nobody as it should then, and is to be closed.
   */
  readonly failed: Promise<Error>
  /** Stops in order. May be called again. */
  close(): Promise<void>
}

const DATA_IN_MEMORY = '/data'

/** Resolves when clients are accepted. Throws a ConfigError that lists everything that is wrong with `config`. */
export async function createCluster(options: ClusterOptions = {}): Promise<EmbeddedCluster> {
  const world = makeWorld(options)
  const dataDir = options.folder === undefined ? DATA_IN_MEMORY : resolve(options.folder)
  const set = Object.entries(options.config ?? {}).map(([key, value]) => `${key}=${value}`)
  const { raw } = loadConfig({ set, defaults: developerDefaults({ dataDir, port: options.port ?? 0 }) })
  const config = resolveBrokerConfig(raw)
  const refused = refusals(config)
  if (refused.length > 0) throw new ConfigError(refused)
  const { clientTelemetry = true } = options
  const broker = await Broker.start({ world, config, clientTelemetry })
  const cluster = new RunningCluster(broker, world, await openMetrics(options, world, broker))
  try {
    for (const topic of options.topics ?? []) await cluster.createTopic(topic)
  } catch (error) {
    await cluster.close()
    throw error
  }
  return cluster
}

async function openMetrics(
  { metricsPort: port }: ClusterOptions,
  { logger }: World,
  broker: Broker,
): Promise<Endpoint | null> {
  if (port === undefined) return null
  const { openEndpoint } = await import('./monitoring/endpoint.ts')
  try {
    return await openEndpoint({ host: '127.0.0.1', port, logger, broker: () => broker })
  } catch (error) {
    await broker.close()
    throw error
  }
}

class RunningCluster implements EmbeddedCluster {
  readonly world: World
  readonly metricsUrl: string | null
  readonly #broker: Broker
  readonly #endpoint: Endpoint | null

  constructor(broker: Broker, world: World, endpoint: Endpoint | null) {
    this.#broker = broker
    this.world = world
    this.#endpoint = endpoint
    this.metricsUrl = endpoint?.url ?? null
  }

  get metrics(): BrokerMetrics {
    return this.#broker.metrics
  }

  get bootstrapServers(): string {
    return this.#broker.bootstrapServers
  }

  get clusterId(): string {
    return this.#broker.clusterId
  }

  get failed(): Promise<Error> {
    return this.#broker.failed
  }

  async createTopic(topic: string | TopicOptions): Promise<void> {
    const { name, partitions = -1, config = {} } = typeof topic === 'string' ? { name: topic } : topic
    const [host, port] = splitAddress(this.bootstrapServers)
    await using client = new Cluster({ world: this.world, bootstrapServers: [{ host, port }] })
    const configs = new Map(Object.entries(config).map(([key, value]) => [key, String(value)]))
    await createTopic(client, { name, partitions, replicationFactor: -1, configs })
  }

  async close(): Promise<void> {
    await this.#broker.close()
    await this.#endpoint?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function makeWorld({ folder, transport, logLevel = 'silent' }: ClusterOptions): World {
  const memory: MemoryWorld = memoryWorld({ clock: 'real', name: '127.0.0.1' })
  const node = nodeWorld(logLevel === 'silent' ? {} : { logger: { level: logLevel } })
  return {
    ...node,
    logger: logLevel === 'silent' ? memory.logger : node.logger,
    disk: folder === undefined ? memory.disk : node.disk,
    network: transport === 'in-process' ? memory.network : node.network,
  }
}

function splitAddress(address: string): [host: string, port: number] {
  const at = address.lastIndexOf(':')
  return [address.slice(0, at), Number(address.slice(at + 1))]
}
