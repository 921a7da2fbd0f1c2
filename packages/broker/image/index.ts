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
  type ConfigResource,
  ConfigResourceType,
  configKey,
  configsOf,
  EMPTY_IMAGE,
  featureLevel,
  type MetadataImage,
  type Provenance,
  partitionOf,
  type TopicImage,
} from './image.ts'
export {
  directoryOf,
  hasPreferredLeader,
  isReassigning,
  LeaderRecoveryState,
  NO_LEADER,
  type PartitionRegistration,
} from './partition.ts'
export { PersistentMap } from './persistent-map.ts'
export type { BrokerRegistration, ControllerRegistration, Endpoint, SupportedFeature } from './registrations.ts'
