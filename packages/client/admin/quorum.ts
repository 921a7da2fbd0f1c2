/** The quorum that keeps the metadata: who leads it, how far each voter and observer is, and changing who votes. */
import { AddRaftVoterRequest, AddRaftVoterResponse } from '@ottla/protocol/messages/add-raft-voter'
import { DescribeQuorumRequest, DescribeQuorumResponse } from '@ottla/protocol/messages/describe-quorum'
import { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from '@ottla/protocol/messages/remove-raft-voter'
import { askAny, TIMEOUT_MS } from '../ask.ts'
import type { Cluster } from '../cluster.ts'
import { check } from '../errors.ts'

const describeApi = { request: DescribeQuorumRequest, response: DescribeQuorumResponse }
const addApi = { request: AddRaftVoterRequest, response: AddRaftVoterResponse }
const removeApi = { request: RemoveRaftVoterRequest, response: RemoveRaftVoterResponse }

const METADATA_TOPIC = '__cluster_metadata'

export type ReplicaState = DescribeQuorumResponse['topics'][number]['partitions'][number]['currentVoters'][number]

export interface QuorumEndpoint {
  readonly name: string
  readonly host: string
  readonly port: number
}

export interface QuorumInfo {
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly highWatermark: number
  readonly voters: readonly ReplicaState[]
  readonly observers: readonly ReplicaState[]
  /** Of voters, as far as they are known. */
  readonly endpoints: ReadonlyMap<number, readonly QuorumEndpoint[]>
}

export async function describeQuorum(cluster: Cluster): Promise<QuorumInfo> {
  const response = await askAny(cluster, describeApi, {
    topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }],
  })
  check(response.errorCode, 'describe the metadata quorum', response.errorMessage)
  const state = response.topics[0]!.partitions[0]!
  check(state.errorCode, 'describe the metadata quorum', state.errorMessage)
  return {
    leaderId: state.leaderId,
    leaderEpoch: state.leaderEpoch,
    highWatermark: state.highWatermark,
    voters: state.currentVoters,
    observers: state.observers,
    endpoints: new Map(response.nodes.map(({ nodeId, listeners }) => [nodeId, listeners])),
  }
}

export interface Voter {
  readonly id: number
  readonly directoryId: string
}

export async function addRaftVoter(
  cluster: Cluster,
  { id, directoryId, endpoints }: Voter & { readonly endpoints: readonly QuorumEndpoint[] },
): Promise<void> {
  const response = await askAny(cluster, addApi, {
    clusterId: null,
    timeoutMs: TIMEOUT_MS,
    voterId: id,
    voterDirectoryId: directoryId,
    listeners: endpoints.map(({ name, host, port }) => ({ name, host, port })),
  })
  check(response.errorCode, `add voter ${id}`, response.errorMessage)
}

export async function removeRaftVoter(cluster: Cluster, { id, directoryId }: Voter): Promise<void> {
  const asked = { clusterId: null, voterId: id, voterDirectoryId: directoryId }
  const response = await askAny(cluster, removeApi, asked)
  check(response.errorCode, `remove voter ${id}`, response.errorMessage)
}
