/** What a node counts and keeps for those who watch it, beside what its rooms count by themselves. */
import type { Logger, Random } from '@ottla/io'
import type { BrokerConfig } from '../config/index.ts'
import { ConfigResourceType, type MetadataDelta } from '../image/index.ts'
import { RequestMetrics, TopicMetrics, type Windows } from '../metrics/index.ts'
import { ClientTelemetry } from '../telemetry/client-telemetry.ts'
import { ClusterTally } from './cluster-tally.ts'
import { BrokerState } from './health.ts'

const CLIENT_METRICS_KEYS = `${ConfigResourceType.CLIENT_METRICS}:`

export class Monitoring {
  readonly topics = new TopicMetrics()
  readonly requests: RequestMetrics
  readonly tally = new ClusterTally()
  readonly telemetry: ClientTelemetry
  readonly waitingFetches = { count: 0, expired: { consumer: 0, follower: 0 } }
  state: BrokerState = BrokerState.STARTING
  readonly #logger: Logger

  constructor(config: BrokerConfig, random: Random, logger: Logger) {
    this.requests = new RequestMetrics(metricsWindows(config))
    this.telemetry = new ClientTelemetry(config.telemetryMaxBytes, () => random.uuid())
    this.#logger = logger
  }

  /** A change of the metadata is committed. */
  onPublished(delta: MetadataDelta): void {
    this.tally.apply(delta)
    for (const key of delta.configs) {
      if (!key.startsWith(CLIENT_METRICS_KEYS)) continue
      for (const { name, error } of this.telemetry.reload(delta.image))
        this.#logger.warn('a client metrics subscription is left out', { subscription: name, error })
      break
    }
  }
}

/** Over which rates, averages and quantiles are taken that nobody is held to. */
export function metricsWindows({ metricsNumSamples, metricsSampleWindowMs }: BrokerConfig): Windows {
  return { count: metricsNumSamples, lengthMs: metricsSampleWindowMs }
}
