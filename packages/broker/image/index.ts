/** What the other rooms of the broker use of the image. */
export {
  changedTopics,
  DeltaBuilder,
  type MetadataDelta,
  mergeDeltas,
  type PartitionDelta,
  type TopicDelta,
} from './delta.ts'
export { DirectoryId, isOnlineDirectory, isReservedDirectoryId } from './directory-id.ts'
export * from './features.ts'
export {
  type ClientQuotaImage,
  type ConfigImage,
  ConfigOperation,
  type ConfigResource,
  ConfigResourceType,
  configKey,
  configsOf,
  EMPTY_IMAGE,
  featureLevel,
  type MetadataImage,
  type Provenance,
  partitionOf,
  type QuotaEntityPart,
  QuotaEntityType,
  QuotaKey,
  quotaKey,
  ScramMechanism,
  scramKey,
  type TopicImage,
} from './image.ts'
export { type Loaded, MetadataLoader } from './loader.ts'
export {
  changedPartition,
  directoryOf,
  hasPreferredLeader,
  isReassigning,
  LeaderRecoveryState,
  NO_LEADER,
  NO_LEADER_CHANGE,
  NO_RECOVERY_STATE_CHANGE,
  type PartitionRegistration,
  partitionRecord,
} from './partition.ts'
export { PersistentMap } from './persistent-map.ts'
export { type MetadataRecord, metadataRecord } from './records.ts'
export {
  type BrokerRegistration,
  type ControllerRegistration,
  type Endpoint,
  hasOnlineDirectory,
  hasUncordonedDirectory,
  type SupportedFeature,
} from './registrations.ts'
export { snapshotRecords } from './snapshot-records.ts'
