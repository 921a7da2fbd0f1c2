/**
 * UpdateFeatures: the levels that the whole cluster goes by. All of a request are set, or none. Each node has to support a
 * level, and the features that it needs have to be there; going down has to be said, and metadata.version goes down only
 * as far as no record changes its form. kraft.version is the quorum's: it writes that itself.
 *
 * Messages are those of Kafka, whose tools print them and whose tests look for them.
 */
import type { Init } from '@ottla/protocol'
import type { UpdateFeaturesRequest, UpdateFeaturesResponse } from '@ottla/protocol/messages/update-features'
import { ApiError } from '../errors.ts'
import {
  ConfigResourceType,
  configsOf,
  ELIGIBLE_LEADER_REPLICAS_VERSION,
  featureByName,
  KRAFT_VERSION,
  METADATA_VERSION,
  METADATA_VERSIONS,
  type MetadataRecord,
  metadataRecord,
  Since,
  type SupportedFeature,
  supportedFeatures,
} from '../image/index.ts'
import { MIN_INSYNC_REPLICAS } from './configs.ts'
import { outcomeOf } from './outcome.ts'
import { type ControllerResult, type ControllerState, metadataVersion } from './state.ts'

type Response = Init<typeof UpdateFeaturesResponse>
type Update = UpdateFeaturesRequest['featureUpdates'][number]

/** `upgradeType` in a request. */
const UpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const

const FAILED = 'The update failed for all features since the following feature had an error: '
const UNASKED_DOWNGRADE =
  "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade."
const LOSS = 'Refusing to perform the requested downgrade because it might delete metadata information.'
const NO_FORCE = 'Unsafe metadata downgrade is not supported in this version.'

interface Decision {
  readonly records: readonly MetadataRecord[]
  readonly kraftVersion?: number
}

const NO_RECORDS: Decision = { records: [] }

export function updateFeatures(state: ControllerState, request: UpdateFeaturesRequest): ControllerResult<Response> {
  const updates = new Map(request.featureUpdates.map(update => [update.feature, update]))
  const proposed = new Map(state.image.features)
  proposed.set(METADATA_VERSION, metadataVersion(state))
  for (const { feature, maxVersionLevel } of updates.values()) proposed.set(feature, maxVersionLevel)
  const decisions: Decision[] = []
  const outcome = outcomeOf(() => {
    for (const update of updates.values()) decisions.push(decide(state, update, proposed))
  })
  if (outcome.errorCode !== 0)
    return { records: [], isAtomic: true, response: { ...outcome, errorMessage: FAILED + outcome.errorMessage } }
  const results = request.featureUpdates.map(({ feature }) => ({ feature, errorCode: 0, errorMessage: 'NONE' }))
  const response = { ...outcome, results }
  if (request.validateOnly) return { records: [], isAtomic: true, response }
  const records = decisions.flatMap(decision => decision.records)
  if ((updates.get(ELIGIBLE_LEADER_REPLICAS_VERSION)?.maxVersionLevel ?? 0) > 0) records.unshift(...oneMinIsr(state))
  const kraftVersion = decisions.find(decision => decision.kraftVersion !== undefined)?.kraftVersion
  return { records, isAtomic: true, response, ...(kraftVersion === undefined ? {} : { kraftVersion }) }
}

/** Throws INVALID_UPDATE_VERSION. */
function decide(state: ControllerState, update: Update, proposed: ReadonlyMap<string, number>): Decision {
  const { feature: name, maxVersionLevel: level, upgradeType } = update
  if (!Object.values<number>(UpgradeType).includes(upgradeType))
    throw refused(update, 'The controller does not support the given upgrade type.')
  if (level < 0) throw refused(update, 'A feature version cannot be less than 0.')
  const unsupported = whyUnsupported(state, name, level)
  if (unsupported !== null) throw refused(update, unsupported)
  const current = currentLevel(state, name)
  const isUpgrade = upgradeType === UpgradeType.UPGRADE
  if (level < current && isUpgrade) throw refused(update, UNASKED_DOWNGRADE)
  if (level > current && !isUpgrade) throw refused(update, "Can't downgrade to a newer version.")
  if (name === METADATA_VERSION) return { records: [metadataVersionRecord(update, current)] }
  if (name === KRAFT_VERSION) return kraftVersionDecision(update, current)
  const found = featureByName(name)?.levels[level]
  if (!found) throw refused(update, `No feature:${name} with feature level ${level}`)
  for (const [other, least] of Object.entries(found.dependencies)) {
    if ((proposed.get(other) ?? 0) < least) {
      throw refused(update, `${name} could not be set to ${level} because it depends on ${other} level ${least}`)
    }
  }
  return { records: [metadataRecord('FeatureLevelRecord', 0, { name, featureLevel: level })] }
}

