/**
 * Log directory ids (KIP-858), as partitions and broker registrations hold them: a random UUID of a log dir, or one of
 * a few that are reserved.
 */

export const DirectoryId = {
  /** Not known: the partition was placed before metadata.version 3.7-IV2. */
  MIGRATING: 'AAAAAAAAAAAAAAAAAAAAAA',
  /** The broker has yet to choose a dir. */
  UNASSIGNED: 'AAAAAAAAAAAAAAAAAAAAAQ',
  /** In a dir that failed, whichever it was. */
  LOST: 'AAAAAAAAAAAAAAAAAAAAAg',
} as const

/** The first hundred UUIDs (all zero but the last byte) are not for real dirs. */
export function isReservedDirectoryId(id: string): boolean {
  if (!id.startsWith('AAAAAAAAAAAAAAAAAAAA')) return false
  const lastBytes = Buffer.from(id, 'base64url')
  return lastBytes.length === 16 && lastBytes[15]! < 100
}

/** `logDirs` are the registered dirs that are online; none at all means that the broker has not said. */
export function isOnlineDirectory(id: string, logDirs: readonly string[]): boolean {
  if (id === DirectoryId.UNASSIGNED || id === DirectoryId.MIGRATING) return true
  if (id === DirectoryId.LOST) return false
  return logDirs.length === 0 || logDirs.includes(id)
}
