/** How far groups are: committed offsets, with all that stands beside them, and the start offsets of share groups. */
import {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/alter-share-group-offsets'
import {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/delete-share-group-offsets'
import {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/describe-share-group-offsets'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetDeleteRequest, OffsetDeleteResponse } from '@ottla/protocol/messages/offset-delete'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { askCoordinator, byTopic, partitionName, type TopicPartition } from '../ask.ts'
import type { Cluster } from '../cluster.ts'
import { check, type Outcome, outcome } from '../errors.ts'

const fetchApi = { request: OffsetFetchRequest, response: OffsetFetchResponse }
const commitApi = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const deleteApi = { request: OffsetDeleteRequest, response: OffsetDeleteResponse }
const describeShareApi = { request: DescribeShareGroupOffsetsRequest, response: DescribeShareGroupOffsetsResponse }
const alterShareApi = { request: AlterShareGroupOffsetsRequest, response: AlterShareGroupOffsetsResponse }
const deleteShareApi = { request: DeleteShareGroupOffsetsRequest, response: DeleteShareGroupOffsetsResponse }

const SINGLE_GROUP = 7
const WITH_TOPIC_NAMES = 9

export interface GroupOffset extends TopicPartition {
  readonly offset: number
  /** null: unknown. */
  readonly leaderEpoch: number | null
}

/** All that the group has committed, in the order of the answer. */
export async function listGroupOffsets(cluster: Cluster, groupId: string): Promise<GroupOffset[]> {
  const response = await askCoordinator(
    cluster,
    'group',
    groupId,
    connection =>
      connection.send(fetchApi, { groupId, topics: null, requireStable: false }, { maxVersion: SINGLE_GROUP }),
    ({ errorCode }) => errorCode,
  )
  check(response.errorCode, `offsets of group '${groupId}'`)
  const offsets: GroupOffset[] = []
  for (const { name: topic, partitions } of response.topics) {
    for (const { partitionIndex: partition, committedOffset, committedLeaderEpoch, errorCode } of partitions) {
      check(errorCode, `offset of ${topic}-${partition} in group '${groupId}'`)
      if (committedOffset < 0) continue
      const leaderEpoch = committedLeaderEpoch < 0 ? null : committedLeaderEpoch
      offsets.push({ topic, partition, offset: committedOffset, leaderEpoch })
    }
  }
  return offsets
}

/** Of a group without members; by `topic-partition`. */
export async function alterGroupOffsets(
  cluster: Cluster,
  groupId: string,
  offsets: readonly (TopicPartition & { readonly offset: number })[],
): Promise<Map<string, Outcome>> {
  const topics = [...byTopic(offsets)].map(([name, partitions]) => ({
    name,
    partitions: partitions.map(({ partition, offset }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedMetadata: '',
    })),
  }))
  const response = await askCoordinator(
    cluster,
    'group',
    groupId,
    connection => connection.send(commitApi, { groupId, topics }, { maxVersion: WITH_TOPIC_NAMES }),
    answer => answer.topics[0]?.partitions[0]?.errorCode ?? 0,
  )
  const outcomes = new Map<string, Outcome>()
  for (const { name: topic, partitions } of response.topics) {
    for (const { partitionIndex: partition, errorCode } of partitions) {
      const which = partitionName({ topic, partition })
      outcomes.set(which, outcome(errorCode, `commit of ${which} in group '${groupId}'`))
    }
  }
  return outcomes
}

/** By `topic-partition`. What concerns the whole group is thrown. */
export async function deleteGroupOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<Map<string, Outcome>> {
  const topics = [...byTopic(partitions)].map(([name, named]) => ({
    name,
    partitions: named.map(({ partition }) => ({ partitionIndex: partition })),
  }))
  const response = await askCoordinator(
    cluster,
    'group',
    groupId,
    connection => connection.send(deleteApi, { groupId, topics }),
    ({ errorCode }) => errorCode,
  )
  check(response.errorCode, `delete offsets of group '${groupId}'`)
  const outcomes = new Map<string, Outcome>()
  for (const { name: topic, partitions: results } of response.topics) {
    for (const { partitionIndex: partition, errorCode } of results) {
      const which = partitionName({ topic, partition })
      outcomes.set(which, outcome(errorCode, `delete offset of ${which} in group '${groupId}'`))
    }
  }
  return outcomes
}

export interface ShareGroupOffset extends TopicPartition {
  /** null: nothing was read yet. */
  readonly startOffset: number | null
  readonly leaderEpoch: number
  /** null: the broker does not tell (KIP-1226). */
  readonly lag: number | null
}

export async function listShareGroupOffsets(cluster: Cluster, groupId: string): Promise<ShareGroupOffset[]> {
  const { groups } = await askCoordinator(
    cluster,
    'group',
    groupId,
    connection => connection.send(describeShareApi, { groups: [{ groupId, topics: null }] }),
    response => response.groups[0]!.errorCode,
  )
  const group = groups[0]!
  check(group.errorCode, `offsets of share group '${groupId}'`, group.errorMessage)
  const offsets: ShareGroupOffset[] = []
  for (const { topicName: topic, partitions } of group.topics) {
    for (const { partitionIndex: partition, startOffset, leaderEpoch, lag, errorCode, errorMessage } of partitions) {
      check(errorCode, `offset of ${topic}-${partition} in share group '${groupId}'`, errorMessage)
      offsets.push({
        topic,
        partition,
        startOffset: startOffset < 0 ? null : startOffset,
        leaderEpoch,
        lag: lag < 0 ? null : lag,
      })
    }
  }
  return offsets
}

/** Of a group without members; by `topic-partition`. What concerns the whole group is thrown. */
export async function alterShareGroupOffsets(
  cluster: Cluster,
  groupId: string,
  offsets: readonly (TopicPartition & { readonly offset: number })[],
): Promise<Map<string, Outcome>> {
  const topics = [...byTopic(offsets)].map(([topicName, partitions]) => ({
    topicName,
    partitions: partitions.map(({ partition, offset }) => ({ partitionIndex: partition, startOffset: offset })),
  }))
  const response = await askCoordinator(
    cluster,
    'group',
    groupId,
    connection => connection.send(alterShareApi, { groupId, topics }),
    ({ errorCode }) => errorCode,
  )
  check(response.errorCode, `alter offsets of share group '${groupId}'`, response.errorMessage)
  const outcomes = new Map<string, Outcome>()
  for (const { topicName: topic, partitions } of response.responses) {
    for (const { partitionIndex: partition, errorCode, errorMessage } of partitions) {
      const which = partitionName({ topic, partition })
      outcomes.set(which, outcome(errorCode, `alter offset of ${which} in share group '${groupId}'`, errorMessage))
    }
  }
  return outcomes
}

/** By topic. What concerns the whole group is thrown. */
export async function deleteShareGroupOffsets(
  cluster: Cluster,
  groupId: string,
  topics: readonly string[],
): Promise<Map<string, Outcome>> {
  const response = await askCoordinator(
    cluster,
    'group',
    groupId,
    connection => connection.send(deleteShareApi, { groupId, topics: topics.map(topicName => ({ topicName })) }),
    ({ errorCode }) => errorCode,
  )
  check(response.errorCode, `delete offsets of share group '${groupId}'`, response.errorMessage)
  return new Map(
    response.responses.map(({ topicName, errorCode, errorMessage }) => [
      topicName,
      outcome(errorCode, `delete offsets of topic '${topicName}' in share group '${groupId}'`, errorMessage),
    ]),
  )
}
