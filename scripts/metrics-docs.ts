/**
 * Writes docs/metrics.md from the catalog of metrics: `node scripts/metrics-docs.ts`. A test (beside this file) fails when the
 * page is not what the catalog says.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Family } from '../packages/broker/metrics/index.ts'
import { CATALOG } from '../packages/broker/monitoring/catalog.ts'

export const PAGE = join(dirname(import.meta.dirname), 'docs/metrics.md')

const INTRODUCTION = `# Metrics

<!-- Written by scripts/metrics-docs.ts from packages/broker/monitoring/catalog.ts: change those. -->

    ottla start --metrics-listener 9404        # http://127.0.0.1:9404/metrics; 0.0.0.0:9404 for other machines
    OTTLA_METRICS_LISTENER=0.0.0.0:9404        # the same in a container

\`\`\`yaml
scrape_configs:
  - job_name: ottla
    static_configs:
      - targets: ['127.0.0.1:9404']
\`\`\`

In a test, without any port: \`cluster.metrics.value('kafka_server_brokertopicmetrics_messagesin_total', { topic: 'orders' })\`, where
\`cluster\` comes from \`createCluster()\`. How to watch a node: [operations](operations.md#watching-a-node).

**Names are Kafka's**, as the Prometheus JMX exporter makes them by its \`kafka-kraft-3_0_0.yml\`, and Strimzi by its own rules after it, so
that dashboards and alerts that were made for those work. Confluent's \`jmx-monitoring-stacks\` have other rules: there counters end with
\`persec\` instead of \`_total\`, gauges and quantiles have the names below. What begins with \`ottla_\` Kafka has no name for.

- Of topics there is one series for each, and one without a \`topic\` for all: it keeps what deleted topics have added.
- A summary has \`quantile="0.5"\`, \`0.75\`, \`0.95\`, \`0.98\`, \`0.99\`, \`0.999\` of the last minute (\`metrics.num.samples\` windows of
  \`metrics.sample.window.ms\`), within 6 %, and \`_sum\` and \`_count\` since the start; the exporter has no \`_sum\`.
- Of the times of a request, Kafka's request queue and response queue are missing: one event loop has no queues between threads. How
  late it is, \`nodejs_eventloop_lag_p99_seconds\` tells. Times are exact; Kafka's are whole milliseconds.
- Of quotas there is a series for each user, client id, or both, whichever its limit tells apart, with the labels \`resource\`, \`user\` and
  \`clientId\` that the exporter's rules for quotas give; in its file for KRaft an earlier rule hides them, and puts names of users into
  names of metrics. Who has no limit is not measured. Of each resource a thousand have series, until they were not seen for an hour.
- Share partitions have the labels \`group\`, \`topic\` and \`partition\`. The exporter's rules know two labels, and mix the first two up.

**Left out** is what would always say the same here, or what something else says:

- Rates: \`rate()\` of the counters gives them, over the time that one wants.
- Queues between threads, their times, and how idle threads are (\`RequestChannel\`, \`event-queue-*\`, \`batch-*\`, \`background-*\` and
  \`thread-idle-ratio-avg\` of the coordinators, \`EventQueueTimeMs\`): there is one event loop. What a request takes of it is in
  \`LocalTimeMs\`, and what it waits for a commit in \`RemoteTimeMs\`.
- What is between nodes (\`ReplicaFetcherManager\`, \`IsrShrinksPerSec\` and its like, \`ReassigningPartitions\`, \`LeaderReplication\`,
  \`ForwardingManager\`, \`*-channel-metrics\`), authentication, remote storage: there is none of it yet.
- Conversions of records (\`*MessageConversions*\`, \`TemporaryMemoryBytes\`): Kafka 4 has the names still and converts nothing.
- Why records were refused (\`NoKeyCompactedTopicRecordsPerSec\` and its like, but for wrong checksums): that they were is in
  \`kafka_network_requestmetrics_errors_total\`, by error.
- \`LogAppendRetryQueueSize\` and \`exempt-request-time\`: a coordinator whose log fails is loaded anew, and nobody is exempt.
`

const PROCESS = `## The process

From [prom-client](https://github.com/siimon/prom-client), over HTTP only: \`process_cpu_*\`, \`process_resident_memory_bytes\`,
\`process_open_fds\`, \`process_max_fds\`, \`nodejs_heap_*\`, \`nodejs_gc_duration_seconds\`, \`nodejs_eventloop_lag_*\` (the delay of the event
loop, with quantiles), \`nodejs_version_info\`; \`ottla_build_info\`. How idle the event loop is stands for how idle Kafka's threads are:
\`kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent\`, \`kafka_network_socketserver_networkprocessoravgidle_percent\` and
\`kafka_network_socketserver_networkprocessoravgidlepercent\`, from 0 to 1, since the last scrape. Where the system tells,
\`kafka_server_kafkaserver_linux_disk_read_bytes\` and \`kafka_server_kafkaserver_linux_disk_write_bytes\`.

## What clients push

Clients that know KIP-714 (Java since 3.7, librdkafka since 2.5) push metrics of theirs when there is a subscription:

    kafka-client-metrics.sh --bootstrap-server localhost:9092 --alter --name all --interval 10000 --metrics '*'
    kafka-client-metrics.sh --bootstrap-server localhost:9092 --alter --name billing --metrics org.apache.kafka.consumer. --match client_id=billing.*

The last values are exported here: \`org.apache.kafka.producer.record.send.total\` is \`org_apache_kafka_producer_record_send_total\`, with the
labels \`client_id\`, \`client_instance_id\`, \`client_software_name\` and those of the client. Names that do not begin with
\`org.apache.kafka.\` get \`client_\` in front. A client is forgotten that has not pushed for three of its intervals, a minute at least. There are
at most 1,000 series of a client, 50,000 in all, and 2,000 names; what is over is counted. Histograms and summaries
are exported as such, a series for each of their lines; an exponential histogram gets bounds of powers of two and roots of two, in
eighty buckets at most. \`ottla start --no-client-telemetry\` takes the two APIs away, as they are away from an Apache Kafka without a plugin.
`

export function metricsPage(): string {
  const parts = CATALOG.map(([title, families]) => `## ${title}\n\n${table(Object.values(families))}`)
  return [INTRODUCTION, ...parts, PROCESS].join('\n')
}

function table(families: readonly Family[]): string {
  const rows = families.map(({ name, type, labels, mbean, help }) => {
    return `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} | ${mbean ? `\`${mbean.replace('><', ' ')}\`` : ''} |`
  })
  return `| Metric | Type | Labels | | Kafka's MBean |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`
}

if (import.meta.main) {
  writeFileSync(PAGE, metricsPage())
  console.log(`${PAGE}: ${readFileSync(PAGE, 'utf8').split('\n').length} lines`)
}
