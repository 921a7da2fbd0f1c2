/**
 * What a metric is: a family of series with one name, one type and one set of labels, as Prometheus has it. Numbers are kept
 * where they arise, as plain fields; a family's samples are read from there when somebody asks.
 *
 * Names are those that the Prometheus JMX exporter makes of Apache Kafka's MBeans by the configuration it comes with,
 * because that is what dashboards and alerts are written for: `kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec` is
 * `kafka_server_brokertopicmetrics_bytesin_total`. What Kafka has no name for begins with `ottla_`.
 */

export type FamilyType = 'counter' | 'gauge' | 'histogram' | 'summary'

export interface Family {
  readonly name: string
  readonly type: FamilyType
  readonly labels: readonly string[]
  /** Of the MBean in Kafka; null: there is none. */
  readonly mbean: string | null
  /** A sentence without line breaks. */
  readonly help: string
}

export interface Sample {
  readonly value: number
  readonly labels: Labels
  /** Of a summary or a histogram: which of its series. */
  readonly suffix: '' | '_bucket' | '_sum' | '_count'
}

export type Labels = Readonly<Record<string, string | number>>

export interface CollectedFamily extends Family {
  readonly samples: Iterable<Sample>
}

export const NO_LABELS: Labels = {}

export function sample(value: number, labels: Labels = NO_LABELS, suffix: Sample['suffix'] = ''): Sample {
  return { value, labels, suffix }
}

// --------------------------------------------------------------------------------------- the words of the catalog

function family(type: FamilyType) {
  return (mbean: string, labels: readonly string[], help: string): Family => ({
    name: mbean.startsWith('ottla_') ? mbean : nameOf(mbean, type),
    type,
    labels,
    mbean: mbean.startsWith('ottla_') ? null : mbean,
    help,
  })
}

/** The first argument is the MBean without its varying keys and, after `><`, the attribute; or a name of our own. */
export const counter = family('counter')
export const gauge = family('gauge')
export const summary = family('summary')

/**
 * Of quotas there is an MBean for each user, client id or both, and the exporter's rules make one family of all, with the
 * kind of quota as a label: `kafka.server:type=Produce,client-id=c><byte-rate` is `kafka_server_quota_byte_rate{resource="Produce",clientId="c"}`.
 */
export function quota(resources: string, attribute: string, help: string): Family {
  return {
    name: `kafka_server_quota_${attribute.replaceAll('-', '_')}`,
    type: 'gauge',
    labels: ['resource', 'user', 'clientId'],
    mbean: `kafka.server:type=${resources},user=*,client-id=*><${attribute}`,
    help,
  }
}

const MBEAN = /^kafka\.([\w.]+):type=([\w-]+)(?:,name=([\w-]+))?(?:><([\w-]+))?$/

/** As the JMX exporter's kafka-kraft-3_0_0.yml names it. */
export function nameOf(mbean: string, type: FamilyType): string {
  const [, domain, bean, name, attribute] = MBEAN.exec(mbean) ?? []
  if (domain === undefined || bean === undefined) throw new Error(`no MBean: ${mbean}`)
  // Of a meter that is not called so, the count is an attribute like any other.
  const own = [name, attribute].filter(part => part !== undefined).join('_')
  const short = type === 'counter' ? own.replace(/(PerSec|-total)$/, '_total') : own
  return ['kafka', domain, bean, short].join('_').replace(/[.-]/g, '_').toLowerCase()
}
