/** What the commands ask of a cluster: topics, configurations, groups. Each throws a KafkaError that names what failed. */
import { CreatePartitionsRequest, CreatePartitionsResponse } from '@ottla/protocol/messages/create-partitions'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteGroupsRequest, DeleteGroupsResponse } from '@ottla/protocol/messages/delete-groups'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import { DescribeConfigsRequest, DescribeConfigsResponse } from '@ottla/protocol/messages/describe-configs'
import { DescribeGroupsRequest, DescribeGroupsResponse } from '@ottla/protocol/messages/describe-groups'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { ListGroupsRequest, ListGroupsResponse } from '@ottla/protocol/messages/list-groups'
import type { MetadataResponse } from '@ottla/protocol/messages/metadata'
import type { Cluster } from './cluster.ts'
import { check } from './errors.ts'
import { askCoordinator } from './group-member.ts'

export type ConfigEntry = DescribeConfigsResponse['results'][number]['configs'][number]
export type GroupDescription = DescribeGroupsResponse['groups'][number]

const createTopicsApi = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const deleteTopicsApi = { request: DeleteTopicsRequest, response: DeleteTopicsResponse }
const createPartitionsApi = { request: CreatePartitionsRequest, response: CreatePartitionsResponse }
const describeConfigsApi = { request: DescribeConfigsRequest, response: DescribeConfigsResponse }
const alterConfigsApi = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const listGroupsApi = { request: ListGroupsRequest, response: ListGroupsResponse }
const describeGroupsApi = { request: DescribeGroupsRequest, response: DescribeGroupsResponse }
const deleteGroupsApi = { request: DeleteGroupsRequest, response: DeleteGroupsResponse }

const TIMEOUT_MS = 30_000
const WITH_TOPIC_NAMES = 5

export const ResourceType = { topic: 2, broker: 4, group: 32 } as const
export const ConfigOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export interface NewTopic {
  readonly name: string
  /** -1: the broker's default. */
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: ReadonlyMap<string, string>
}

export async function createTopic(
  cluster: Cluster,
  topic: NewTopic,
): Promise<{ partitions: number; replicationFactor: number }> {
  const connection = await cluster.any()
  const response = await connection.send(createTopicsApi, {
    topics: [
      {
        name: topic.name,
        numPartitions: topic.partitions,
        replicationFactor: topic.replicationFactor,
        configs: [...topic.configs].map(([name, value]) => ({ name, value })),
      },
    ],
    timeoutMs: TIMEOUT_MS,
  })
  const result = response.topics[0]!
  check(result.errorCode, `create topic '${topic.name}'`, result.errorMessage)
  return { partitions: result.numPartitions, replicationFactor: result.replicationFactor }
}

export async function deleteTopic(cluster: Cluster, name: string): Promise<void> {
  const connection = await cluster.any()
  const response = await connection.send(
    deleteTopicsApi,
    { topicNames: [name], timeoutMs: TIMEOUT_MS },
    { maxVersion: WITH_TOPIC_NAMES },
  )
  const result = response.responses[0]!
  cluster.forgetTopic(name)
  check(result.errorCode, `delete topic '${name}'`, result.errorMessage)
}

/** To `count` in all. */
export async function addPartitions(cluster: Cluster, name: string, count: number): Promise<void> {
  const connection = await cluster.any()
  const response = await connection.send(createPartitionsApi, {
    topics: [{ name, count, assignments: null }],
    timeoutMs: TIMEOUT_MS,
  })
  const result = response.results[0]!
  cluster.forgetTopic(name)
  check(result.errorCode, `add partitions to topic '${name}'`, result.errorMessage)
}

/** All topics, or those named; sorted by name. A topic that is not there has its error code in the result. */
export async function listTopics(
  cluster: Cluster,
  names: readonly string[] | null,
): Promise<MetadataResponse['topics']> {
  const { topics } = await cluster.metadata(names)
  return topics.sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1))
}

export async function describeConfigs(
  cluster: Cluster,
  resourceType: number,
  resourceName: string,
): Promise<ConfigEntry[]> {
  const connection =
    resourceType === ResourceType.broker ? await cluster.broker(Number(resourceName)) : await cluster.any()
  const response = await connection.send(describeConfigsApi, {
    resources: [{ resourceType, resourceName, configurationKeys: null }],
    includeSynonyms: false,
    includeDocumentation: true,
  })
  const result = response.results[0]!
  check(result.errorCode, `describe configuration of '${resourceName}'`, result.errorMessage)
  return result.configs
}

export interface ConfigChange {
  readonly name: string
  /** null: back to the default. */
  readonly value: string | null
}

export async function alterConfigs(
  cluster: Cluster,
  resourceType: number,
  resourceName: string,
  changes: readonly ConfigChange[],
): Promise<void> {
  const isOneBroker = resourceType === ResourceType.broker && resourceName !== ''
  const connection = isOneBroker ? await cluster.broker(Number(resourceName)) : await cluster.any()
  const response = await connection.send(alterConfigsApi, {
    resources: [
      {
        resourceType,
        resourceName,
        configs: changes.map(({ name, value }) => ({
          name,
          value,
          configOperation: value === null ? ConfigOperation.delete : ConfigOperation.set,
        })),
      },
    ],
  })
  const result = response.responses[0]!
  check(result.errorCode, `alter configuration of '${resourceName}'`, result.errorMessage)
}

export interface GroupListing {
  readonly groupId: string
  readonly protocolType: string
  readonly state: string
  readonly type: string
}

/** Of all brokers. */
export async function listGroups(cluster: Cluster): Promise<GroupListing[]> {
  const listings: GroupListing[] = []
  for (const id of await cluster.brokerIds()) {
    const connection = await cluster.broker(id)
    const response = await connection.send(listGroupsApi, {})
    check(response.errorCode, `list the groups of broker ${id}`)
    for (const { groupId, protocolType, groupState, groupType } of response.groups) {
      listings.push({ groupId, protocolType, state: groupState, type: groupType })
    }
  }
  return listings.sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
}

/** A group that nobody knows is described as dead, or as GROUP_ID_NOT_FOUND by recent brokers. */
export async function describeGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  const group = await askCoordinator(cluster, groupId, async connection => {
    const response = await connection.send(describeGroupsApi, { groups: [groupId] })
    return response.groups[0]!
  })
  check(group.errorCode, `describe group '${groupId}'`, group.errorMessage)
  return group
}

export async function deleteGroup(cluster: Cluster, groupId: string): Promise<void> {
  const result = await askCoordinator(cluster, groupId, async connection => {
    const response = await connection.send(deleteGroupsApi, { groupsNames: [groupId] })
    return response.results[0]!
  })
  check(result.errorCode, `delete group '${groupId}'`)
}
