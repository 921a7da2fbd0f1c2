/**
 * Leader, voters and observers of the quorum, and how far they are.
 *
 *  1  when they last fetched, and were caught up (KIP-836)                     2  directory ids, endpoints (KIP-853)
 */
import { array, int16, int32, int64, message, type Of, string, uint16, uuid } from '../schema.ts'

const ReplicaState = {
  replicaId: int32(),
  replicaDirectoryId: uuid('2+'),
  logEndOffset: int64(),
  lastFetchTimestamp: int64('1+', -1, { ignorable: true }),
  lastCaughtUpTimestamp: int64('1+', -1, { ignorable: true }),
}

export const DescribeQuorumRequest = message(
  'DescribeQuorumRequest',
  { key: 55, versions: '0-2', flexible: '0+', listeners: ['broker', 'controller'] },
  {
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  },
)

export type DescribeQuorumRequest = Of<typeof DescribeQuorumRequest>

export const DescribeQuorumResponse = message(
  'DescribeQuorumResponse',
  { key: 55, versions: '0-2', flexible: '0+' },
  {
    errorCode: int16(),
    errorMessage: string('2+', '', { nullable: '2+', ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('2+', '', { nullable: '2+', ignorable: true }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array(ReplicaState),
        observers: array(ReplicaState),
      }),
    }),
    nodes: array(
      {
        nodeId: int32('2+'),
        listeners: array(
          {
            name: string('2+'),
            host: string('2+'),
            port: uint16('2+'),
          },
          '2+',
        ),
      },
      '2+',
    ),
  },
)

export type DescribeQuorumResponse = Of<typeof DescribeQuorumResponse>
