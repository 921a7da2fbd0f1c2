/**
 * The features of a Kafka cluster, their levels, and what a level of `metadata.version` means for the records that may
 * be written. A feature is finalized at one level for the whole cluster; each node registers the range it supports.
 * Facts from `MetadataVersion.java` and `Feature.java` of Apache Kafka 4.3.
 */

import { MetadataError } from '../errors.ts'

export const METADATA_VERSION = 'metadata.version'
export const KRAFT_VERSION = 'kraft.version'
export const ELIGIBLE_LEADER_REPLICAS_VERSION = 'eligible.leader.replicas.version'

export interface MetadataVersion {
  readonly level: number
  /** `4.3-IV0` */
  readonly name: string
  /** `4.3` */
  readonly release: string
  /** A record changed its form: going below this one loses metadata. */
  readonly metadataChanged: boolean
}

const CHANGED = true
const SAME = false
const LEVELS: readonly [level: number, release: string, revision: string, metadataChanged: boolean][] = [
  [7, '3.3', 'IV3', CHANGED],
  [8, '3.4', 'IV0', CHANGED],
  [9, '3.5', 'IV0', SAME],
  [10, '3.5', 'IV1', SAME],
  [11, '3.5', 'IV2', CHANGED],
  [12, '3.6', 'IV0', SAME],
  [13, '3.6', 'IV1', CHANGED],
  [14, '3.6', 'IV2', CHANGED],
  [15, '3.7', 'IV0', CHANGED],
  [16, '3.7', 'IV1', SAME],
  [17, '3.7', 'IV2', CHANGED],
  [18, '3.7', 'IV3', SAME],
  [19, '3.7', 'IV4', SAME],
  [20, '3.8', 'IV0', SAME],
  [21, '3.9', 'IV0', SAME],
  [22, '4.0', 'IV0', SAME],
  [23, '4.0', 'IV1', CHANGED],
  [24, '4.0', 'IV2', SAME],
  [25, '4.0', 'IV3', SAME],
  [26, '4.1', 'IV0', SAME],
  [27, '4.1', 'IV1', SAME],
  [28, '4.2', 'IV0', SAME],
  [29, '4.2', 'IV1', SAME],
  [30, '4.3', 'IV0', CHANGED],
  [31, '4.4', 'IV0', SAME],
]

/** In ascending order, without gaps. */
export const METADATA_VERSIONS: readonly MetadataVersion[] = LEVELS.map(
  ([level, release, revision, metadataChanged]) => ({
    level,
    name: `${release}-${revision}`,
    release,
    metadataChanged,
  }),
)

export const MIN_METADATA_VERSION = 7
/** The latest that is released. */
export const LATEST_METADATA_VERSION = 30
/** For `unstable.feature.versions.enable`; nothing depends on it yet. No other feature has such levels. */
export const LATEST_UNSTABLE_METADATA_VERSION = 31

export function metadataVersionByLevel(level: number): MetadataVersion | null {
  return METADATA_VERSIONS[level - MIN_METADATA_VERSION] ?? null
}

/** `4.3-IV0`; a release (`4.3`, `4.3.1`) stands for its last one. null: no such version, or not released. */
export function metadataVersionByName(name: string, unstable = false): MetadataVersion | null {
  const released = METADATA_VERSIONS.filter(({ level }) => level <= LATEST_METADATA_VERSION)
  const exact = (unstable ? METADATA_VERSIONS : released).find(version => version.name === name)
  if (exact) return exact
  const release = name.split('.').slice(0, 2).join('.')
  return released.findLast(version => version.release === release) ?? null
}

/** From which metadata.version on something may be written or done. */
export const Since = {
  SCRAM: 11,
  /** Before it, a shrunk ISR needs a new leader epoch (KAFKA-15021). */
  NO_EPOCH_BUMP_ON_ISR_SHRINK: 12,
  METADATA_TRANSACTIONS: 13,
  DELEGATION_TOKENS: 14,
  CONTROLLER_REGISTRATION: 15,
  DIRECTORY_ASSIGNMENT: 17,
  ELIGIBLE_LEADER_REPLICAS: 23,
  CORDONED_LOG_DIRS: 30,
} as const

export function registerBrokerRecordVersion(metadataVersion: number): number {
  if (metadataVersion >= Since.CORDONED_LOG_DIRS) return 4
  if (metadataVersion >= Since.DIRECTORY_ASSIGNMENT) return 3
  return metadataVersion >= 8 ? 2 : 1
}

