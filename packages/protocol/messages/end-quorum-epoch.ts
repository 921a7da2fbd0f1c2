import { array, int16, int32, message, type Of, string, uint16, uuid } from '../schema.ts'

export const EndQuorumEpochRequest = message(
  'EndQuorumEpochRequest',
  { key: 54, versions: '0-1', flexible: '1+', listeners: ['controller'] },
  {
    clusterId: string('0+', null, { nullable: '0+' }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32(),
        preferredSuccessors: array(int32(), '0', { ignorable: true }),
        preferredCandidates: array(
          {
            candidateId: int32('1+'),
            candidateDirectoryId: uuid('1+'),
          },
          '1+',
          { ignorable: true },
        ),
      }),
    }),
    leaderEndpoints: array(
      {
        name: string('1+'),
        host: string('1+'),
        port: uint16('1+'),
      },
      '1+',
      { ignorable: true },
    ),
  },
)

export type EndQuorumEpochRequest = Of<typeof EndQuorumEpochRequest>

export const EndQuorumEpochResponse = message(
  'EndQuorumEpochResponse',
  { key: 54, versions: '0-1', flexible: '1+' },
  {
    errorCode: int16(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32('1+'),
        host: string('1+'),
        port: uint16('1+'),
      },
      '1+',
      { tag: 0 },
    ),
  },
)

export type EndQuorumEpochResponse = Of<typeof EndQuorumEpochResponse>
