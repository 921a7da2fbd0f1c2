/** `ottla start`: one node in the foreground. */
import { resolve } from 'node:path'
import { Broker } from '@ottla/broker'
import { memoryWorld, nodeWorld, type World } from '@ottla/io'
import { CommandError } from '../cli/output.ts'
import { version } from '../cli/version.ts'
import { loadNodeConfig, type NodeConfigOptions } from './node-config.ts'

interface Options extends NodeConfigOptions {
  readonly memory?: boolean
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'text' | 'json'
}

export async function start(options: Options): Promise<void> {
  const world = makeWorld(options)
  const { config, clusterId } = loadNodeConfig(options, world.logger)
  const broker = await Broker.start({ world, config, clusterId })
  // Since the process began, loading included.
  const readyMs = Math.round(performance.now())
  banner(broker, options, config.logDirs, readyMs)
  await stopOnSignal(broker, world)
}

function makeWorld({ memory, logLevel, logFormat }: Options): World {
  const node = nodeWorld({ logger: { level: logLevel, format: logFormat } })
  return memory ? { ...node, disk: memoryWorld({ clock: 'real' }).disk } : node
}

/** The bootstrap address is a line of its own on stdout, for scripts that wait for it; the rest is for people. */
function banner(broker: Broker, { memory }: Options, logDirs: readonly string[], readyMs: number): void {
  const where = memory ? 'in memory: gone when it stops' : logDirs.map(dir => resolve(dir)).join(', ')
  console.error(`
  ottla ${version()}  node ${broker.nodeId}, cluster ${broker.clusterId}, ready in ${readyMs} ms

    clients   ${broker.bootstrapServers}
    data      ${where}
    try       ottla topic create hello && echo hi | ottla produce hello && ottla consume hello --exit-at-end
    stop      Ctrl-C
`)
  console.log(broker.bootstrapServers)
}

/** Resolves when the broker has stopped in order; a second signal ends the process at once. */
function stopOnSignal(broker: Broker, world: World): Promise<void> {
  return new Promise((done, fail) => {
    let stopping = false
    const stop = (signal: NodeJS.Signals) => {
      if (stopping) process.exit(130)
      stopping = true
      world.logger.info('stopping', { signal })
      broker.close().then(done, fail)
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    broker.failed.then(error => {
      if (!stopping) fail(new CommandError(`the broker has stopped: ${error.message}`))
    })
  })
}
