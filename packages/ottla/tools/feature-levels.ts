/** What stands behind the numbers of features: metadata versions by name, and which levels came with which of them. */
import { ToolError } from './java/errors.ts'

export const METADATA_VERSION = 'metadata.version'
const FIRST_LEVEL = 7
/** From level 7 on; the last is not released yet. */
const VERSIONS = [
  ...['3.3-IV3', '3.4-IV0', '3.5-IV0', '3.5-IV1', '3.5-IV2', '3.6-IV0', '3.6-IV1', '3.6-IV2', '3.7-IV0', '3.7-IV1'],
  ...['3.7-IV2', '3.7-IV3', '3.7-IV4', '3.8-IV0', '3.9-IV0', '4.0-IV0', '4.0-IV1', '4.0-IV2', '4.0-IV3', '4.1-IV0'],
  ...['4.1-IV1', '4.2-IV0', '4.2-IV1', '4.3-IV0', '4.4-IV0'],
]
export const LATEST_VERSION = '4.3-IV0'
export const EARLIEST_VERSION = VERSIONS[0]!
/** Of the one that is not released yet. */
export const LATEST_KNOWN_LEVEL = FIRST_LEVEL + VERSIONS.length - 1

interface Feature {
  readonly name: string
  readonly maxLevel: number
  /** Its level by default, from this metadata version on; 0 before. */
  readonly defaultLevel: number
  readonly since: number
  /** Of the highest level: metadata.version has to be so high. */
  readonly needs?: number
}

export const FEATURES: readonly Feature[] = [
  { name: 'kraft.version', maxLevel: 1, defaultLevel: 1, since: 21 },
  { name: 'transaction.version', maxLevel: 2, defaultLevel: 2, since: 24 },
  { name: 'group.version', maxLevel: 1, defaultLevel: 1, since: 22 },
  { name: 'eligible.leader.replicas.version', maxLevel: 1, defaultLevel: 1, since: 26, needs: 23 },
  { name: 'share.version', maxLevel: 1, defaultLevel: 1, since: 28 },
  { name: 'streams.version', maxLevel: 1, defaultLevel: 1, since: 29 },
]

/** Of `4.0-IV1`, or the last of `4.0`; of all that are known, or of those that are released. */
export function levelOfVersion(text: string, which: 'known' | 'released' = 'known'): number {
  const versions = which === 'known' ? VERSIONS : VERSIONS.slice(0, VERSIONS.indexOf(LATEST_VERSION) + 1)
  const [, short] = /^(\d+\.\d+)(?:\.\d+)*$/.exec(text) ?? []
  const at = short === undefined ? versions.indexOf(text) : versions.findLastIndex(name => name.startsWith(`${short}-`))
  if (at < 0)
    throw new ToolError(`Unknown metadata.version '${text}'. Supported metadata.version are: ${versions.join(', ')}`)
  return FIRST_LEVEL + at
}

/** null: nobody knows it. */
export function versionOfLevel(level: number): string | null {
  return VERSIONS[level - FIRST_LEVEL] ?? null
}

export function defaultLevels(metadataLevel: number): Map<string, number> {
  return new Map(FEATURES.map(({ name, defaultLevel, since }) => [name, metadataLevel >= since ? defaultLevel : 0]))
}
