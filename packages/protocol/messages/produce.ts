/**
 * Appends record batches. With acks 0 nothing answers.
 *
 *  3  record batches v2 and transactional ids (the oldest one served; 0-2 are advertised all the same, for librdkafka)
 *  7  zstd            8  errors of single records        9  flexible
 * 10  the new leader comes with NOT_LEADER_OR_FOLLOWER (KIP-951)
 * 11  TRANSACTION_ABORTABLE as an error
 * 12  in a transaction the partitions join it by being written to (KIP-890, transaction.version 2)
 * 13  topic ids instead of names
 */
import { array, int16, int32, int64, message, type Of, records, string, struct, uuid } from '../schema.ts'

export const ProduceRequest = message(
  'ProduceRequest',
  { key: 0, versions: '3-13', flexible: '9+', listeners: ['broker'] },
  {
    transactionalId: string('3+', null, { nullable: '3+' }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string('0-12', '', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitionData: array({
        index: int32(),
        records: records('0+', undefined, { nullable: '0+' }),
      }),
    }),
  },
)

export type ProduceRequest = Of<typeof ProduceRequest>

export const ProduceResponse = message(
  'ProduceResponse',
  { key: 0, versions: '3-13', flexible: '9+' },
  {
    responses: array({
      name: string('0-12', '', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64('2+', -1, { ignorable: true }),
        logStartOffset: int64('5+', -1, { ignorable: true }),
        recordErrors: array(
          {
            batchIndex: int32('8+'),
            batchIndexErrorMessage: string('8+', null, { nullable: '8+' }),
          },
          '8+',
          { ignorable: true },
        ),
        errorMessage: string('8+', null, { nullable: '8+', ignorable: true }),
        currentLeader: struct(
          {
            leaderId: int32('10+', -1),
            leaderEpoch: int32('10+', -1),
          },
          '10+',
          { tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32('1+', 0, { ignorable: true }),
    nodeEndpoints: array(
      {
        nodeId: int32('10+'),
        host: string('10+'),
        port: int32('10+'),
        rack: string('10+', null, { nullable: '10+' }),
      },
      '10+',
      { tag: 0 },
    ),
  },
)

export type ProduceResponse = Of<typeof ProduceResponse>
