/** What the cluster wants to know of which clients: the resources CLIENT_METRICS of the metadata (KIP-714). */
import { CLIENT_METRICS_CONFIGS, parseClientMatch } from '../config/index.ts'
import { ApiError } from '../errors.ts'
import { type ConfigImage, ConfigResourceType, type MetadataImage } from '../image/index.ts'

/** What a client may be told apart by; null: it is not known. */
export interface ClientIdentity {
  readonly clientId: string | null
  readonly softwareName: string
  readonly softwareVersion: string
  readonly address: string
  readonly port: number
}

interface Subscription {
  readonly name: string
  readonly metrics: readonly string[]
  readonly intervalMs: number
  /** All have to match; none: every client is meant. */
  readonly match: ReadonlyMap<string, RegExp>
}

/** What one client is asked for. */
export interface Demand {
  /** Prefixes of names; `*` alone is all, none is nothing. */
  readonly metrics: readonly string[]
  readonly intervalMs: number
}

export interface RefusedSubscription {
  readonly name: string
  readonly error: ApiError
}

const DEFAULT_INTERVAL_MS = 300_000
const ALL = '*'
/** Of what clients say an expression sees no more: nobody shall keep it busy. */
const MAX_MATCHED_LENGTH = 256

export class Subscriptions {
  #subscriptions: readonly Subscription[] = []
  #version = 0

  /** Grows with each change: what a client was told before may be outdated. */
  get version(): number {
    return this.#version
  }

  /** Returns those that are left out: a controller in Java takes expressions that JavaScript does not. */
  reload(image: MetadataImage): RefusedSubscription[] {
    const refused: RefusedSubscription[] = []
    const subscriptions: Subscription[] = []
    for (const config of image.configs.values()) {
      if (config.type !== ConfigResourceType.CLIENT_METRICS || config.values.size === 0) continue
      try {
        subscriptions.push(subscription(config))
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        refused.push({ name: config.name, error })
      }
    }
    this.#version++
    this.#subscriptions = subscriptions
    return refused
  }

  demandOf(clientInstanceId: string, client: ClientIdentity): Demand {
    const metrics = new Set<string>()
    let intervalMs = DEFAULT_INTERVAL_MS
    for (const wanted of this.#subscriptions) {
      if (!matches(wanted.match, clientInstanceId, client)) continue
      for (const prefix of wanted.metrics) metrics.add(prefix)
      intervalMs = Math.min(intervalMs, wanted.intervalMs)
    }
    return { metrics: metrics.has(ALL) ? [ALL] : [...metrics].sort(), intervalMs }
  }
}

function subscription({ name, values }: ConfigImage): Subscription {
  const { metrics, intervalMs, match } = CLIENT_METRICS_CONFIGS.parse(values).values
  return { name, metrics, intervalMs, match: parseClientMatch(match) }
}

function matches(match: ReadonlyMap<string, RegExp>, clientInstanceId: string, client: ClientIdentity): boolean {
  const attributes: Readonly<Record<string, string>> = {
    client_instance_id: clientInstanceId,
    client_id: client.clientId ?? '',
    client_software_name: client.softwareName,
    client_software_version: client.softwareVersion,
    client_source_address: client.address,
    client_source_port: String(client.port),
  }
  for (const [selector, expression] of match) {
    const value = attributes[selector] ?? ''
    // What is not known matches nothing, not even an expression that takes anything.
    if (value === '' || !expression.test(value.slice(0, MAX_MATCHED_LENGTH))) return false
  }
  return true
}
