/**
 * What Node says of its own process: CPU, memory, file descriptors, the delay of the event loop, garbage collections. Names and
 * numbers are those of prom-client, for which there are dashboards. It is loaded only where metrics are asked for over HTTP.
 *
 * Some gauges bear names of Kafka's: how idle its threads are is what alarms go by, and here it is how idle the one event
 * loop is; and what the process has read from disks and written to them, where the system tells.
 */
import { createRequire } from 'node:module'

const IDLE: readonly (readonly [name: string, help: string])[] = [
  [
    'kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent',
    'Share of the time in which the event loop had nothing to do, since the last scrape.',
  ],
  ['kafka_network_socketserver_networkprocessoravgidle_percent', 'The same: one event loop does both.'],
  ['kafka_network_socketserver_networkprocessoravgidlepercent', 'The same: one event loop does both.'],
]

const DISK = [
  ['kafka_server_kafkaserver_linux_disk_read_bytes', 'Bytes that this process has read from disks.', 'fsRead'],
  ['kafka_server_kafkaserver_linux_disk_write_bytes', 'Bytes that it has written to them.', 'fsWrite'],
] as const
/** In which Linux counts them. */
const BLOCK_BYTES = 512

/** Returns the text of all of them, as Prometheus scrapes it. */
export function processMetrics(version: string): () => Promise<string> {
  // Not at the top: the published command is one script, which would load it at each start.
  const load = createRequire(import.meta.url)
  const { collectDefaultMetrics, Gauge, Registry } = load('prom-client') as typeof import('prom-client')
  const register = new Registry()
  collectDefaultMetrics({ register })
  new Gauge({
    name: 'ottla_build_info',
    help: '1, with the version as a label.',
    labelNames: ['version'],
    registers: [register],
  }).set({ version }, 1)
  let before = performance.eventLoopUtilization()
  let idle = 1
  const gauges = IDLE.map(([name, help]) => new Gauge({ name, help, registers: [register] }))
  const disk = process.platform === 'linux' ? DISK : []
  const disks = disk.map(([name, help, key]) => ({ key, gauge: new Gauge({ name, help, registers: [register] }) }))
  return () => {
    const usage = process.resourceUsage()
    for (const { gauge, key } of disks) gauge.set(usage[key] * BLOCK_BYTES)
    const now = performance.eventLoopUtilization()
    const since = performance.eventLoopUtilization(now, before)
    // Two scrapes in one turn: nothing has been measured in between.
    if (since.active + since.idle > 0) idle = 1 - since.utilization
    before = now
    for (const gauge of gauges) gauge.set(idle)
    return register.metrics()
  }
}
