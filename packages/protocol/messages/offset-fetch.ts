/**
 * Committed offsets of a group; of several from version 8 on.
 *
 *  1  from __consumer_offsets                        2  null: all topics; an error for the whole
 *  5  leader epochs          6  flexible             7  may wait for transactions to end (require stable)
 *  8  many groups: the fields of one are gone        9  member epochs (KIP-848)
 * 10  topic ids instead of names
 */
import { array, bool, int16, int32, int64, message, type Of, string, uuid } from '../schema.ts'

export const OffsetFetchRequest = message(
  'OffsetFetchRequest',
  { key: 9, versions: '1-10', flexible: '6+', listeners: ['broker'] },
  {
    groupId: string('0-7'),
    topics: array(
      {
        name: string('0-7'),
        partitionIndexes: array(int32(), '0-7'),
      },
      '0-7',
      { nullable: '2-7' },
    ),
    groups: array(
      {
        groupId: string('8+'),
        memberId: string('9+', null, { nullable: '9+', ignorable: true }),
        memberEpoch: int32('9+', -1, { ignorable: true }),
        topics: array(
          {
            name: string('8-9', '', { ignorable: true }),
            topicId: uuid('10+', { ignorable: true }),
            partitionIndexes: array(int32(), '8+'),
          },
          '8+',
          { nullable: '8+' },
        ),
      },
      '8+',
    ),
    requireStable: bool('7+'),
  },
)

export type OffsetFetchRequest = Of<typeof OffsetFetchRequest>

export const OffsetFetchResponse = message(
  'OffsetFetchResponse',
  { key: 9, versions: '1-10', flexible: '6+' },
  {
    throttleTimeMs: int32('3+', 0, { ignorable: true }),
    topics: array(
      {
        name: string('0-7'),
        partitions: array(
          {
            partitionIndex: int32('0-7'),
            committedOffset: int64('0-7'),
            committedLeaderEpoch: int32('5-7', -1, { ignorable: true }),
            metadata: string('0-7', '', { nullable: '0-7' }),
            errorCode: int16('0-7'),
          },
          '0-7',
        ),
      },
      '0-7',
    ),
    errorCode: int16('2-7', 0, { ignorable: true }),
    groups: array(
      {
        groupId: string('8+'),
        topics: array(
          {
            name: string('8-9', '', { ignorable: true }),
            topicId: uuid('10+', { ignorable: true }),
            partitions: array(
              {
                partitionIndex: int32('8+'),
                committedOffset: int64('8+'),
                committedLeaderEpoch: int32('8+', -1, { ignorable: true }),
                metadata: string('8+', '', { nullable: '8+' }),
                errorCode: int16('8+'),
              },
              '8+',
            ),
          },
          '8+',
        ),
        errorCode: int16('8+'),
      },
      '8+',
    ),
  },
)

export type OffsetFetchResponse = Of<typeof OffsetFetchResponse>