function refused({ feature, maxVersionLevel }: Update, why: string): ApiError {
  return new ApiError(
    'INVALID_UPDATE_VERSION',
    `Invalid update version ${maxVersionLevel} for feature ${feature}. ${why}`,
  )
}

function currentLevel({ image, options }: ControllerState, name: string): number {
  if (name === METADATA_VERSION) return image.metadataVersion ?? 0
  return name === KRAFT_VERSION ? options.kraftVersion() : (image.features.get(name) ?? 0)
}

/** Of the nodes that have registered; null if all support it. A feature that a node does not name, it has at 0. */
function whyUnsupported(state: ControllerState, name: string, level: number): string | null {
  const { image } = state
  const { nodeId, unstableFeatureVersionsEnable } = state.options.config
  const own = supportedFeatures(unstableFeatureVersionsEnable).get(name) ?? { min: 0, max: 0 }
  const outside = (min: number, max: number) => level < min || level > max
  if (outside(own.min, own.max)) return `Local controller ${nodeId} ${supports(own.min, own.max)}`
  const knowsControllers = metadataVersion(state) >= Since.CONTROLLER_REGISTRATION
  const nodes: [string, readonly SupportedFeature[]][] = [
    ...Array.from(image.brokers.values(), ({ id, features }) => [`Broker ${id}`, features] as never),
    ...Array.from(knowsControllers ? image.controllers.values() : [], ({ id, features }) => {
      return [`Controller ${id}`, features] as never
    }),
  ]
  for (const [node, features] of nodes) {
    const feature = features.find(each => each.name === name)
    const { minSupportedVersion: min = 0, maxSupportedVersion: max = 0 } = feature ?? {}
    if (outside(min, max)) return `${node} ${supports(min, max)}`
  }
  return null
}

function supports(min: number, max: number): string {
  return max === 0 ? 'does not support this feature.' : `only supports versions ${min}-${max}`
}

/** Kafka can't yet force a downgrade that loses metadata either (KAFKA-13896). */
function metadataVersionRecord(update: Update, current: number): MetadataRecord {
  const { maxVersionLevel: level, upgradeType } = update
  const lost = METADATA_VERSIONS.some(
    version => version.metadataChanged && version.level > level && version.level <= current,
  )
  if (lost) {
    const isForced = upgradeType === UpgradeType.UNSAFE_DOWNGRADE
    const message = `Unsupported metadata.version downgrade from ${current} to ${level}. ${isForced ? NO_FORCE : LOSS}`
    throw new ApiError('INVALID_UPDATE_VERSION', message)
  }
  return metadataRecord('FeatureLevelRecord', 0, { name: METADATA_VERSION, featureLevel: level })
}

function kraftVersionDecision(update: Update, current: number): Decision {
  const { maxVersionLevel: level, upgradeType } = update
  if (upgradeType !== UpgradeType.UPGRADE) {
    if (level === current) return NO_RECORDS
    throw refused(update, "Can't downgrade the version of this feature.")
  }
  // The answer waits for a record of ours, which comes after the quorum's.
  const records = [metadataRecord('NoOpRecord', 0, {})]
  return level === current ? { records } : { records, kraftVersion: level }
}

/** ELR needs one min.insync.replicas for the whole cluster: written down before, and for no single broker. */
function oneMinIsr({ image, options }: ControllerState): MetadataRecord[] {
  const { BROKER } = ConfigResourceType
  const record = (resourceName: string, value: string | null) =>
    metadataRecord('ConfigRecord', 0, { resourceType: BROKER, resourceName, name: MIN_INSYNC_REPLICAS, value })
  const records: MetadataRecord[] = []
  if (!configsOf(image, { type: BROKER, name: '' }).has(MIN_INSYNC_REPLICAS))
    records.push(record('', String(options.config.minInsyncReplicas)))
  for (const { type, name, values } of image.configs.values()) {
    if (type === BROKER && name !== '' && values.has(MIN_INSYNC_REPLICAS)) records.push(record(name, null))
  }
  return records
}
