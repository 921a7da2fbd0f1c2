/**
 * Makes log dirs ready for their first start, as `kafka-storage format` does: whose they are (meta.properties), the
 * records that an empty log begins with (bootstrap.checkpoint), and, where the voters are not configured, a snapshot of
 * nothing but the voters. What a folder is known by is written last, so that one left half done is formatted anew.
 */
import type { World } from '@ottla/io'
import {
  encodeMetaProperties,
  LogDirError,
  type LogManager,
  META_PROPERTIES_FILE,
  type MetaProperties,
} from '@ottla/log'
import type { BrokerConfig } from '../config/index.ts'
import { MetadataError } from '../errors.ts'
import {
  checkFeatureLevels,
  defaultFeatureLevel,
  FEATURES,
  featureByName,
  KRAFT_VERSION,
  LATEST_METADATA_VERSION,
  LATEST_UNSTABLE_METADATA_VERSION,
  METADATA_VERSION,
  type MetadataRecord,
  type MetadataVersion,
  metadataVersionByLevel,
  metadataVersionByName,
} from '../image/index.ts'
import { bootstrapRecords, writeBootstrapRecords } from './bootstrap.ts'
import { METADATA_FOLDER } from './metadata-log.ts'
import {
  BOOTSTRAP_CHECKPOINT,
  INITIAL_SNAPSHOT,
  parseSnapshotName,
  snapshotName,
  writeSnapshot,
} from './snapshot-files.ts'
import { allLogDirs, type FoundDirectory, identityProblem, readDirectory } from './storage-facts.ts'
import { makeVoter, type VoterEndpoint, type VoterSet } from './voters.ts'

export interface FormatOptions {
  readonly world: World
  readonly config: BrokerConfig
  readonly clusterId: string
  /**
   * Who votes first: this node alone (`--standalone`), these (`--initial-controllers`), or whoever is known to the
   * others (`--no-initial-controllers`). null: nothing is said, as controller.quorum.voters does.
   */
  readonly initialControllers: 'standalone' | 'none' | VoterSet | null
  /** `4.3-IV0`, `4.3`; the latest if null. */
  readonly releaseVersion?: string | null
  /** Levels other than those the release begins with. */
  readonly features?: ReadonlyMap<string, number>
  /** What the log begins with besides the levels. */
  readonly records?: readonly MetadataRecord[]
  /** Dirs that are formatted already stay as they are; else they are an error. */
  readonly ignoreFormatted?: boolean
}

/** 'voter': for the metadata, of a node that votes first; 'observer': of one that does not; 'static': nothing is known. */
export type DirectoryKind = 'data' | 'static metadata' | 'metadata voter' | 'metadata observer'

export interface FormatResult {
  readonly metadataVersion: MetadataVersion
  /** All of them but metadata.version, kraft.version included. */
  readonly features: ReadonlyMap<string, number>
  /** What the log begins with. */
  readonly records: readonly MetadataRecord[]
  readonly formatted: readonly { readonly path: string; readonly kind: DirectoryKind; readonly directoryId: string }[]
  readonly alreadyFormatted: readonly string[]
  /** Left alone. */
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[]
}

