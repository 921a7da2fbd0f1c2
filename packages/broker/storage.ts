/** What `ottla storage` does: gives the log dirs of a node that does not run to a cluster, and says to whom they belong. */
import type { World } from '@ottla/io'
import { LogDirError, LogManager } from '@ottla/log'
import type { BrokerConfig } from './config/index.ts'
import { formatIfNeeded } from './quorum/format.ts'
import { allLogDirs } from './quorum/storage-facts.ts'

export interface StorageOptions {
  readonly world: World
  readonly config: BrokerConfig
}

export interface StorageInfo {
  readonly clusterId: string
  readonly nodeId: number
  readonly logDirs: readonly { readonly path: string; readonly directoryId: string }[]
}

export interface FormattedStorage extends StorageInfo {
  /** False: it was formatted before, and nothing was changed. */
  readonly changed: boolean
}

/** null: the log dirs are not formatted. Throws a LogDirError if they are in use or damaged. */
export async function storageInfo(options: StorageOptions): Promise<StorageInfo | null> {
  try {
    return await withLogs(options, null, async logs => infoOf(options, logs))
  } catch (error) {
    if (error instanceof LogDirError && error.code === 'ERR_NOT_FORMATTED') return null
    throw error
  }
}

/** Throws a LogDirError if the log dirs belong to another cluster or node. */
export async function formatStorage(options: StorageOptions, clusterId: string | null): Promise<FormattedStorage> {
  const before = await storageInfo(options)
  const wanted = clusterId ?? before?.clusterId ?? options.world.random.uuid()
  return withLogs(options, wanted, async logs => {
    const { world, config } = options
    const endpoints = config.listeners.advertisedController.map(({ name, host, port }) => ({
      name,
      host: host ?? 'localhost',
      port,
    }))
    const isNew = await formatIfNeeded({
      world,
      logs,
      logDir: config.metadataLogDir,
      nodeId: config.nodeId,
      endpoints,
      hasStaticVoters: config.controllerQuorumVoters.length > 0,
    })
    return { ...infoOf(options, logs), changed: isNew || before === null }
  })
}

async function withLogs<T>(
  { world, config }: StorageOptions,
  clusterId: string | null,
  use: (logs: LogManager) => Promise<T>,
): Promise<T> {
  const { logDirs, metadataLogDir, nodeId } = config
  const logs = await LogManager.open({ world, logDirs, metadataLogDir, nodeId, clusterId })
  try {
    return await use(logs)
  } finally {
    await logs.close()
  }
}

function infoOf({ config }: StorageOptions, logs: LogManager): StorageInfo {
  const logDirs = allLogDirs(config).flatMap(path => {
    const directoryId = logs.directoryIdOf(path)
    return directoryId === null || logs.offlineLogDirs.has(path) ? [] : { path, directoryId }
  })
  return { clusterId: logs.clusterId, nodeId: config.nodeId, logDirs }
}
