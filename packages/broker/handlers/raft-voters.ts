/** What AddRaftVoter and RemoveRaftVoter have in common: who may be asked, and how Kafka writes a voter. */
import { ZERO_UUID } from '@ottla/protocol'
import { ApiError } from '../errors.ts'
import type { QuorumDescription, VoterSet } from '../quorum/index.ts'
import type { Services } from '../services.ts'

/** That this node leads the quorum of the cluster that is meant. */
export function checkAsked(clusterId: string | null, { leader }: QuorumDescription, { metadata }: Services): void {
  if (clusterId !== null && clusterId !== metadata.clusterId) {
    const message = `The given id "${clusterId}" doesn't match the cluster id "${metadata.clusterId}"`
    throw new ApiError('INCONSISTENT_CLUSTER_ID', message)
  }
  if (leader.leaderId === null) throw new ApiError('NOT_LEADER_OR_FOLLOWER', 'the quorum has no leader')
}

export function keyText({ voterId, voterDirectoryId }: Pick<VoterSet[number], 'voterId' | 'voterDirectoryId'>): string {
  const directory = voterDirectoryId === ZERO_UUID ? '<undefined>' : voterDirectoryId
  return `ReplicaKey(id=${voterId}, directoryId=${directory})`
}

export function keysText(voters: VoterSet): string {
  return `[${voters.map(keyText).join(', ')}]`
}
