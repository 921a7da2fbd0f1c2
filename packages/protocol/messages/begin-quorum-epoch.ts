import { array, int16, int32, message, type Of, string, uint16, uuid } from '../schema.ts'

export const BeginQuorumEpochRequest = message(
  'BeginQuorumEpochRequest',
  { key: 53, versions: '0-1', flexible: '1+', listeners: ['controller'] },
  {
    clusterId: string('0+', null, { nullable: '0+' }),
    voterId: int32('1+', -1, { ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        voterDirectoryId: uuid('1+', { ignorable: true }),
        leaderId: int32(),
        leaderEpoch: int32(),
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

export type BeginQuorumEpochRequest = Of<typeof BeginQuorumEpochRequest>

export const BeginQuorumEpochResponse = message(
  'BeginQuorumEpochResponse',
  { key: 53, versions: '0-1', flexible: '1+' },
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

export type BeginQuorumEpochResponse = Of<typeof BeginQuorumEpochResponse>
