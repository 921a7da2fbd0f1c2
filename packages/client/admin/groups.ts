/**
 * Groups of all kinds: classic and consumer (one description for both), share, streams; and those that are nothing but
 * offsets somebody committed. Each kind has its own API; the coordinator of the group answers it.
 */
import { decode, Reader } from '@ottla/protocol'
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '@ottla/protocol/messages/consumer-group-describe'
import { ConsumerProtocolAssignment } from '@ottla/protocol/messages/consumer-protocol'
import { DeleteGroupsRequest, DeleteGroupsResponse } from '@ottla/protocol/messages/delete-groups'
import { DescribeGroupsRequest, DescribeGroupsResponse } from '@ottla/protocol/messages/describe-groups'
import { LeaveGroupRequest, LeaveGroupResponse } from '@ottla/protocol/messages/leave-group'
import { ListGroupsRequest, ListGroupsResponse } from '@ottla/protocol/messages/list-groups'
import { ShareGroupDescribeRequest, ShareGroupDescribeResponse } from '@ottla/protocol/messages/share-group-describe'
import {
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from '@ottla/protocol/messages/streams-group-describe'
import { askBroker, askCoordinator, type TopicPartition } from '../ask.ts'
import type { Cluster, ClusterNode } from '../cluster.ts'
import { check, KafkaError, type Outcome, outcome, UnsupportedVersionError } from '../errors.ts'
import { retry } from '../retry.ts'

const listGroupsApi = { request: ListGroupsRequest, response: ListGroupsResponse }
const describeGroupsApi = { request: DescribeGroupsRequest, response: DescribeGroupsResponse }
const consumerApi = { request: ConsumerGroupDescribeRequest, response: ConsumerGroupDescribeResponse }
const shareApi = { request: ShareGroupDescribeRequest, response: ShareGroupDescribeResponse }
const streamsApi = { request: StreamsGroupDescribeRequest, response: StreamsGroupDescribeResponse }
const leaveGroupApi = { request: LeaveGroupRequest, response: LeaveGroupResponse }
const deleteGroupsApi = { request: DeleteGroupsRequest, response: DeleteGroupsResponse }

export type GroupType = 'classic' | 'consumer' | 'share' | 'streams'

export interface GroupListing {
  readonly groupId: string
  /** Empty: a group that is nothing but committed offsets. */
  readonly protocolType: string
  readonly state: string
  /** In lower case; empty from brokers older than 3.8. */
  readonly type: string
}

export interface GroupFilter {
  readonly states?: readonly string[]
  readonly types?: readonly GroupType[]
}

/** Of all brokers, in the order of their ids. */
export async function listGroups(cluster: Cluster, filter: GroupFilter = {}): Promise<GroupListing[]> {
  const asked = { statesFilter: [...(filter.states ?? [])], typesFilter: [...(filter.types ?? [])] }
  const listings: GroupListing[] = []
  for (const id of await cluster.brokerIds()) {
    const response = await retry(cluster.world.clock, async () => {
      const answer = await askBroker(cluster, id, listGroupsApi, asked)
      check(answer.errorCode, `list the groups of broker ${id}`)
      return answer
    })
    for (const { groupId, protocolType, groupState, groupType } of response.groups)
      listings.push({ groupId, protocolType, state: groupState, type: groupType.toLowerCase() })
  }
  return listings
}

export type ClassicDescription = DescribeGroupsResponse['groups'][number]

/** A group that nobody knows is described as dead, or as GROUP_ID_NOT_FOUND by recent brokers. */
export async function describeClassicGroup(cluster: Cluster, groupId: string): Promise<ClassicDescription> {
  const { groups } = await askCoordinator(
    cluster,
    'group',
    groupId,
    connection => connection.send(describeGroupsApi, { groups: [groupId] }),
    response => response.groups[0]!.errorCode,
  )
  check(groups[0]!.errorCode, `describe group '${groupId}'`, groups[0]!.errorMessage)
  return groups[0]!
}

export interface GroupMemberDescription {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly host: string
  readonly assignment: readonly TopicPartition[]
  /** Where the group's new assignment would have it; null in a classic group. */
  readonly target: readonly TopicPartition[] | null
  /** null in a classic group. */
  readonly epoch: number | null
  /** Whether it speaks the protocol of KIP-848; null: nobody says. */
  readonly isUpgraded: boolean | null
}

export interface GroupDescription {
  readonly groupId: string
  readonly type: GroupType
  readonly state: string
  readonly assignor: string
  readonly coordinator: ClusterNode
  readonly members: readonly GroupMemberDescription[]
  /** null in a classic group. */
  readonly groupEpoch: number | null
  readonly assignmentEpoch: number | null
}

/** A consumer group of either protocol. A group that nobody knows is KafkaError GROUP_ID_NOT_FOUND. */
export async function describeGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  try {
    return await describeConsumerGroup(cluster, groupId)
  } catch (error) {
    const isClassic =
      error instanceof UnsupportedVersionError ||
      (error instanceof KafkaError && ['GROUP_ID_NOT_FOUND', 'UNSUPPORTED_VERSION'].includes(error.code))
    if (!isClassic) throw error
  }
  const group = await describeClassicGroup(cluster, groupId)
  if (group.protocolType !== '' && group.protocolType !== 'consumer')
    throw new NotAConsumerGroupError(`GroupId ${groupId} is not a consumer group (${group.protocolType}).`)
  return {
    groupId,
    type: 'classic',
    state: group.groupState,
    assignor: group.protocolData,
    coordinator: await cluster.coordinatorNode('group', groupId),
    members: group.members.map(member => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      host: member.clientHost,
      assignment: decodeAssignment(member.memberAssignment),
      target: null,
      epoch: null,
      isUpgraded: null,
    })),
    groupEpoch: null,
    assignmentEpoch: null,
  }
}

