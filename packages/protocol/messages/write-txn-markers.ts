/**
 * From the transaction coordinator to the leaders: write the end of a transaction into these partitions.
 *
 *  1  flexible               2  transaction.version, which decides how the epoch is checked (KIP-1228)
 */
import { array, bool, int8, int16, int32, int64, message, type Of, string } from '../schema.ts'

export const WriteTxnMarkersRequest = message(
  'WriteTxnMarkersRequest',
  { key: 27, versions: '1-2', flexible: '1+', listeners: ['broker'] },
  {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      transactionResult: bool(),
      topics: array({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      coordinatorEpoch: int32(),
      transactionVersion: int8('2+', 0, { ignorable: true }),
    }),
  },
)

export type WriteTxnMarkersRequest = Of<typeof WriteTxnMarkersRequest>

export const WriteTxnMarkersResponse = message(
  'WriteTxnMarkersResponse',
  { key: 27, versions: '1-2', flexible: '1+' },
  {
    markers: array({
      producerId: int64(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
        }),
      }),
    }),
  },
)

export type WriteTxnMarkersResponse = Of<typeof WriteTxnMarkersResponse>
