import { array, bool, int16, int32, message, type Of, string } from '../schema.ts'

export const AlterPartitionReassignmentsRequest = message(
  'AlterPartitionReassignmentsRequest',
  { key: 45, versions: '0-1', flexible: '0+', listeners: ['broker', 'controller'] },
  {
    timeoutMs: int32('0+', 60000),
    allowReplicationFactorChange: bool('1+', true),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32(), '0+', { nullable: '0+', defaultNull: true }),
      }),
    }),
  },
)

export type AlterPartitionReassignmentsRequest = Of<typeof AlterPartitionReassignmentsRequest>

export const AlterPartitionReassignmentsResponse = message(
  'AlterPartitionReassignmentsResponse',
  { key: 45, versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    allowReplicationFactorChange: bool('1+', true, { ignorable: true }),
    errorCode: int16(),
    errorMessage: string('0+', '', { nullable: '0+' }),
    responses: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('0+', '', { nullable: '0+' }),
      }),
    }),
  },
)

export type AlterPartitionReassignmentsResponse = Of<typeof AlterPartitionReassignmentsResponse>
