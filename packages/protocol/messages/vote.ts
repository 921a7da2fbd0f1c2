/**
 * Asks a voter of the quorum for its vote.
 *
 *  1  voter and directory ids (KIP-853)              2  pre-vote: would you?
 */
import { array, bool, int16, int32, int64, message, type Of, string, uint16, uuid } from '../schema.ts'

export const VoteRequest = message(
  'VoteRequest',
  { key: 52, versions: '0-2', flexible: '0+', listeners: ['controller'] },
  {
    clusterId: string('0+', null, { nullable: '0+' }),
    voterId: int32('1+', -1, { ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        replicaEpoch: int32(),
        replicaId: int32(),
        replicaDirectoryId: uuid('1+', { ignorable: true }),
        voterDirectoryId: uuid('1+', { ignorable: true }),
        lastOffsetEpoch: int32(),
        lastOffset: int64(),
        preVote: bool('2+'),
      }),
    }),
  },
)

export type VoteRequest = Of<typeof VoteRequest>

export const VoteResponse = message(
  'VoteResponse',
  { key: 52, versions: '0-2', flexible: '0+' },
  {
    errorCode: int16(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
        voteGranted: bool(),
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

export type VoteResponse = Of<typeof VoteResponse>
