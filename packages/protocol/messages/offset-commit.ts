/**
 * Commits offsets of a group.
 *
 *  2  a retention time, gone again in 5              6  leader epochs        7  static members
 *  8  flexible               9  member epochs of consumer groups go into the generation (KIP-848)
 * 10  topic ids instead of names
 */
import { array, int16, int32, int64, message, type Of, string, uuid } from '../schema.ts'

export const OffsetCommitRequest = message(
  'OffsetCommitRequest',
  { key: 8, versions: '2-10', flexible: '8+', listeners: ['broker'] },
  {
    groupId: string(),
    generationIdOrMemberEpoch: int32('1+', -1, { ignorable: true }),
    memberId: string('1+', '', { ignorable: true }),
    groupInstanceId: string('7+', null, { nullable: '7+' }),
    retentionTimeMs: int64('2-4', -1, { ignorable: true }),
    topics: array({
      name: string('0-9', '', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32('6+', -1, { ignorable: true }),
        committedMetadata: string('0+', '', { nullable: '0+' }),
      }),
    }),
  },
)

export type OffsetCommitRequest = Of<typeof OffsetCommitRequest>

export const OffsetCommitResponse = message(
  'OffsetCommitResponse',
  { key: 8, versions: '2-10', flexible: '8+' },
  {
    throttleTimeMs: int32('3+', 0, { ignorable: true }),
    topics: array({
      name: string('0-9', '', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
)

export type OffsetCommitResponse = Of<typeof OffsetCommitResponse>
