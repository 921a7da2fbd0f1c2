/**
 * What the controller driver sees of the quorum that keeps the metadata log: this interface is the seam. With one voter,
 * `SingleVoterQuorum` stands behind it; with several, raft will.
 */
import type { MetadataRecord } from '../image/index.ts'
import type { MetadataBatch } from './batches.ts'
import type { SnapshotId } from './snapshot-files.ts'
import type { VoterSet } from './voters.ts'

export interface LeaderAndEpoch {
  /** null: there is none, or it is not known. */
  readonly leaderId: number | null
  readonly epoch: number
}

/**
 * Called in log order, never two at a time. A snapshot comes first where there is one, and again if the node has fallen
 * so far behind that the log no longer has what it needs: everything before it is forgotten then.
 */
export interface QuorumListener {
  onSnapshotBegin(id: SnapshotId): void
  onSnapshotRecords(records: readonly MetadataRecord[]): void
  /** `lastContainedLogTimestamp`: append time of the last record that is in it. */
  onSnapshotEnd(id: SnapshotId, lastContainedLogTimestamp: number): void
  /** What the leader appended itself comes here too, in the batches that it was written in. */
  onCommitted(batch: MetadataBatch): void
  /** When this node is the leader, all that was written before its epoch has been told. */
  onLeaderChange(leader: LeaderAndEpoch): void
  /** The quorum is of no use any more on this node: the disk does not take what it has to keep. */
  onFailure(error: Error): void
}

export interface MetadataQuorum {
  readonly nodeId: number
  readonly leader: LeaderAndEpoch
  readonly kraftVersion: number
  readonly voters: VoterSet
  /** The offset that is appended next. */
  readonly endOffset: number
  /** One past the last committed offset. */
  readonly highWatermark: number

  /** Loads what is on disk and takes part from then on. Resolves when it is loaded. */
  start(listener: QuorumListener): Promise<void>
  /**
   * For the leader of `epoch`: puts records at the end of the log, in one batch if they are atomic. Returns the last
   * offset at once; they are committed when `onCommitted` says so, or never if the leadership is lost. Throws a LogError
   * NOT_LEADER_OR_FOLLOWER if it is lost already, a ProtocolError ERR_TOO_LARGE if an atomic batch would be too large.
   */
  append(epoch: number, records: readonly MetadataRecord[], options: { readonly isAtomic: boolean }): number
  /** For the leader of `epoch`: writes that the quorum goes by this level from now on, and who votes. Throws as `append`. */
  upgradeKRaftVersion(epoch: number, kraftVersion: number): void
  /** The leader of `epoch` gives up. */
  resign(epoch: number): void
  /** The image up to `id`; then deletes what retention no longer asks for. */
  writeSnapshot(id: SnapshotId, lastContainedLogTimestamp: number, records: Iterable<MetadataRecord>): Promise<void>
  readonly latestSnapshot: SnapshotId | null
  describe(): QuorumDescription
  close(): Promise<void>
}

export interface QuorumDescription {
  readonly leader: LeaderAndEpoch
  readonly highWatermark: number
  readonly replicas: readonly {
    readonly replicaId: number
    readonly directoryId: string
    readonly logEndOffset: number
    readonly isVoter: boolean
    /** Wall clock; -1: never. */
    readonly lastFetchTimestamp: number
    readonly lastCaughtUpTimestamp: number
  }[]
  readonly voters: VoterSet
}