/** Of PartitionRecord and PartitionChangeRecord alike. */
export function partitionRecordVersion(metadataVersion: number): number {
  if (metadataVersion >= Since.ELIGIBLE_LEADER_REPLICAS) return 2
  return metadataVersion >= Since.DIRECTORY_ASSIGNMENT ? 1 : 0
}

export interface FeatureLevel {
  readonly level: number
  /** A cluster formatted with this metadata.version or a later one begins with this level. */
  readonly bootstrapMetadataVersion: number
  /** Lowest levels of other features that this one needs. */
  readonly dependencies: Readonly<Record<string, number>>
}

export interface Feature {
  readonly name: string
  /** Ascending. */
  readonly levels: readonly FeatureLevel[]
}

function feature(
  name: string,
  ...levels: readonly [bootstrap: number, dependencies?: Record<string, number>][]
): Feature {
  return {
    name,
    levels: levels.map(([bootstrapMetadataVersion, dependencies = {}], level) => ({
      level,
      bootstrapMetadataVersion,
      dependencies,
    })),
  }
}

/** Those of Kafka 4.3 but metadata.version, by name; the place in the arguments is the level. */
export const FEATURES: readonly Feature[] = [
  feature(ELIGIBLE_LEADER_REPLICAS_VERSION, [7], [26, { [METADATA_VERSION]: 23 }]),
  feature('group.version', [7], [22]),
  feature(KRAFT_VERSION, [7], [21]),
  feature('share.version', [7], [28]),
  feature('streams.version', [7], [29]),
  feature('transaction.version', [7], [24], [24]),
]

export function featureByName(name: string): Feature | null {
  return FEATURES.find(feature => feature.name === name) ?? null
}

/** With which level a cluster of this metadata.version is formatted, unless told otherwise. */
export function defaultFeatureLevel(feature: Feature, metadataVersion: number): number {
  return feature.levels.findLast(level => level.bootstrapMetadataVersion <= metadataVersion)?.level ?? 0
}

export interface VersionRange {
  readonly min: number
  readonly max: number
}

const rangesTo = (metadataVersion: number): ReadonlyMap<string, VersionRange> =>
  new Map<string, VersionRange>([
    ...FEATURES.map(({ name, levels }) => [name, { min: 0, max: levels.at(-1)!.level }] as const),
    [METADATA_VERSION, { min: MIN_METADATA_VERSION, max: metadataVersion }],
  ])

/** What this software supports, metadata.version included. */
const STABLE_FEATURES = rangesTo(LATEST_METADATA_VERSION)
/** And with `unstable.feature.versions.enable`. */
const ALL_FEATURES = rangesTo(LATEST_UNSTABLE_METADATA_VERSION)

/** The ranges that a node registers. */
export function supportedFeatures(unstable = false): ReadonlyMap<string, VersionRange> {
  return unstable ? ALL_FEATURES : STABLE_FEATURES
}

/** As a broker and a controller say it when they register. */
export function registeredFeatures(unstable = false) {
  return Array.from(supportedFeatures(unstable), ([name, { min, max }]) => {
    return { name, minSupportedVersion: min, maxSupportedVersion: max }
  })
}

/**
 * Of a record in the log. A controller that was started without unstable levels goes no further than it says; whoever
 * only reads an image knows them all. Throws a MetadataError ERR_UNSUPPORTED_FEATURE.
 */
export function checkRecordedLevel(name: string, level: number, unstable: boolean): void {
  const { min, max } = supportedFeatures(unstable).get(name) ?? { min: 0, max: 0 }
  if (level >= min && level <= max) return
  const message = `the log finalizes ${name} at level ${level}, and levels ${min} to ${max} are supported`
  throw new MetadataError('ERR_UNSUPPORTED_FEATURE', message)
}

/** Why the levels cannot be finalized together; null if they can. */
export function checkFeatureLevels(levels: ReadonlyMap<string, number>): string | null {
  for (const [name, level] of levels) {
    if (name === METADATA_VERSION) {
      if (!metadataVersionByLevel(level)) return `${METADATA_VERSION} has no level ${level}`
      continue
    }
    const found = featureByName(name)?.levels[level]
    if (!found) return featureByName(name) ? `${name} has no level ${level}` : `there is no feature ${name}`
    if (level > 0 && !levels.has(METADATA_VERSION)) return `${name} ${level} needs ${METADATA_VERSION}`
    for (const [other, least] of Object.entries(found.dependencies)) {
      const current = levels.get(other) ?? 0
      if (current < least) return `${name} ${level} needs ${other} ${least} or later, not ${current}`
    }
  }
  return null
}