/** Throws a MetadataError ERR_CANNOT_FORMAT, with nothing written, or a DiskError. */
export async function format(options: FormatOptions): Promise<FormatResult> {
  const { world, config, clusterId } = options
  const voters = initialVoters(options)
  const levels = featureLevels(options)
  const records = [...bootstrapRecords(levels), ...(options.records ?? [])]
  const found = await Promise.all(allLogDirs(config).map(path => readDirectory(world, path)))
  checkFound(found, options)
  const formatted: FormatResult['formatted'][number][] = []
  for (const { path, properties, problem } of found) {
    if (properties || problem !== null) continue
    const kind = directoryKind(path, config, voters)
    const voter = kind === 'metadata voter' ? voters?.find(({ voterId }) => voterId === config.nodeId) : undefined
    const directoryId = voter?.voterDirectoryId ?? world.random.uuid()
    await world.disk.makeDirectory(path)
    await writeBootstrapRecords(world, path, records)
    if (voters && path === config.metadataLogDir) await writeVoters(world, path, levels.get(KRAFT_VERSION)!, voters)
    const own: MetaProperties = { version: 1, clusterId, nodeId: config.nodeId, directoryId }
    await world.disk.writeFileAtomic(`${path}/${META_PROPERTIES_FILE}`, encodeMetaProperties(own))
    formatted.push({ path, kind, directoryId })
  }
  return {
    metadataVersion: metadataVersionByLevel(levels.get(METADATA_VERSION)!)!,
    features: new Map([...levels].filter(([name]) => name !== METADATA_VERSION)),
    records,
    formatted,
    alreadyFormatted: found.filter(({ properties }) => properties).map(({ path }) => path),
    unreadable: found.flatMap(({ path, problem }) => (problem === null ? [] : { path, reason: problem })),
  }
}

function initialVoters({ world, config, initialControllers }: FormatOptions): VoterSet | null {
  const { isController, nodeId, controllerQuorumVoters, listeners } = config
  if (controllerQuorumVoters.length > 0) {
    if (initialControllers === null || initialControllers === 'none') return null
    throw cannot('the first voters are given, and controller.quorum.voters says who they are: only one of them can be')
  }
  if (initialControllers === null && isController) {
    throw cannot(
      'controller.quorum.voters is not set: say who votes first (standalone, initial or no initial controllers)',
    )
  }
  if (initialControllers !== 'standalone') return initialControllers === 'none' ? null : initialControllers
  const [endpoint] = listeners.advertisedController
  if (!isController || !endpoint) throw cannot('only a controller can stand alone')
  const { name, host, port } = endpoint
  return [makeVoter(nodeId, world.random.uuid(), [{ name, host: host ?? 'localhost', port }])]
}

/** Of all features, metadata.version and kraft.version included. */
function featureLevels({ config, releaseVersion, features }: FormatOptions): ReadonlyMap<string, number> {
  const levels = new Map(features)
  const metadataVersion = initialMetadataVersion(
    releaseVersion ?? null,
    levels.get(METADATA_VERSION),
    config.unstableFeatureVersionsEnable,
  )
  levels.set(METADATA_VERSION, metadataVersion)
  for (const name of levels.keys()) {
    if (name === METADATA_VERSION || featureByName(name)) continue
    const known = FEATURES.map(feature => feature.name).join(', ')
    throw cannot(`there is no feature ${name}, only ${known}`)
  }
  const isDynamic = config.controllerQuorumVoters.length === 0
  for (const feature of FEATURES) {
    if (levels.has(feature.name)) continue
    const isQuorums = feature.name === KRAFT_VERSION
    levels.set(feature.name, isQuorums ? Number(isDynamic) : defaultFeatureLevel(feature, metadataVersion))
  }
  const kraftVersion = levels.get(KRAFT_VERSION)!
  if (kraftVersion > 0 !== isDynamic) {
    const why = isDynamic ? 'is not set' : 'is set'
    throw cannot(`${KRAFT_VERSION} cannot begin at ${kraftVersion}, because controller.quorum.voters ${why}`)
  }
  const problem = checkFeatureLevels(levels)
  if (problem !== null) throw cannot(problem)
  return levels
}

function initialMetadataVersion(name: string | null, level: number | undefined, unstable: boolean): number {
  const latest = unstable ? LATEST_UNSTABLE_METADATA_VERSION : LATEST_METADATA_VERSION
  if (name === null) {
    if (level !== undefined && level > latest) throw cannot(`${METADATA_VERSION} has no level ${level}`)
    return level ?? latest
  }
  if (level !== undefined) throw cannot(`${METADATA_VERSION} is given twice: as a feature, and as the release version`)
  const version = metadataVersionByName(name, unstable)
  if (!version) throw cannot(`there is no release version ${name}`)
  return version.level
}

