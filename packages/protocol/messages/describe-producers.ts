import { array, int16, int32, int64, message, type Of, string } from '../schema.ts'

export const DescribeProducersRequest = message(
  'DescribeProducersRequest',
  { key: 61, versions: '0', flexible: '0+', listeners: ['broker'] },
  {
    topics: array({
      name: string(),
      partitionIndexes: array(int32()),
    }),
  },
)

export type DescribeProducersRequest = Of<typeof DescribeProducersRequest>

export const DescribeProducersResponse = message(
  'DescribeProducersResponse',
  { key: 61, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('0+', null, { nullable: '0+' }),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32('0+', -1),
          lastTimestamp: int64('0+', -1),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64('0+', -1),
        }),
      }),
    }),
  },
)

export type DescribeProducersResponse = Of<typeof DescribeProducersResponse>
