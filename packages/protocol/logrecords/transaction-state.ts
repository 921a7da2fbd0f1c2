import { array, int8, int16, int32, int64, message, type Of, string } from '../schema.ts'

export const TransactionLogKey = message(
  'TransactionLogKey',
  { key: 0, versions: '0', flexible: 'none' },
  {
    transactionalId: string('0'),
  },
)

export type TransactionLogKey = Of<typeof TransactionLogKey>

export const TransactionLogValue = message(
  'TransactionLogValue',
  { key: 0, versions: '0-1', flexible: '1+' },
  {
    producerId: int64(),
    previousProducerId: int64('1+', -1, { tag: 0 }),
    nextProducerId: int64('1+', -1, { tag: 1 }),
    producerEpoch: int16(),
    nextProducerEpoch: int16('1+', -1, { tag: 3 }),
    transactionTimeoutMs: int32(),
    transactionStatus: int8(),
    transactionPartitions: array(
      {
        topic: string(),
        partitionIds: array(int32()),
      },
      '0+',
      { nullable: '0+' },
    ),
    transactionLastUpdateTimestampMs: int64(),
    transactionStartTimestampMs: int64(),
    clientTransactionVersion: int16('1+', 0, { tag: 2 }),
  },
)

export type TransactionLogValue = Of<typeof TransactionLogValue>