/** A classic group of Kafka Connect or of something else. */
export class NotAConsumerGroupError extends Error {
  override readonly name = 'NotAConsumerGroupError'
  readonly code = 'ERR_NOT_A_CONSUMER_GROUP'
}

async function describeConsumerGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  const { groups } = await askCoordinator(
    cluster,
    'group',
    groupId,
    connection => connection.send(consumerApi, { groupIds: [groupId] }),
    response => response.groups[0]!.errorCode,
  )
  const group = groups[0]!
  check(group.errorCode, `describe group '${groupId}'`, group.errorMessage)
  return {
    groupId,
    type: 'consumer',
    state: group.groupState,
    assignor: group.assignorName,
    coordinator: await cluster.coordinatorNode('group', groupId),
    members: group.members.map(member => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      clientId: member.clientId,
      host: member.clientHost,
      assignment: flat(member.assignment),
      target: flat(member.targetAssignment),
      epoch: member.memberEpoch,
      isUpgraded: member.memberType < 0 ? null : member.memberType === 1,
    })),
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
  }
}

type ById = {
  readonly topicPartitions: readonly { readonly topicName: string; readonly partitions: readonly number[] }[]
}

function flat({ topicPartitions }: ById): TopicPartition[] {
  return topicPartitions.flatMap(({ topicName: topic, partitions }) =>
    partitions.map(partition => ({ topic, partition })),
  )
}

function decodeAssignment(bytes: Uint8Array): TopicPartition[] {
  if (bytes.length === 0) return []
  const reader = new Reader(bytes)
  const version = Math.min(reader.int16(), ConsumerProtocolAssignment.versions.max)
  const { assignedPartitions } = decode(ConsumerProtocolAssignment, version, reader)
  return assignedPartitions.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
}

export async function describeShareGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  const { groups } = await askCoordinator(
    cluster,
    'group',
    groupId,
    connection => connection.send(shareApi, { groupIds: [groupId] }),
    response => response.groups[0]!.errorCode,
  )
  const group = groups[0]!
  check(group.errorCode, `describe share group '${groupId}'`, group.errorMessage)
  return {
    groupId,
    type: 'share',
    state: group.groupState,
    assignor: group.assignorName,
    coordinator: await cluster.coordinatorNode('group', groupId),
    members: group.members.map(member => ({
      memberId: member.memberId,
      instanceId: null,
      clientId: member.clientId,
      host: member.clientHost,
      assignment: flat(member.assignment),
      target: null,
      epoch: member.memberEpoch,
      isUpgraded: null,
    })),
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
  }
}

export type StreamsGroupDescription = StreamsGroupDescribeResponse['groups'][number] & {
  readonly coordinator: ClusterNode
}

export async function describeStreamsGroup(cluster: Cluster, groupId: string): Promise<StreamsGroupDescription> {
  const { groups } = await askCoordinator(
    cluster,
    'group',
    groupId,
    connection => connection.send(streamsApi, { groupIds: [groupId] }),
    response => response.groups[0]!.errorCode,
  )
  const group = groups[0]!
  check(group.errorCode, `describe streams group '${groupId}'`, group.errorMessage)
  return { ...group, coordinator: await cluster.coordinatorNode('group', groupId) }
}

/** Has members leave a classic group that may be gone already. By member id; a static one by its instance id. */
export async function removeGroupMembers(
  cluster: Cluster,
  groupId: string,
  members: readonly Pick<GroupMemberDescription, 'memberId' | 'instanceId'>[],
): Promise<void> {
  const leaving = members.map(({ memberId, instanceId }) =>
    instanceId === null ? { memberId, reason: 'removed by an admin' } : { memberId: '', groupInstanceId: instanceId },
  )
  const response = await askCoordinator(
    cluster,
    'group',
    groupId,
    connection => connection.send(leaveGroupApi, { groupId, members: leaving }),
    answer => answer.errorCode,
  )
  check(response.errorCode, `remove members of group '${groupId}'`)
  for (const { memberId, errorCode } of response.members)
    check(errorCode, `remove member '${memberId}' of group '${groupId}'`)
}

/** Of any kind. */
export async function deleteGroups(cluster: Cluster, groupIds: readonly string[]): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  for (const groupId of groupIds) {
    const response = await askCoordinator(
      cluster,
      'group',
      groupId,
      connection => connection.send(deleteGroupsApi, { groupsNames: [groupId] }),
      ({ results }) => results[0]!.errorCode,
    )
    outcomes.set(groupId, outcome(response.results[0]!.errorCode, `delete group '${groupId}'`))
  }
  return outcomes
}
