import { array, int16, int32, int64, message, type Of, string, uint32, uuid } from '../schema.ts'

export const QuorumStateData = message(
  'QuorumStateData',
  { versions: '0-1', flexible: '0+' },
  {
    clusterId: string('0'),
    leaderId: int32('0+', -1),
    leaderEpoch: int32('0+', -1),
    votedId: int32('0+', -1),
    votedDirectoryId: uuid('1+'),
    appliedOffset: int64('0'),
    currentVoters: array(
      {
        voterId: int32('0'),
      },
      '0',
      { nullable: '0' },
    ),
  },
)

export type QuorumStateData = Of<typeof QuorumStateData>

export const ProducerSnapshot = message(
  'ProducerSnapshot',
  { versions: '1', flexible: 'none' },
  {
    crc: uint32('1'),
    producerEntries: array(
      {
        producerId: int64('1'),
        epoch: int16('1'),
        lastSequence: int32('1'),
        lastOffset: int64('1'),
        offsetDelta: int32('1'),
        timestamp: int64('1'),
        coordinatorEpoch: int32('1'),
        currentTxnFirstOffset: int64('1'),
      },
      '1',
    ),
  },
)

export type ProducerSnapshot = Of<typeof ProducerSnapshot>
