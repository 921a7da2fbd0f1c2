/**
 * Commits offsets of a group as a part of a transaction.
 *
 *  2  leader epochs          3  flexible; member, instance and generation, to fence       4  TRANSACTION_ABORTABLE
 *  5  the group joins the transaction by this request (KIP-890, transaction.version 2)
 */
import { array, int16, int32, int64, message, type Of, string } from '../schema.ts'

export const TxnOffsetCommitRequest = message(
  'TxnOffsetCommitRequest',
  { key: 28, versions: '0-5', flexible: '3+', listeners: ['broker'] },
  {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32('3+', -1),
    memberId: string('3+'),
    groupInstanceId: string('3+', null, { nullable: '3+' }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32('2+', -1, { ignorable: true }),
        committedMetadata: string('0+', '', { nullable: '0+' }),
      }),
    }),
  },
)

export type TxnOffsetCommitRequest = Of<typeof TxnOffsetCommitRequest>

export const TxnOffsetCommitResponse = message(
  'TxnOffsetCommitResponse',
  { key: 28, versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
)

export type TxnOffsetCommitResponse = Of<typeof TxnOffsetCommitResponse>
