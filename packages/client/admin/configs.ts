/** Configurations of topics, brokers, their loggers, groups and client metrics: described, changed key by key, listed. */
import { DescribeConfigsRequest, DescribeConfigsResponse } from '@ottla/protocol/messages/describe-configs'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { ListConfigResourcesRequest, ListConfigResourcesResponse } from '@ottla/protocol/messages/list-config-resources'
import { askAny } from '../ask.ts'
import type { Cluster } from '../cluster.ts'
import type { BrokerConnection } from '../connection.ts'
import { check, type KafkaError, outcome } from '../errors.ts'

export type ConfigEntry = DescribeConfigsResponse['results'][number]['configs'][number]

const describeConfigsApi = { request: DescribeConfigsRequest, response: DescribeConfigsResponse }
const alterConfigsApi = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const listApi = { request: ListConfigResourcesRequest, response: ListConfigResourcesResponse }

/** By Kafka's number. */
export const ResourceType = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const
export type ResourceType = (typeof ResourceType)[keyof typeof ResourceType]

export const ConfigOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const

/** Where a value comes from, by Kafka's number. */
export const ConfigSource = {
  topic: 1,
  broker: 2,
  defaultBroker: 3,
  static: 4,
  default: 5,
  brokerLogger: 6,
  clientMetrics: 7,
  group: 8,
} as const

/** One broker answers for itself and its loggers; for all else, what all brokers share included, any does, and a controller. */
function ofResource(cluster: Cluster, resourceType: number, resourceName: string): Promise<BrokerConnection> {
  const isOneBroker = resourceType === ResourceType.broker || resourceType === ResourceType.brokerLogger
  return isOneBroker && resourceName !== '' && !cluster.areControllers
    ? cluster.broker(Number(resourceName))
    : cluster.any()
}

export async function describeConfigs(
  cluster: Cluster,
  resourceType: number,
  resourceName: string,
  { synonyms = false }: { readonly synonyms?: boolean } = {},
): Promise<ConfigEntry[]> {
  const connection = await ofResource(cluster, resourceType, resourceName)
  const response = await connection.send(describeConfigsApi, {
    resources: [{ resourceType, resourceName, configurationKeys: null }],
    includeSynonyms: synonyms,
    includeDocumentation: false,
  })
  const result = response.results[0]!
  check(result.errorCode, `describe configuration of '${resourceName}'`, result.errorMessage)
  return result.configs
}

/** Of many at once that any broker answers for: topics, groups, client metrics. */
export async function describeManyConfigs(
  cluster: Cluster,
  resourceType: number,
  names: readonly string[],
): Promise<Map<string, ConfigEntry[] | KafkaError>> {
  if (names.length === 0) return new Map()
  const resources = names.map(resourceName => ({ resourceType, resourceName, configurationKeys: null }))
  const { results } = await askAny(cluster, describeConfigsApi, { resources })
  return new Map(
    results.map(({ resourceName, errorCode, errorMessage, configs }) => [
      resourceName,
      outcome(errorCode, `describe configuration of '${resourceName}'`, errorMessage) ?? configs,
    ]),
  )
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
  const connection = await ofResource(cluster, resourceType, resourceName)
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

/** Names of what has a configuration of its own. */
export async function listConfigResources(cluster: Cluster, resourceType: ResourceType): Promise<string[]> {
  const response = await askAny(cluster, listApi, { resourceTypes: [resourceType] })
  check(response.errorCode, 'list what has a configuration')
  return response.configResources
    .filter(resource => resource.resourceType === resourceType)
    .map(({ resourceName }) => resourceName)
}
