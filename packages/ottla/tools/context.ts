/** What a tool is given: where it prints, and a client made of its options and a properties file. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { parseProperties } from '@ottla/broker/config/properties'
import { type BrokerAddress, Cluster, ConnectionError } from '@ottla/client'
import { nodeWorld } from '@ottla/io'
import { CallTimeoutError, ClientSetupError, isExpected, messageOf, ToolError } from './java/errors.ts'

/** Of clients, as Apache Kafka's have them. */
const DEFAULT_API_TIMEOUT_MS = 60_000
const REQUEST_TIMEOUT_MS = 30_000
const PAUSE_MS = 250

const HONOURED = new Set([
  'bootstrap.servers',
  'bootstrap.controllers',
  'client.id',
  'default.api.timeout.ms',
  'request.timeout.ms',
  'security.protocol',
])

export interface Where {
  readonly bootstrap: string | null
  readonly areControllers?: boolean
  /** A properties file. */
  readonly config?: string | null
  /** How long a call may take, where the tool has an option for it. */
  readonly timeoutMs?: number | null
  /** What the tool's other options say; the file is stronger. */
  readonly properties?: ReadonlyMap<string, string>
  /** Keys of the file that the tool honours, too. */
  readonly alsoHonoured?: ReadonlySet<string>
  /** What Java would say that it could not make, if an address is none. */
  readonly client?: 'kafka producer' | 'kafka consumer' | 'Kafka share consumer'
}

/** Ends the tool: all that is to be said has been said. */
export class Ended extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`ended with ${exitCode}`)
    this.exitCode = exitCode
  }
}

export class ToolContext {
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  /** A line of stdout. */
  print(line: string): void {
    process.stdout.write(`${line}\n`)
  }

  write(text: string): void {
    process.stdout.write(text)
  }

  /** Resolves when there is room for more. */
  async writeBytes(bytes: Uint8Array): Promise<void> {
    if (!process.stdout.write(bytes)) await once(process.stdout, 'drain')
  }

  /** Options of Java's client that have nothing to change here. */
  haveNoEffect(names: readonly string[]): void {
    for (const name of names) this.complain(`${this.#name}: --${name} has no effect`)
  }

  /** A line of stderr. */
  complain(line: string): void {
    process.stderr.write(`${line}\n`)
  }

  /** What Java's tool would tell on stdout, and end with 1; an error of ours, or one before it could begin, goes on. */
  tell(prefix: string, error: unknown): never {
    if (!isExpected(error) || error instanceof ClientSetupError) throw error
    this.print(`${prefix} : ${messageOf(error)}`)
    throw new Ended(1)
  }

  /** `firstCall`: what Java's client would call first; it is in the error if nobody can be reached. */
  async withCluster<T>(where: Where, firstCall: string, use: (cluster: Cluster) => Promise<T>): Promise<T> {
    const properties = this.properties(where)
    const limitMs = where.timeoutMs ?? integerOf(properties, 'default.api.timeout.ms', DEFAULT_API_TIMEOUT_MS)
    await using cluster = this.openCluster({ ...where, config: null, properties })
    await this.reach(cluster, limitMs, firstCall)
    return await use(cluster)
  }

  /** A client that has not looked yet whether anybody is there. */
  openCluster(where: Where): Cluster {
    const properties = this.properties(where)
    const failure = where.client ? `Failed to construct ${where.client}` : 'Failed to create new KafkaAdminClient'
    return new Cluster({
      world: nodeWorld({ logger: { level: 'error' } }),
      bootstrapServers: parseServers(serversOf(where, properties), failure),
      clientId: properties.get('client.id') ?? `ottla-${this.#name}`,
      requestTimeoutMs: integerOf(properties, 'request.timeout.ms', REQUEST_TIMEOUT_MS),
      areControllers: where.areControllers ?? false,
    })
  }

  /** The options' and the file's; those of the file that have no effect are told. */
  properties({ bootstrap, areControllers, config, properties, alsoHonoured }: Where): Map<string, string> {
    const all = new Map(properties)
    const fromFile = config ? this.honour(loadProperties(config), alsoHonoured, `${config}: `) : []
    for (const [key, value] of fromFile) all.set(key, value)
    const protocol = all.get('security.protocol') ?? 'PLAINTEXT'
    if (protocol.toUpperCase() !== 'PLAINTEXT')
      throw new ClientSetupError(
        `${config}: security.protocol=${protocol} is not supported yet: it has to be PLAINTEXT`,
      )
    if (bootstrap !== null) all.set(areControllers ? 'bootstrap.controllers' : 'bootstrap.servers', bootstrap)
    return all
  }

  /** Without those that have no effect, which are told. */
  honour(
    properties: ReadonlyMap<string, string>,
    also: ReadonlySet<string> = new Set(),
    where = '',
  ): Map<string, string> {
    const honoured = [...properties].filter(([key]) => {
      const isHonoured = HONOURED.has(key) || also.has(key)
      if (!isHonoured) this.complain(`${this.#name}: ${where}'${key}' is not supported yet, and has no effect`)
      return isHonoured
    })
    return new Map(honoured)
  }

  /** Waits for a broker as long as a call may take: it may be starting. */
  async reach(cluster: Cluster, limitMs: number, firstCall: string): Promise<void> {
    const { clock } = cluster.world
    const servers = cluster.bootstrapServers.map(({ host, port }) => `${host}:${port}`).join(',')
    const deadlineMs = clock.monotonic() + limitMs
    for (let isTold = false; ; ) {
      try {
        await cluster.any()
        return
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error
        if (clock.monotonic() + PAUSE_MS > deadlineMs)
          throw new CallTimeoutError(`Timed out waiting for a node assignment. Call: ${firstCall}`)
        if (!isTold) this.complain(`${this.#name}: waiting up to ${limitMs / 1000} s for ${servers}: ${error.message}`)
        isTold = true
        await new Promise<void>(resolve => clock.setTimer(PAUSE_MS, resolve))
      }
    }
  }
}

export function loadProperties(path: string): Map<string, string> {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new ClientSetupError(isMissing ? path : (error as Error).message, 'java.nio.file.NoSuchFileException')
  }
  return new Map(parseProperties(text).map(({ key, value }) => [key, value]))
}

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new ToolError(`Unable to read file ${path}`, 'java.io.IOException')
  }
}

function integerOf(properties: ReadonlyMap<string, string>, key: string, byDefault: number): number {
  const text = properties.get(key)
  if (text === undefined) return byDefault
  const value = Number(text.trim())
  if (!/^\d+$/.test(text.trim()) || !Number.isSafeInteger(value))
    throw new ClientSetupError(`Invalid value ${text} for configuration ${key}: Not a number of type INT`)
  return value
}

function serversOf({ areControllers }: Where, properties: ReadonlyMap<string, string>): string {
  return properties.get(areControllers ? 'bootstrap.controllers' : 'bootstrap.servers') ?? ''
}

/** `failure`: Java's words for what is no address. */
function parseServers(servers: string, failure: string): BrokerAddress[] {
  const addresses = servers
    .split(',')
    .map(text => text.trim())
    .filter(text => text !== '')
    .map(text => {
      const match = /^(?:[a-zA-Z][\w+.-]*:\/\/)?(?:\[([\da-fA-F:]+)\]|([^:\s/]+)):(\d+)$/.exec(text)
      const port = Number(match?.[3])
      if (!match || port > 65_535) throw new ClientSetupError(failure)
      return { host: (match[1] ?? match[2])!, port }
    })
  if (addresses.length === 0) throw new ClientSetupError(failure)
  return addresses
}
