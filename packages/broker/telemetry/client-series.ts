/**
 * The last values of what clients have pushed, to be exported beside the broker's own metrics. Names, labels and values come
 * from clients, so that all of them are bounded, and no name can pass for one of the broker's.
 *
 *     org.apache.kafka.producer.record.send.total  →  org_apache_kafka_producer_record_send_total{client_id="…", …}
 */
import { type CollectedFamily, type Labels, type Sample, sample } from '../metrics/index.ts'
import type { ClientInstance } from './client-instances.ts'
import { keepMs } from './client-instances.ts'
import type { Distribution } from './distributions.ts'
import type { DataPoint } from './otlp.ts'

/** A Java client has some two hundred metrics, and more with many topics and brokers. */
const MAX_SERIES_PER_CLIENT = 1000
/** Some twenty megabytes. */
const MAX_SERIES = 50_000
const MAX_NAMES = 2000
const MAX_NAME_LENGTH = 200
const MAX_LABELS = 16
const MAX_LABEL_LENGTH = 256
const STANDARD = 'org_apache_kafka_'
/** Before names that are not of KIP-714. */
const PREFIX = 'client_'

/** Series that one distribution is made of, each under a name of its own. */
const SUFFIXES = ['_bucket', '_sum', '_count']

interface Series {
  readonly labels: Labels
  value: number | Distribution
}

interface Name {
  readonly type: DataPoint['kind']
  /** By client instance id, then by labels. */
  readonly clients: Map<string, Map<string, Series>>
}

interface Client {
  seriesCount: number
  expiresMs: number
}

export class ClientSeries {
  readonly #names = new Map<string, Name>()
  readonly #clients = new Map<string, Client>()
  #size = 0
  #dropped = 0

  get size(): number {
    return this.#size
  }

  /** Points that were left out. */
  get dropped(): number {
    return this.#dropped
  }

  /** A push begins. */
  touch(instance: ClientInstance, nowMs: number): void {
    const expiresMs = nowMs + keepMs(instance)
    const known = this.#clients.get(instance.id)
    if (known) known.expiresMs = expiresMs
    else this.#clients.set(instance.id, { seriesCount: 0, expiresMs })
  }

  /** null: one that was left out before. */
  add({ id, client }: ClientInstance, point: DataPoint | null): void {
    const known = this.#clients.get(id)
    const name = point && metricName(point.name)
    if (!known || !point || !name || !this.#set(id, known, name, point, labelsOf(id, client, point))) this.#dropped++
  }

  #set(id: string, client: Client, name: string, point: DataPoint, labels: Labels): boolean {
    const metric = this.#names.get(name)
    if (metric && metric.type !== point.kind) return false
    const key = JSON.stringify(labels)
    const known = metric?.clients.get(id)?.get(key)
    const room = Math.min(MAX_SERIES_PER_CLIENT - client.seriesCount, MAX_SERIES - this.#size)
    const before = known ? linesOf(known.value) : 0
    const value = known && point.isDelta ? sum(known.value, point.value, before + room) : point.value
    const change = linesOf(value) - before
    if (change > room || (!metric && !this.#mayAdd(name, point.kind))) return false
    if (known) known.value = value
    else this.#seriesOf(id, metric ?? this.#addName(name, point.kind)).set(key, { labels, value })
    client.seriesCount += change
    this.#size += change
    return true
  }

  /** No name is one of the names that another one's series have. */
  #mayAdd(name: string, type: DataPoint['kind']): boolean {
    if (this.#names.size >= MAX_NAMES) return false
    if (isDistributed(type) && SUFFIXES.some(suffix => this.#names.has(`${name}${suffix}`))) return false
    const suffix = SUFFIXES.find(end => name.endsWith(end))
    const whole = suffix && this.#names.get(name.slice(0, -suffix.length))
    return !whole || !isDistributed(whole.type)
  }

  #addName(name: string, type: DataPoint['kind']): Name {
    const metric: Name = { type, clients: new Map() }
    this.#names.set(name, metric)
    return metric
  }

  #seriesOf(id: string, { clients }: Name): Map<string, Series> {
    let series = clients.get(id)
    if (!series) {
      series = new Map()
      clients.set(id, series)
    }
    return series
  }

  /** Clients that have not pushed for three of their intervals, and a minute at least, are forgotten. */
  expire(nowMs: number): void {
    for (const [id, { expiresMs, seriesCount }] of [...this.#clients]) {
      if (nowMs < expiresMs) continue
      this.#clients.delete(id)
      this.#size -= seriesCount
      for (const [name, { clients }] of [...this.#names]) {
        if (clients.delete(id) && clients.size === 0) this.#names.delete(name)
      }
    }
  }

  *families(): Iterable<CollectedFamily> {
    for (const [name, { type, clients }] of this.#names) {
      const help = 'Pushed by clients (KIP-714).'
      yield { name, type, help, mbean: null, labels: [], samples: samplesOf(clients) }
    }
  }
}

function* samplesOf(clients: Name['clients']): Iterable<Sample> {
  for (const series of clients.values()) {
    for (const { value, labels } of series.values()) {
      if (typeof value === 'number') yield sample(value, labels)
      else yield* value.samples(labels)
    }
  }
}

function isDistributed(type: DataPoint['kind']): boolean {
  return type === 'histogram' || type === 'summary'
}

/** In a scrape. */
function linesOf(value: Series['value']): number {
  return typeof value === 'number' ? 1 : value.lines
}

function sum(known: Series['value'], since: Series['value'], maxLines: number): Series['value'] {
  if (typeof known === 'number' && typeof since === 'number') return known + since
  if (typeof known !== 'number' && typeof since !== 'number') return known.plus(since, maxLines)
  return since
}

/** null: there is nothing left of it that Prometheus takes. */
function metricName(name: string): string | null {
  const words = name.replace(/[^a-zA-Z0-9_]+/g, '_')
  if (words === '' || words.length > MAX_NAME_LENGTH) return null
  return words.startsWith(STANDARD) ? words : `${PREFIX}${words}`
}

/** Who it is can't be overwritten by what it says of itself. */
function labelsOf(id: string, { clientId, softwareName }: ClientInstance['client'], point: DataPoint): Labels {
  const labels: Record<string, string> = {
    client_id: cut(clientId ?? ''),
    client_instance_id: id,
    client_software_name: cut(softwareName),
  }
  let count = Object.keys(labels).length
  for (const attributes of [point.attributes, point.resource]) {
    for (const [key, value] of attributes) {
      const label = labelName(key)
      if (label === null || label in labels || count >= MAX_LABELS) continue
      labels[label] = cut(value)
      count++
    }
  }
  return labels
}

/** Prometheus keeps those with two underscores for itself; `quantile` and `le` mean something to it. */
function labelName(key: string): string | null {
  const words = key.replace(/[^a-zA-Z0-9_]+/g, '_').slice(0, MAX_LABEL_LENGTH)
  if (words === '' || words.startsWith('__')) return null
  return /^\d/.test(words) || words === 'le' || words === 'quantile' ? `_${words}` : words
}

function cut(value: string): string {
  return value.slice(0, MAX_LABEL_LENGTH)
}
