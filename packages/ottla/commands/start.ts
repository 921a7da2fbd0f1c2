/** `ottla start`: one node in the foreground. */
import { join, resolve } from 'node:path'
import { Broker } from '@ottla/broker'
import { memoryWorld, nodeWorld, type World } from '@ottla/io'
import { DEFAULT_SERVER } from '../cli/arguments.ts'
import { CommandError, report } from '../cli/output.ts'
import { version } from '../cli/version.ts'
import type { Endpoint } from '../monitoring/endpoint.ts'
import { loadNodeConfig, type NodeConfigOptions } from './node-config.ts'

interface Options extends NodeConfigOptions {
  readonly memory?: boolean
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'text' | 'json'
  readonly metricsListener?: { readonly host: string; readonly port: number }
  readonly clientTelemetry: boolean
}

export async function start(options: Options): Promise<void> {
  const world = makeWorld(options)
  const { config, clusterId } = loadNodeConfig(options, world.logger)
  let created: Broker | null = null
  const endpoint = await openMetrics(options, world, () => created)
  const { clientTelemetry } = options
  const onCreated = (broker: Broker) => {
    created = broker
  }
  const broker = await Broker.start({ world, config, clusterId, clientTelemetry, onCreated }).catch(async error => {
    await endpoint?.close()
    throw withHint(error, options)
  })
  // Since the process began, loading included.
  const readyMs = Math.round(performance.now())
  // Who waits for the address may stop the broker as soon as it is there.
  const stopped = stopOnSignal(broker, world)
  banner(broker, options, config.logDirs, endpoint, readyMs)
  await stopped
  await endpoint?.close()
}

/** Before the broker starts, so that one can watch it. null: nobody asked for it. */
async function openMetrics(
  { metricsListener }: Options,
  world: World,
  broker: () => Broker | null,
): Promise<Endpoint | null> {
  if (!metricsListener) return null
  const { openEndpoint } = await import('../monitoring/endpoint.ts')
  try {
    return await openEndpoint({ ...metricsListener, logger: world.logger.named('metrics'), broker })
  } catch (error) {
    throw new CommandError(`--metrics-listener: ${(error as Error).message}`)
  }
}

function makeWorld({ memory, logLevel, logFormat }: Options): World {
  const node = nodeWorld({ logger: { level: logLevel, format: logFormat } })
  return memory ? { ...node, disk: memoryWorld({ clock: 'real' }).disk } : node
}

/** What to do about what newcomers meet most. */
function withHint(error: Error & { code?: string }, { config }: Options): Error {
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE:
      config === undefined
        ? '--port N takes N for clients and the next one for the controller, --port 0 any that are free'
        : `listeners in ${config} says which ports are taken`,
    ERR_WRONG_IDENTITY:
      'CLUSTER_ID and node.id have to be those that it was made with, or --data (log.dirs) another folder',
    ERR_LOG_DIR_LOCKED: '--data gives this broker another',
  }
  const hint = hints[error.code ?? '']
  return hint === undefined ? error : new CommandError(`${error.message}; ${hint}`)
}

/** The bootstrap address is a line of its own on stdout, for scripts that wait for it; the rest is for people. */
function banner(
  broker: Broker,
  { memory }: Options,
  logDirs: readonly string[],
  endpoint: Endpoint | null,
  readyMs: number,
): void {
  const where = memory ? 'in memory: gone when it stops' : logDirs.map(dir => resolve(dir)).join(', ')
  const [first, ...rest] = tryIt(broker.bootstrapServers)
  console.error(`
  ottla ${version()}  node ${broker.nodeId}, cluster ${broker.clusterId}, ready in ${readyMs} ms

    clients   ${broker.bootstrapServers}
    data      ${where}${endpoint ? `\n    metrics   ${endpoint.url}/metrics` : ''}
    try       ${first}${rest.map(line => `\n              ${line}`).join('')}
    stop      Ctrl-C
`)
  console.log(broker.bootstrapServers)
}

/** Commands that work in another terminal: one that npm has not set up, where it did so here. */
function tryIt(bootstrapServers: string): string[] {
  const { npm_lifecycle_event: script, npm_config_local_prefix: project = process.cwd() } = process.env
  const ottla = script === 'npx' ? 'npx ottla' : 'ottla'
  const settings = [
    ...(script !== undefined && script !== 'npx' ? [`PATH=${join(project, 'node_modules/.bin')}:$PATH`] : []),
    ...(bootstrapServers === DEFAULT_SERVER ? [] : [`OTTLA_BOOTSTRAP_SERVER=${bootstrapServers}`]),
  ]
  return [
    ...(settings.length > 0 ? [`export ${settings.join(' ')}`] : []),
    `${ottla} topic create hello && echo hi | ${ottla} produce hello && ${ottla} consume hello --exit-at-end`,
  ]
}

/**
 * Resolves when the broker has stopped in order; a second signal ends the process at once. So does a broker that can't go
 * on, as Apache Kafka's does: what it would still answer could be wrong.
 */
function stopOnSignal(broker: Broker, world: World): Promise<void> {
  return new Promise((done, fail) => {
    let stopping = false
    let failure: Error | null = null
    const stop = (signal: NodeJS.Signals) => {
      if (stopping) process.exit(130)
      stopping = true
      world.logger.info('stopping', { signal })
      broker.close().then(() => {
        if (failure) fail(new CommandError(`the broker has not stopped in order: ${failure.message}`))
        else done()
      }, fail)
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    broker.failed.then(error => {
      failure = error
      if (!stopping) process.exit(report(new CommandError(`the broker has stopped: ${error.message}`)))
    })
  })
}
