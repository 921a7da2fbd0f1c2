/**
 * Nodes and id of the cluster.
 *
 *  1  brokers or controllers (KIP-919)               2  fenced brokers, too (KIP-1073)
 */
import { array, bool, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const DescribeClusterRequest = message(
  'DescribeClusterRequest',
  { key: 60, versions: '0-2', flexible: '0+', listeners: ['broker', 'controller'] },
  {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8('1+', 1),
    includeFencedBrokers: bool('2+'),
  },
)

export type DescribeClusterRequest = Of<typeof DescribeClusterRequest>

export const DescribeClusterResponse = message(
  'DescribeClusterResponse',
  { key: 60, versions: '0-2', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', null, { nullable: '0+' }),
    endpointType: int8('1+', 1),
    clusterId: string(),
    controllerId: int32('0+', -1),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string('0+', null, { nullable: '0+' }),
      isFenced: bool('2+'),
    }),
    clusterAuthorizedOperations: int32('0+', -2147483648),
  },
)

export type DescribeClusterResponse = Of<typeof DescribeClusterResponse>
