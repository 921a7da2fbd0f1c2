import { array, bytes, int32, message, type Of, string } from '../schema.ts'

export const ConsumerProtocolAssignment = message(
  'ConsumerProtocolAssignment',
  { versions: '0-3', flexible: 'none' },
  {
    assignedPartitions: array({
      topic: string(),
      partitions: array(int32()),
    }),
    userData: bytes('0+', null, { nullable: '0+' }),
  },
)

export type ConsumerProtocolAssignment = Of<typeof ConsumerProtocolAssignment>

export const ConsumerProtocolSubscription = message(
  'ConsumerProtocolSubscription',
  { versions: '0-3', flexible: 'none' },
  {
    topics: array(string()),
    userData: bytes('0+', null, { nullable: '0+' }),
    ownedPartitions: array(
      {
        topic: string('1+'),
        partitions: array(int32(), '1+'),
      },
      '1+',
      { ignorable: true },
    ),
    generationId: int32('2+', -1, { ignorable: true }),
    rackId: string('3+', null, { nullable: '3+', ignorable: true }),
  },
)

export type ConsumerProtocolSubscription = Of<typeof ConsumerProtocolSubscription>
