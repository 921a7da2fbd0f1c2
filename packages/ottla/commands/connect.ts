/** From the options of a command to a client, which is closed when the command is done. */
import { Cluster } from '@ottla/client'
import { nodeWorld } from '@ottla/io'
import { CommandError, ExitCode } from '../cli/output.ts'

export interface ConnectOptions {
  readonly bootstrapServer: string
  readonly timeout: number
}

const DEFAULT_PORT = 9092

export function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text.trim())
  const port = Number(match?.[3] ?? DEFAULT_PORT)
  if (!match || port < 1 || port > 65_535) {
    throw new CommandError(`'${text}' is no address: it has to be host:port`, ExitCode.usage)
  }
  return { host: (match[1] ?? match[2])!, port }
}

export async function withCluster<T>(options: ConnectOptions, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const world = nodeWorld({ logger: { level: 'error' } })
  await using cluster = new Cluster({
    world,
    bootstrapServers: options.bootstrapServer.split(',').map(parseAddress),
    clientId: 'ottla-cli',
    requestTimeoutMs: options.timeout,
  })
  return await use(cluster)
}

/** Aborted by the first SIGINT or SIGTERM; a second one ends the process as it always does. */
export function untilInterrupted(): AbortSignal {
  const abort = new AbortController()
  const stop = () => abort.abort()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  return abort.signal
}
