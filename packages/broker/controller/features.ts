/**
 * UpdateFeatures: the levels that the whole cluster goes by. All of a request are set, or none. Each node has to support a
 * level, and the features that it needs have to be there; going down has to be said, and metadata.version goes down only
 * as far as no record changes its form. kraft.version is the quorum's: it writes that itself.
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
  SUPPORTED_FEATURES,
  type SupportedFeature,
} from '../image/index.ts'
import { MIN_INSYNC_REPLICAS } from './configs.ts'
import { outcomeOf } from './outcome.ts'
import { type ControllerResult, type ControllerState, metadataVersion } from './state.ts'

type Response = Init<typeof UpdateFeaturesResponse>
type Update = UpdateFeaturesRequest['featureUpdates'][number]

/** `upgradeType` in a request. */
const UpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const

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
  if (outcome.errorCode !== 0) {
    const errorMessage = `No feature was changed: ${outcome.errorMessage}`
    return { records: [], isAtomic: true, response: { ...outcome, errorMessage } }
  }
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
  if (!Object.values<number>(UpgradeType).includes(upgradeType)) throw refused(update, 'there is no such upgrade type')
  if (level < 0) throw refused(update, 'there are no levels below 0')
  const unsupported = whyUnsupported(state, name, level)
  if (unsupported !== null) throw refused(update, unsupported)
  const current = currentLevel(state, name)
  const isUpgrade = upgradeType === UpgradeType.UPGRADE
  if (level < current && isUpgrade)
    throw refused(update, `that is a downgrade from ${current}, and has to be asked for`)
  if (level > current && !isUpgrade) throw refused(update, `that is an upgrade from ${current}`)
  if (name === METADATA_VERSION) return { records: [metadataVersionRecord(update, current)] }
  if (name === KRAFT_VERSION) return kraftVersionDecision(update, current)
  const found = featureByName(name)?.levels[level]
  if (!found) throw refused(update, 'there is no such feature')
  for (const [other, least] of Object.entries(found.dependencies)) {
    if ((proposed.get(other) ?? 0) < least) throw refused(update, `it needs ${other} ${least} or later`)
  }
  return { records: [metadataRecord('FeatureLevelRecord', 0, { name, featureLevel: level })] }
}

function refused({ feature, maxVersionLevel }: Update, why: string): ApiError {
  return new ApiError('INVALID_UPDATE_VERSION', `${feature} cannot be set to ${maxVersionLevel}: ${why}.`)
}

function currentLevel({ image, options }: ControllerState, name: string): number {
  if (name === METADATA_VERSION) return image.metadataVersion ?? 0
  return name === KRAFT_VERSION ? options.kraftVersion() : (image.features.get(name) ?? 0)
}

/** Of the nodes that have registered; null if all support it. A feature that a node does not name, it has at 0. */
function whyUnsupported(state: ControllerState, name: string, level: number): string | null {
  const { image } = state
  const own = SUPPORTED_FEATURES.get(name) ?? { min: 0, max: 0 }
  const outside = (min: number, max: number) => level < min || level > max
  if (outside(own.min, own.max)) return `this controller ${supports(own.min, own.max)}`
  const knowsControllers = metadataVersion(state) >= Since.CONTROLLER_REGISTRATION
  const nodes: [string, readonly SupportedFeature[]][] = [
    ...Array.from(image.brokers.values(), ({ id, features }) => [`broker ${id}`, features] as never),
    ...Array.from(knowsControllers ? image.controllers.values() : [], ({ id, features }) => {
      return [`controller ${id}`, features] as never
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
  return max === 0 ? 'does not support this feature' : `supports levels ${min} to ${max}`
}

/** Kafka can't yet force a downgrade that loses metadata either (KAFKA-13896). */
function metadataVersionRecord(update: Update, current: number): MetadataRecord {
  const { maxVersionLevel: level, upgradeType } = update
  const lost = METADATA_VERSIONS.some(
    version => version.metadataChanged && version.level > level && version.level <= current,
  )
  if (lost) {
    const isForced = upgradeType === UpgradeType.UNSAFE_DOWNGRADE
    const why = isForced ? 'metadata would be lost, which cannot be forced yet' : 'metadata would be lost'
    throw refused(update, why)
  }
  return metadataRecord('FeatureLevelRecord', 0, { name: METADATA_VERSION, featureLevel: level })
}

function kraftVersionDecision(update: Update, current: number): Decision {
  const { maxVersionLevel: level, upgradeType } = update
  if (upgradeType !== UpgradeType.UPGRADE) {
    if (level === current) return NO_RECORDS
    throw refused(update, 'it cannot be downgraded')
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
