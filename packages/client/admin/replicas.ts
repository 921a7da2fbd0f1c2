/** Where replicas are and who leads: reassignments and elections. */
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '@ottla/protocol/messages/alter-partition-reassignments'
import { ElectLeadersRequest, ElectLeadersResponse } from '@ottla/protocol/messages/elect-leaders'
import {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '@ottla/protocol/messages/list-partition-reassignments'
import { askAny, byTopic, partitionName, type TopicPartition } from '../ask.ts'
import type { Cluster } from '../cluster.ts'
import { check, type Outcome, outcome } from '../errors.ts'

const alterApi = { request: AlterPartitionReassignmentsRequest, response: AlterPartitionReassignmentsResponse }
const listApi = { request: ListPartitionReassignmentsRequest, response: ListPartitionReassignmentsResponse }
const electApi = { request: ElectLeadersRequest, response: ElectLeadersResponse }

export interface Reassignment extends TopicPartition {
  readonly replicas: readonly number[]
  readonly adding: readonly number[]
  readonly removing: readonly number[]
}

/** Those that are going on, of the partitions named, or all. */
export async function listReassignments(
  cluster: Cluster,
  partitions: readonly TopicPartition[] | null = null,
): Promise<Reassignment[]> {
  const topics =
    partitions &&
    [...byTopic(partitions)].map(([name, named]) => ({
      name,
      partitionIndexes: named.map(({ partition }) => partition),
    }))
  const response = await askAny(cluster, listApi, { topics })
  check(response.errorCode, 'list reassignments', response.errorMessage)
  return response.topics.flatMap(({ name: topic, partitions: found }) =>
    found.map(({ partitionIndex: partition, replicas, addingReplicas, removingReplicas }) => ({
      topic,
      partition,
      replicas,
      adding: addingReplicas,
      removing: removingReplicas,
    })),
  )
}

export interface NewReassignment extends TopicPartition {
  /** null: what is going on is given up. */
  readonly replicas: readonly number[] | null
}

/** By `topic-partition`. */
export async function alterReassignments(
  cluster: Cluster,
  reassignments: readonly NewReassignment[],
  { allowReplicationFactorChange = true }: { readonly allowReplicationFactorChange?: boolean } = {},
): Promise<Map<string, Outcome>> {
  const topics = [...byTopic(reassignments)].map(([name, partitions]) => ({
    name,
    partitions: partitions.map(({ partition, replicas }) => ({
      partitionIndex: partition,
      replicas: replicas && [...replicas],
    })),
  }))
  const response = await askAny(cluster, alterApi, { topics, allowReplicationFactorChange })
  check(response.errorCode, 'alter reassignments', response.errorMessage)
  const outcomes = new Map<string, Outcome>()
  for (const { name: topic, partitions } of response.responses) {
    for (const { partitionIndex: partition, errorCode, errorMessage } of partitions) {
      const which = partitionName({ topic, partition })
      outcomes.set(which, outcome(errorCode, `reassign ${which}`, errorMessage))
    }
  }
  return outcomes
}

/** By Kafka's number. */
export const ElectionType = { preferred: 0, unclean: 1 } as const
export type ElectionType = keyof typeof ElectionType

export type ElectionResult = TopicPartition & { readonly failure: Outcome }

/** Of the partitions named, or of all that need it. */
export async function electLeaders(
  cluster: Cluster,
  type: ElectionType,
  partitions: readonly TopicPartition[] | null,
): Promise<ElectionResult[]> {
  const topicPartitions =
    partitions &&
    [...byTopic(partitions)].map(([topic, named]) => ({ topic, partitions: named.map(({ partition }) => partition) }))
  const response = await askAny(cluster, electApi, { electionType: ElectionType[type], topicPartitions })
  check(response.errorCode, 'elect leaders')
  return response.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
    partitionResult.map(({ partitionId: partition, errorCode, errorMessage }) => ({
      topic,
      partition,
      failure: outcome(errorCode, `elect a leader of ${topic}-${partition}`, errorMessage),
    })),
  )
}
