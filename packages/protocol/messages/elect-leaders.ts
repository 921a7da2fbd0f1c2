import { array, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const ElectLeadersRequest = message(
  'ElectLeadersRequest',
  { key: 43, versions: '0-2', flexible: '2+', listeners: ['broker', 'controller'] },
  {
    electionType: int8('1+'),
    topicPartitions: array(
      {
        topic: string(),
        partitions: array(int32()),
      },
      '0+',
      { nullable: '0+' },
    ),
    timeoutMs: int32('0+', 60000),
  },
)

export type ElectLeadersRequest = Of<typeof ElectLeadersRequest>

export const ElectLeadersResponse = message(
  'ElectLeadersResponse',
  { key: 43, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16('1+'),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: string('0+', '', { nullable: '0+' }),
      }),
    }),
  },
)

export type ElectLeadersResponse = Of<typeof ElectLeadersResponse>
