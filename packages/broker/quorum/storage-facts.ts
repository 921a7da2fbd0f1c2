/** Whose the log dirs of a node are, as their meta.properties say: what `kafka-storage info` tells. */
import { DiskError, type World } from '@ottla/io'
import { decodeMetaProperties, META_PROPERTIES_FILE, type MetaProperties } from '@ottla/log'
import type { BrokerConfig } from '../config/index.ts'

export function allLogDirs({ logDirs, metadataLogDir }: BrokerConfig): string[] {
  return [...new Set([...logDirs, metadataLogDir])].sort()
}

export interface FoundDirectory {
  readonly path: string
  readonly exists: boolean
  /** null: it is not formatted, or cannot be read. */
  readonly properties: MetaProperties | null
  /** Why it can't be used; null if it can, if only after it is formatted. */
  readonly problem: string | null
}

export interface StorageFacts {
  readonly directories: readonly FoundDirectory[]
  /** All that keeps the node from starting, as `storage info` tells it; none: it is formatted, and consistent. */
  readonly problems: readonly string[]
}

/** Whose the log dirs of a node are. Nothing is changed, or locked. */
export async function storageFacts(world: World, config: BrokerConfig): Promise<StorageFacts> {
  const directories = await Promise.all(allLogDirs(config).map(path => readDirectory(world, path)))
  const problems = directories.flatMap(({ path, exists, properties, problem }) => {
    if (problem !== null) return problem
    if (!exists) return `${path} does not exist`
    if (!properties) return `${path} is not formatted`
    return properties.version === 0 ? `${path} is formatted for a cluster that used ZooKeeper` : []
  })
  const clash = identityProblem(directories, null, config.nodeId)
  return { directories, problems: clash === null ? problems : [...problems, clash] }
}

export async function readDirectory({ disk }: World, path: string): Promise<FoundDirectory> {
  const found = { path, exists: true, properties: null, problem: null }
  try {
    const stat = await disk.stat(path)
    if (!stat) return { ...found, exists: false }
    if (!stat.isDirectory) return { ...found, problem: `${path} is not a directory` }
    return { ...found, properties: decodeMetaProperties(await disk.readFile(`${path}/${META_PROPERTIES_FILE}`)) }
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOENT') return found
    return { ...found, problem: `${path}/${META_PROPERTIES_FILE}: ${(error as Error).message}` }
  }
}

/** null: all that are formatted belong to the same node of the same cluster. */
export function identityProblem(
  found: readonly FoundDirectory[],
  clusterId: string | null,
  nodeId: number,
): string | null {
  let expected = clusterId
  const directoryIds = new Map<string, string>()
  for (const { path, properties } of found) {
    if (!properties) continue
    if (properties.nodeId !== null && properties.nodeId !== nodeId) {
      return `${path} is of node ${properties.nodeId}, not ${nodeId}`
    }
    expected ??= properties.clusterId
    if (properties.clusterId !== null && properties.clusterId !== expected) {
      return `${path} is of cluster ${properties.clusterId}, not ${expected}`
    }
    const { directoryId } = properties
    if (directoryId === null) continue
    const other = directoryIds.get(directoryId)
    if (other !== undefined) return `${other} and ${path} have the same directory id ${directoryId}`
    directoryIds.set(directoryId, path)
  }
  return null
}
