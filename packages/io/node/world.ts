/** The real world: this machine's clocks, disks, network and cores. */
import type { World } from '../io.ts'
import { NodeClock } from './clock.ts'
import { NodeDisk, type NodeDiskOptions } from './disk.ts'
import { type NodeLoggerOptions, nodeLogger } from './logger.ts'
import { NodeNetwork, type NodeNetworkOptions } from './network.ts'
import { NodeRandom } from './random.ts'
import { NodeWorkers, type NodeWorkersOptions } from './workers.ts'

export interface NodeWorldOptions {
  readonly disk?: NodeDiskOptions
  readonly network?: NodeNetworkOptions
  readonly workers?: NodeWorkersOptions
  readonly logger?: NodeLoggerOptions
}

/** Starts nothing and opens nothing until it is used; `workers.close()` is all there is to stop. */
export function nodeWorld(options: NodeWorldOptions = {}): World {
  const clock = new NodeClock()
  return {
    clock,
    disk: new NodeDisk(options.disk),
    network: new NodeNetwork(options.network),
    random: new NodeRandom(),
    workers: new NodeWorkers(options.workers),
    logger: nodeLogger(clock, options.logger),
  }
}
