/**
 * From a leader to the controller: the ISR has changed.
 *
 *  2  topic ids instead of names                     3  broker epochs of the members (KIP-903)
 */
import { array, int8, int16, int32, int64, message, type Of, uuid } from '../schema.ts'

export const AlterPartitionRequest = message(
  'AlterPartitionRequest',
  { key: 56, versions: '2-3', flexible: '0+', listeners: ['controller'] },
  {
    brokerId: int32(),
    brokerEpoch: int64('0+', -1),
    topics: array({
      topicId: uuid('2+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        leaderEpoch: int32(),
        newIsr: array(int32(), '0-2'),
        newIsrWithEpochs: array(
          {
            brokerId: int32('3+'),
            brokerEpoch: int64('3+', -1),
          },
          '3+',
        ),
        leaderRecoveryState: int8('1+'),
        partitionEpoch: int32(),
      }),
    }),
  },
)

export type AlterPartitionRequest = Of<typeof AlterPartitionRequest>

export const AlterPartitionResponse = message(
  'AlterPartitionResponse',
  { key: 56, versions: '2-3', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    topics: array({
      topicId: uuid('2+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
        isr: array(int32()),
        leaderRecoveryState: int8('1+', 0, { ignorable: true }),
        partitionEpoch: int32(),
      }),
    }),
  },
)

export type AlterPartitionResponse = Of<typeof AlterPartitionResponse>
