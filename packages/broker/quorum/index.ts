/** What starts a node, and what answers about its quorum. */
export { readBootstrapRecords } from './bootstrap.ts'
export { ControllerDriver, type ControllerDriverOptions } from './controller-driver.ts'
export {
  type DirectoryKind,
  type FormatIfNeededOptions,
  type FormatOptions,
  type FormatResult,
  format,
  formatIfNeeded,
} from './format.ts'
export type { LeaderAndEpoch, MetadataQuorum, QuorumDescription, QuorumListener } from './metadata-quorum.ts'
export { scramKeys } from './scram-keys.ts'
export { type SingleVoterOptions, SingleVoterQuorum } from './single-voter.ts'
export type { SnapshotId } from './snapshot-files.ts'
export { type FoundDirectory, type StorageFacts, storageFacts } from './storage-facts.ts'
export { makeVoter, parseInitialControllers, type Voter, type VoterEndpoint, type VoterSet } from './voters.ts'
