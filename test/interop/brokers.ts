/**
 * Starts the broker under test: `ottla`, our own command, or `kafka`, Apache Kafka's broker and controller in one process,
 * under which the suite itself is proved right. Both serve one node on a data folder and take the same settings.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Java } from './java.ts'
import { Child, must, poll } from './process.ts'
import { apiVersions, Wire } from './wire.ts'

const ROOT = join(import.meta.dirname, '../..')
export const OTTLA = join(ROOT, 'packages/ottla/bin/ottla.js')
export const NODE_ID = 1
const CLUSTER_ID = 'b3R0bGEtaW50ZXJvcC0wMQ'

export type BrokerKind = 'ottla' | 'kafka'
export type Settings = Readonly<Record<string, string | number>>

/** For one node, and for groups that notice a dead member quickly. */
const COMMON: Settings = {
  'node.id': NODE_ID,
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1000,
}

export interface RunningBroker {
  readonly kind: BrokerKind
  /** `127.0.0.1:PORT` */
  readonly bootstrap: string
  /** The log dir: `meta.properties` and one folder a partition. */
  readonly folder: string
  readonly pid: number
  readonly settings: Settings
  /** Memory that is resident now. */
  rssBytes(): number
  openFiles(): number
  logTail(): string
  logLines(): readonly string[]
  isAlive(): boolean
  /** Resolves when the process has ended, by itself or not: `code 1`, or the name of a signal. */
  ended(): Promise<string>
  /** SIGTERM, and waits. */
  stop(): Promise<void>
  /** SIGKILL, and waits. */
  kill(): Promise<void>
}

export interface BrokerOptions {
  readonly folder: string
  /** A free one if left out. */
  readonly port?: number
  readonly settings?: Settings
  /** Where its metrics are to be had: by HTTP, or from Apache Kafka by JMX. */
  readonly watchPort?: number
  /** Before the command: what makes the process see another file system. */
  readonly within?: readonly string[]
}

/** Starts brokers and stops all that still run at the end. */
export class Brokers {
  readonly #java: Java | null
  readonly #started: RunningBroker[] = []
  readonly #raiseFiles: string[]

  constructor(java: Java | null) {
    this.#java = java
    // As many open files as the machine lets us have: a broker is expected to hold 10,000 connections.
    this.#raiseFiles = ['sh', '-c', 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"', 'sh']
  }

  /** Why this kind can't be started here; undefined if it can. */
  missing(kind: BrokerKind): string | undefined {
    if (kind === 'kafka') return this.#java ? undefined : 'Java or Apache Kafka is missing'
    return existsSync(OTTLA) ? undefined : `${OTTLA} is missing`
  }

  async start(kind: BrokerKind, options: BrokerOptions): Promise<RunningBroker> {
    mkdirSync(options.folder, { recursive: true })
    const settings = { ...COMMON, ...options.settings }
    const started = kind === 'kafka' ? await this.#kafka(options, settings) : await this.#ottla(options, settings)
    const { child, bootstrap } = started
    const proc = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, 'utf8')
    const broker: RunningBroker = {
      kind,
      bootstrap,
      folder: options.folder,
      pid: child.pid,
      settings,
      rssBytes: () => Number(/^VmRSS:\s+(\d+) kB/m.exec(proc('status'))![1]) * 1024,
      openFiles: () => Number(/^Max open files\s+(\d+)/m.exec(proc('limits'))![1]),
      logTail: () => child.stderrTail,
      logLines: () => child.stderrLines,
      isAlive: () => !child.hasEnded,
      ended: async () => {
        await child.ended()
        return child.exit
      },
      stop: () => child.stop('SIGTERM', 30_000),
      kill: () => child.stop('SIGKILL'),
    }
    this.#started.push(broker)
    return broker
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#started.map(broker => broker.stop()))
  }

  async #ottla(options: BrokerOptions, settings: Settings): Promise<Started> {
    const sets = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
    const args = ['start', '--data', options.folder, '--port', String(options.port ?? 0), ...sets]
    if (options.watchPort !== undefined) args.push('--metrics-listener', String(options.watchPort))
    const child = new Child([...this.#raiseFiles, ...(options.within ?? []), process.execPath, OTTLA, ...args])
    const address = /^(127\.0\.0\.1|localhost):\d+$/
    const bootstrap = await child.until('ottla start', () => child.lines.find(line => address.test(line)), 20_000)
    return { child, bootstrap }
  }

  async #kafka(options: BrokerOptions, settings: Settings): Promise<Started> {
    const java = this.#java!
    const port = options.port ?? (await freePort())
    const properties = writeProperties(options.folder, port, await freePort(), settings)
    const within = options.within ?? []
    if (!existsSync(join(options.folder, 'meta.properties'))) {
      // Whoever sees more than we do may have formatted it before.
      const args = ['format', '--standalone', '--ignore-formatted', '--cluster-id', CLUSTER_ID, '--config', properties]
      await must([...within, ...java.toolCommand('storage'), ...args], { timeoutMs: 30_000 })
    }
    const child = new Child([...this.#raiseFiles, ...within, ...java.broker(properties, options.watchPort)])
    const bootstrap = `127.0.0.1:${port}`
    await poll(
      'Apache Kafka start',
      async () => {
        if (child.hasEnded) throw new Error(`Apache Kafka ended while starting\n${child.stderrTail}`)
        return (await answers(bootstrap)) || undefined
      },
      60_000,
      100,
    )
    return { child, bootstrap }
  }
}

interface Started {
  readonly child: Child
  readonly bootstrap: string
}

/** Apache Kafka's configuration file for the folder, beside it. */
function writeProperties(folder: string, port: number, controllerPort: number, settings: Settings): string {
  const all: Settings = {
    'process.roles': 'broker,controller',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
    'log.dirs': folder,
    ...settings,
  }
  const path = `${folder}.properties`
  const lines = Object.entries(all).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(path, lines.join(''))
  return path
}

/** Whether a broker answers ApiVersions. */
export async function answers(bootstrap: string): Promise<boolean> {
  try {
    const wire = await Wire.open(bootstrap)
    wire.send(apiVersions(1))
    const response = await wire.response(2000)
    wire.end()
    return response?.correlationId === 1
  } catch {
    return false
  }
}

/**
 * A port that nobody listens on, below those that the system gives to outgoing connections: a broker that is restarted
 * finds it free again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer()
    const isFree = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    await new Promise(resolve => server.close(resolve))
    return port
  }
}
