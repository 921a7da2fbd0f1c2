/** With which levels of features a cluster begins, as `--release-version` and `--feature` of kafka-storage say. */
import { featureByName, KRAFT_VERSION } from '@ottla/broker/image'
import {
  defaultLevels,
  EARLIEST_VERSION,
  FEATURES,
  LATEST_KNOWN_LEVEL,
  LATEST_VERSION,
  levelOfVersion,
  METADATA_VERSION,
  versionOfLevel,
} from './feature-levels.ts'
import { ToolError } from './java/errors.ts'

const FLAGS = 'one of the flags --standalone, --initial-controllers, or --no-initial-controllers is used'

/**
 * All of them, metadata.version among them. `isDynamic`: the voters are not configured; `unstable`: a level that is not
 * released may be taken, and the latest is, unless another is asked for (unstable.feature.versions.enable).
 */
export function formatLevels(
  release: string | null,
  given: readonly string[],
  isDynamic: boolean,
  unstable = false,
): ReadonlyMap<string, number> {
  const named = release === null ? null : permitted(levelOfVersion(release, unstable ? 'known' : 'released'), unstable)
  const asked = new Map(given.map(parseLevel))
  const own = asked.get(METADATA_VERSION)
  if (own !== undefined && named !== null)
    throw new ToolError(`Use --release-version instead of --feature ${METADATA_VERSION}=X to avoid ambiguity.`)
  const metadata = own === undefined ? (named ?? latestLevel(unstable)) : permitted(own, unstable)
  const names = FEATURES.map(({ name }) => name).sort()
  for (const name of [...asked.keys()].sort())
    if (name !== METADATA_VERSION && !names.includes(name))
      throw new ToolError(`Unsupported feature: ${name}. Supported features are: ${names.join(', ')}`)
  const levels = new Map([...defaultLevels(metadata), ...asked, [METADATA_VERSION, metadata]])
  levels.set(KRAFT_VERSION, kraftLevel(asked.get(KRAFT_VERSION), isDynamic))
  for (const name of names) checkLevel(name, levels)
  return levels
}

function latestLevel(unstable: boolean): number {
  return unstable ? LATEST_KNOWN_LEVEL : levelOfVersion(LATEST_VERSION)
}

function permitted(level: number, unstable: boolean): number {
  const name = versionOfLevel(level)
  if (name === null)
    throw new ToolError(
      `No MetadataVersion with feature level ${level}. Valid feature levels are from ${levelOfVersion(EARLIEST_VERSION)} to ${LATEST_KNOWN_LEVEL}.`,
    )
  if (level > latestLevel(unstable)) throw new ToolError(`${METADATA_VERSION} ${name} is not yet stable.`)
  return level
}

function parseLevel(text: string): [string, number] {
  const at = text.indexOf('=')
  const fail = (why: string) =>
    new ToolError(`Can't parse feature=level string ${text}: ${why}`, 'java.lang.RuntimeException')
  if (at < 0) throw fail('equals sign not found.')
  const level = text.slice(at + 1).trim()
  const value = /^[+-]?\d+$/.test(level) ? Number(level) : Number.NaN
  if (!(value >= -32_768 && value <= 32_767)) throw fail(`unable to parse ${level} as a short.`)
  return [text.slice(0, at).trim(), value]
}

function kraftLevel(asked: number | undefined, isDynamic: boolean): number {
  if (asked === 0 && isDynamic)
    throw new ToolError(
      `Cannot set ${KRAFT_VERSION} to 0 if controller.quorum.voters is empty and ${FLAGS}. ` +
        `For dynamic controllers support, try removing the --feature flag for ${KRAFT_VERSION}.`,
    )
  if (asked !== undefined && asked !== 0 && !isDynamic)
    throw new ToolError(
      `Cannot set ${KRAFT_VERSION} to ${asked} unless controller.quorum.voters is empty and ${FLAGS}. ` +
        'For dynamic controllers support, try using one of --standalone, --initial-controllers, ' +
        'or --no-initial-controllers and removing controller.quorum.voters.',
    )
  return asked ?? Number(isDynamic)
}

/** That there is such a level, and that what it depends on is there, too. */
function checkLevel(name: string, levels: ReadonlyMap<string, number>): void {
  const level = levels.get(name)!
  const known = featureByName(name)?.levels[level]
  if (!known) throw new ToolError(`No feature:${name} with feature level ${level}`)
  for (const [other, least] of Object.entries(known.dependencies))
    if ((levels.get(other) ?? 0) < least)
      throw new ToolError(`${name} could not be set to ${level} because it depends on ${other} level ${least}`)
}
