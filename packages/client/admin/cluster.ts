/** The cluster itself: its id, its brokers or controllers, and taking a broker that is gone off the list. */
import { DescribeClusterRequest, DescribeClusterResponse } from '@ottla/protocol/messages/describe-cluster'
import { UnregisterBrokerRequest, UnregisterBrokerResponse } from '@ottla/protocol/messages/unregister-broker'
import { askAny } from '../ask.ts'
import type { Cluster, ClusterNode } from '../cluster.ts'
import { check } from '../errors.ts'

const describeApi = { request: DescribeClusterRequest, response: DescribeClusterResponse }
const unregisterApi = { request: UnregisterBrokerRequest, response: UnregisterBrokerResponse }

const EndpointType = { brokers: 1, controllers: 2 } as const

export interface ClusterDescription {
  readonly clusterId: string
  readonly controllerId: number
  readonly nodes: readonly (ClusterNode & { readonly isFenced: boolean })[]
}

export async function describeCluster(
  cluster: Cluster,
  {
    endpoints = 'brokers',
    includeFenced = false,
  }: { readonly endpoints?: keyof typeof EndpointType; readonly includeFenced?: boolean } = {},
): Promise<ClusterDescription> {
  const asked = { endpointType: EndpointType[endpoints], includeFencedBrokers: includeFenced }
  const { errorCode, errorMessage, clusterId, controllerId, brokers } = await askAny(cluster, describeApi, asked)
  check(errorCode, 'describe the cluster', errorMessage)
  const nodes = brokers.map(({ brokerId, host, port, rack, isFenced }) => ({
    id: brokerId,
    host,
    port,
    rack,
    isFenced,
  }))
  return { clusterId, controllerId, nodes }
}

/** Of a broker that will not come back. */
export async function unregisterBroker(cluster: Cluster, brokerId: number): Promise<void> {
  const { errorCode, errorMessage } = await askAny(cluster, unregisterApi, { brokerId })
  check(errorCode, `unregister broker ${brokerId}`, errorMessage)
}