function checkFound(found: readonly FoundDirectory[], options: FormatOptions): void {
  const { clusterId, config, ignoreFormatted = false } = options
  const problem = identityProblem(found, clusterId, config.nodeId)
  if (problem !== null) throw cannot(problem)
  const formatted = found.find(({ properties }) => properties)
  if (formatted && !ignoreFormatted) throw cannot(`${formatted.path} is formatted already`)
  const broken = found.filter(directory => directory.problem !== null)
  if (broken.length === found.length) throw cannot(`no log dir can be used: ${broken[0]!.problem}`)
}

function directoryKind(path: string, { metadataLogDir, nodeId }: BrokerConfig, voters: VoterSet | null): DirectoryKind {
  if (path !== metadataLogDir) return 'data'
  if (!voters) return 'static metadata'
  return voters.some(({ voterId }) => voterId === nodeId) ? 'metadata voter' : 'metadata observer'
}

async function writeVoters(world: World, logDir: string, kraftVersion: number, voters: VoterSet): Promise<void> {
  const folder = `${logDir}/${METADATA_FOLDER}`
  const nowMs = world.clock.now()
  await world.disk.makeDirectory(folder)
  await writeSnapshot(world, folder, snapshotName(INITIAL_SNAPSHOT), {
    epoch: INITIAL_SNAPSHOT.epoch,
    nowMs,
    lastContainedLogTimestamp: nowMs,
    kraftVersion,
    voters,
    records: [],
  })
}

// ------------------------------------------------------------------------------------------ of a node that starts

export interface FormatIfNeededOptions {
  readonly world: World
  /** It has given the log dirs to the cluster already. */
  readonly logs: LogManager
  /** metadata.log.dir */
  readonly logDir: string
  readonly nodeId: number
  readonly endpoints: readonly VoterEndpoint[]
  /** controller.quorum.voters is set: the voters are not written, and kraft.version stays 0. */
  readonly hasStaticVoters: boolean
}

/**
 * As a standalone controller, unless the voters are configured. False if it was formatted before; nothing is changed
 * then. Throws a LogDirError ERR_METADATA_LOG_DIR_OFFLINE.
 */
export async function formatIfNeeded(options: FormatIfNeededOptions): Promise<boolean> {
  const { world, logs, logDir, nodeId, endpoints, hasStaticVoters } = options
  const directoryId = directoryIdOf(logs, logDir)
  if (await world.disk.stat(`${logDir}/${BOOTSTRAP_CHECKPOINT}`)) return false
  if (await hasBeenUsed(world, `${logDir}/${METADATA_FOLDER}`)) return false
  if (!hasStaticVoters) {
    const self = makeVoter(nodeId, directoryId, endpoints)
    await writeVoters(world, logDir, 1, [self])
  }
  const levels = FEATURES.map(feature => [feature.name, defaultFeatureLevel(feature, LATEST_METADATA_VERSION)] as const)
  await writeBootstrapRecords(
    world,
    logDir,
    bootstrapRecords(new Map([...levels, [METADATA_VERSION, LATEST_METADATA_VERSION]])),
  )
  return true
}

/** What would be written for a dir that is not known, because it has just failed, could never be opened again. */
function directoryIdOf(logs: LogManager, logDir: string): string {
  const cause = logs.offlineLogDirs.get(logDir)
  const directoryId = logs.directoryIdOf(logDir)
  if (!cause && directoryId !== null) return directoryId
  const reason = `the log dir of the metadata log, ${logDir}, has failed: ${cause?.message}`
  throw new LogDirError('ERR_METADATA_LOG_DIR_OFFLINE', reason, { cause })
}

/** Whether there is more in it than the beginning of an attempt to format it. */
async function hasBeenUsed({ disk }: World, folder: string): Promise<boolean> {
  if (!(await disk.stat(folder))) return false
  return (await disk.list(folder)).some(({ name }) => {
    const snapshot = parseSnapshotName(name)
    return snapshot ? snapshot.id.endOffset > 0 : name !== 'partition.metadata'
  })
}

function cannot(message: string): MetadataError {
  return new MetadataError('ERR_CANNOT_FORMAT', message)
}
