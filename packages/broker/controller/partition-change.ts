/**
 * The record that changes one partition: given what is wanted of it (another ISR, other replicas, a leader), decides who
 * leads, completes a reassignment whose new replicas are in sync, keeps the eligible leader replicas (KIP-966), and
 * says which of it has to be written. The rules and their order are those of Kafka's `PartitionChangeBuilder`.
 */
import {
  directoryOf,
  LeaderRecoveryState,
  type MetadataRecord,
  metadataRecord,
  NO_LEADER,
  NO_LEADER_CHANGE,
  NO_RECOVERY_STATE_CHANGE,
  type PartitionRegistration,
  partitionRecordVersion,
  Since,
} from '../image/index.ts'

/**
 * `preferred`: the first replica, if it is in sync. `online`: anyone in sync. `unclean`: rather a replica that is not in
 * sync than none.
 */
export type Election = 'preferred' | 'online' | 'unclean'

export interface PartitionChange {
  readonly topicId: string
  readonly partitionId: number
  readonly partition: PartitionRegistration
  /** Alive, and the log dir of its replica is online. */
  readonly isAcceptableLeader: (brokerId: number) => boolean
  /** Where a new replica goes on a broker. */
  readonly defaultDirectory: (brokerId: number) => string
  readonly metadataVersion: number
  readonly minIsr: number
  readonly elrEnabled: boolean

  /** `online` if it is left out; as everything below, what is left out stays as it is. */
  readonly election?: Election
  readonly isr?: readonly number[]
  readonly replicas?: readonly number[]
  readonly removing?: readonly number[]
  readonly adding?: readonly number[]
  readonly leaderRecoveryState?: LeaderRecoveryState
  /** They lost what they had not flushed: no longer eligible. */
  readonly uncleanShutdownReplicas?: readonly number[]
  /** Log dirs of some replicas. */
  readonly directories?: ReadonlyMap<number, string>
}

/** null: nothing would change. */
export function partitionChangeRecord(change: PartitionChange): MetadataRecord | null {
  return new PartitionChangeBuilder(change).build()
}

/** What of a PartitionChangeRecord is set so far. */
interface Draft {
  isr: readonly number[] | null
  leader: number
  leaderRecoveryState: number
  eligibleLeaderReplicas: readonly number[] | null
  lastKnownElr: readonly number[] | null
  directories: readonly string[] | null
  replicas: readonly number[] | null
  removingReplicas: readonly number[] | null
  addingReplicas: readonly number[] | null
}

