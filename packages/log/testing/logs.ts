/** A log manager over a disk in memory, for tests. */
import { type MemoryWorld, memoryWorld } from '@ottla/io/memory'
import { DEFAULT_LOG_CONFIG, type LogConfig } from '../log-config.ts'
import { LogManager } from '../log-manager.ts'
import type { LogManagerOptions } from '../log-manager-options.ts'
import type { PartitionLog } from '../partition-log.ts'
import type { AppendOptions, AppendResult, ReadResult } from '../types.ts'

export const TOPIC_ID = 'b3R0bGEtdGVzdC10b3BpYw'
export const CLUSTER_ID = 'b3R0bGEtdGVzdC1jbHVzdA'

export interface LogsOptions extends Partial<Omit<LogManagerOptions, 'world'>> {
  readonly world?: MemoryWorld
  readonly config?: Partial<LogConfig>
  readonly configOf?: (topic: string) => LogConfig
  readonly isAssignedTo?: (log: PartitionLog, directoryId: string) => boolean
}

export interface Logs {
  readonly world: MemoryWorld
  readonly manager: LogManager
  /** Waits for `promise`, letting virtual time pass as far as it needs. */
  run<T>(promise: Promise<T>): Promise<T>
  log(partition?: number): Promise<PartitionLog>
}

/** Opens and loads; a crash of `world` and `openLogs({ world: world.restart() })` is a restart. */
export async function openLogs(options: LogsOptions = {}): Promise<Logs> {
  const { world = memoryWorld(), config, configOf, isAssignedTo, ...managerOptions } = options
  const run = <T>(promise: Promise<T>): Promise<T> => (world.time ? world.runUntil(promise) : promise)
  const manager = await run(
    LogManager.open({ logDirs: ['/data'], nodeId: 1, clusterId: CLUSTER_ID, ...managerOptions, world }),
  )
  const defaults = { ...DEFAULT_LOG_CONFIG, ...config }
  await run(manager.load({ defaults, ...(configOf && { configOf }), ...(isAssignedTo && { isAssignedTo }) }))
  return {
    world,
    manager,
    run,
    log: (partition = 0) => run(manager.getOrCreate({ topic: 't', partition }, TOPIC_ID)),
  }
}

export const AS_CLIENT: AppendOptions = { origin: 'client', leaderEpoch: 0, nowMs: 0 }
export const AS_COORDINATOR: AppendOptions = { origin: 'coordinator', leaderEpoch: 0, nowMs: 0 }
export const AS_REPLICA: AppendOptions = { origin: 'replication', leaderEpoch: 0, nowMs: 0 }

/** Appends and waits until it is written. */
export async function append(
  { run }: Logs,
  log: PartitionLog,
  bytes: Uint8Array,
  options: AppendOptions = AS_CLIENT,
): Promise<AppendResult> {
  const result = log.append(bytes, options)
  await run(result.written)
  return result
}

export function read({ run }: Logs, log: PartitionLog, offset: number, maxBytes = 1 << 20): Promise<ReadResult> {
  return run(Promise.resolve(log.read(offset, { maxBytes, minOneBatch: true })))
}
