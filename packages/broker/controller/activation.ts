/**
 * What a controller writes first when it becomes active: the bootstrap records of an empty log, or the end of a
 * transaction that its predecessor left open.
 */
import {
  ConfigResourceType,
  ELIGIBLE_LEADER_REPLICAS_VERSION,
  METADATA_VERSION,
  type MetadataImage,
  type MetadataRecord,
  metadataRecord,
  Since,
} from '../image/index.ts'
import type { ControllerOptions, ControllerResult } from './state.ts'

/** `image`: without what an open transaction did. */
export function activationRecords(
  { bootstrapRecords, config }: ControllerOptions,
  image: MetadataImage,
  hasOpenTransaction: boolean,
): ControllerResult<null> {
  const abort = hasOpenTransaction
    ? [metadataRecord('AbortTransactionRecord', 0, { reason: 'Controller failover' })]
    : []
  if (image.metadataVersion !== null) return { records: abort, isAtomic: true, response: null }
  const bootstrap = [...bootstrapRecords]
  if (finalizedLevel(bootstrap, ELIGIBLE_LEADER_REPLICAS_VERSION) > 0) {
    const cluster = { resourceType: ConfigResourceType.BROKER, resourceName: '' }
    const value = String(config.minInsyncReplicas)
    bootstrap.push(metadataRecord('ConfigRecord', 0, { ...cluster, name: 'min.insync.replicas', value }))
  }
  if (finalizedLevel(bootstrap, METADATA_VERSION) < Since.METADATA_TRANSACTIONS) {
    return { records: bootstrap, isAtomic: true, response: null }
  }
  const begin = metadataRecord('BeginTransactionRecord', 0, { name: 'Bootstrap records' })
  const end = metadataRecord('EndTransactionRecord', 0, {})
  return { records: [...abort, begin, ...bootstrap, end], isAtomic: false, response: null }
}

/** 0 if the records don't say. */
function finalizedLevel(records: readonly MetadataRecord[], feature: string): number {
  const record = records.findLast(({ type, value }) => type === 'FeatureLevelRecord' && value.name === feature)
  return record?.type === 'FeatureLevelRecord' ? record.value.featureLevel : 0
}