class PartitionChangeBuilder {
  readonly #change: PartitionChange
  readonly #partition: PartitionRegistration
  #isr: readonly number[]
  #replicas: readonly number[]
  #removing: readonly number[]
  #adding: readonly number[]
  #elr: readonly number[]
  readonly #draft: Draft = {
    isr: null,
    leader: NO_LEADER_CHANGE,
    leaderRecoveryState: NO_RECOVERY_STATE_CHANGE,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    directories: null,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
  }

  constructor(change: PartitionChange) {
    const { partition } = change
    this.#change = change
    this.#partition = partition
    this.#isr = change.isr ?? partition.isr
    this.#replicas = change.replicas ?? partition.replicas
    this.#removing = change.removing ?? partition.removingReplicas
    this.#adding = change.adding ?? partition.addingReplicas
    this.#elr = partition.elr
  }

  build(): MetadataRecord | null {
    const { topicId, partitionId, metadataVersion, leaderRecoveryState } = this.#change
    this.#completeReassignment()
    this.#chooseElr()
    this.#elect()
    this.#bumpEpochForLostReplicas()
    this.#writeElr()
    this.#writeIsr()
    this.#writeLastKnownLeader()
    this.#writeAssignment()
    if (leaderRecoveryState !== undefined && leaderRecoveryState !== this.#partition.leaderRecoveryState) {
      this.#draft.leaderRecoveryState = leaderRecoveryState
    }
    if (this.#isEmpty()) return null
    const version = partitionRecordVersion(metadataVersion)
    return metadataRecord('PartitionChangeRecord', version, { topicId, partitionId, ...this.#draft })
  }

  #isEmpty(): boolean {
    const { leader, leaderRecoveryState, ...lists } = this.#draft
    const listsAreNull = Object.values(lists).every(list => list === null)
    return leader === NO_LEADER_CHANGE && leaderRecoveryState === NO_RECOVERY_STATE_CHANGE && listsAreNull
  }

  /** Once the new replicas are in sync, the old ones go. */
  #completeReassignment(): void {
    if (this.#removing.length === 0 && this.#adding.length === 0) return
    const stays = (id: number) => !this.#removing.includes(id)
    const isr = this.#isr.filter(stays)
    const replicas = this.#replicas.filter(stays)
    if (this.#removing.length > 0 && (isr.length === 0 || replicas.length === 0)) return
    if (!this.#adding.every(id => isr.includes(id))) return
    // Where the replication factor shrinks, all that stay must be in sync, or the ISR would shrink for nothing.
    if (this.#adding.length < this.#removing.length && !replicas.every(id => isr.includes(id))) return
    this.#isr = isr
    this.#replicas = replicas
    this.#removing = []
    this.#adding = []
  }

  /** Who leaves an ISR that is then below the minimum has all that was acknowledged: it stays eligible. */
  #chooseElr(): void {
    const { elrEnabled, minIsr, uncleanShutdownReplicas = [] } = this.#change
    if (!elrEnabled) return
    if (this.#isr.length >= minIsr) {
      this.#elr = []
      return
    }
    const candidates = new Set([...this.#elr, ...this.#partition.isr])
    this.#elr = [...candidates]
      .filter(id => !this.#isr.includes(id) && !uncleanShutdownReplicas.includes(id))
      .sort((a, b) => a - b)
  }

  #elect(): void {
    const { leader, isUnclean } = this.#electedLeader()
    if (leader === this.#partition.leader) return
    if (this.#elr.includes(leader)) {
      this.#isr = [leader]
      this.#elr = this.#elr.filter(id => id !== leader)
    }
    this.#draft.leader = leader
    if (!isUnclean) return
    // The new leader may lack acknowledged records: nobody else is in sync with it.
    this.#draft.isr = [leader]
    if (this.#partition.leaderRecoveryState !== LeaderRecoveryState.RECOVERING) {
      this.#draft.leaderRecoveryState = LeaderRecoveryState.RECOVERING
    }
  }

  #electedLeader(): { readonly leader: number; readonly isUnclean: boolean } {
    const { election = 'online', isAcceptableLeader } = this.#change
    const { leader: current } = this.#partition
    const isValid = (id: number) => {
      const isInSync = this.#isr.includes(id) || (this.#isr.length === 0 && this.#elr.includes(id))
      return isInSync && isAcceptableLeader(id)
    }
    const preferred = this.#replicas[0]
    if (election === 'preferred' && preferred !== undefined && isValid(preferred)) {
      return { leader: preferred, isUnclean: false }
    }
    if (isValid(current)) return { leader: current, isUnclean: false }
    const inSync = this.#replicas.find(isValid)
    if (inSync !== undefined) return { leader: inSync, isUnclean: false }
    const lastKnown = this.#electableLastKnownLeader()
    if (lastKnown !== null) return { leader: lastKnown, isUnclean: true }
    const anyone = election === 'unclean' ? this.#replicas.find(isAcceptableLeader) : undefined
    return anyone === undefined ? { leader: NO_LEADER, isUnclean: false } : { leader: anyone, isUnclean: true }
  }

  /** When nobody is in sync or eligible, the last leader is the best guess: it lost only what it had not flushed. */
  #electableLastKnownLeader(): number | null {
    const { elrEnabled, isAcceptableLeader } = this.#change
    const { lastKnownElr } = this.#partition
    if (!elrEnabled || this.#isr.length > 0 || this.#elr.length > 0 || lastKnownElr.length !== 1) return null
    return isAcceptableLeader(lastKnownElr[0]!) ? lastKnownElr[0]! : null
  }

  /** A removed replica must notice: writing the leader again begins a new leader epoch. */
  #bumpEpochForLostReplicas(): void {
    if (this.#draft.leader !== NO_LEADER_CHANGE) return
    if (!this.#partition.replicas.every(id => this.#replicas.includes(id))) this.#draft.leader = this.#partition.leader
  }

  #writeElr(): void {
    const electionWasUnclean = this.#draft.isr !== null
    if (electionWasUnclean || !this.#change.elrEnabled) this.#elr = []
    if (!sameList(this.#elr, this.#partition.elr)) this.#draft.eligibleLeaderReplicas = this.#elr
  }

  #writeIsr(): void {
    const mayBeEmpty = this.#change.elrEnabled
    if (this.#draft.isr === null && (this.#isr.length > 0 || mayBeEmpty) && !sameList(this.#isr, this.#partition.isr)) {
      this.#draft.isr = this.#isr
    }
    const { isr, leader } = this.#draft
    if (this.#change.metadataVersion >= Since.NO_EPOCH_BUMP_ON_ISR_SHRINK || leader !== NO_LEADER_CHANGE) return
    if (isr && !this.#partition.isr.every(id => isr.includes(id))) this.#draft.leader = this.#partition.leader
  }

  /** `lastKnownElr` holds the last leader of a partition that has none. */
  #writeLastKnownLeader(): void {
    if (!this.#change.elrEnabled) return
    const { leader } = this.#draft
    const { lastKnownElr, leader: current } = this.#partition
    if (leader === NO_LEADER && lastKnownElr.length === 0) this.#draft.lastKnownElr = [current]
    else if (leader >= 0 && lastKnownElr.length > 0) this.#draft.lastKnownElr = []
  }

  #writeAssignment(): void {
    const { metadataVersion, directories, defaultDirectory } = this.#change
    const partition = this.#partition
    if (this.#replicas.length > 0) {
      if (metadataVersion >= Since.DIRECTORY_ASSIGNMENT) {
        const where = this.#replicas.map(
          id => directories?.get(id) ?? directoryOf(partition, id) ?? defaultDirectory(id),
        )
        if (!sameList(where, partition.directories)) this.#draft.directories = where
      }
      if (!sameList(this.#replicas, partition.replicas)) this.#draft.replicas = this.#replicas
    }
    if (!sameList(this.#removing, partition.removingReplicas)) this.#draft.removingReplicas = this.#removing
    if (!sameList(this.#adding, partition.addingReplicas)) this.#draft.addingReplicas = this.#adding
  }
}

function sameList(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, i) => item === right[i])
}
