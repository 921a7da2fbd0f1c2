/**
 * Commits or aborts a transaction.
 *
 *  3  flexible               4  TRANSACTION_ABORTABLE
 *  5  the response has the next producer epoch (KIP-890, transaction.version 2)
 */
import { bool, int16, int32, int64, message, type Of, string } from '../schema.ts'

export const EndTxnRequest = message(
  'EndTxnRequest',
  { key: 26, versions: '0-5', flexible: '3+', listeners: ['broker'] },
  {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool(),
  },
)

export type EndTxnRequest = Of<typeof EndTxnRequest>

export const EndTxnResponse = message(
  'EndTxnResponse',
  { key: 26, versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64('5+', -1, { ignorable: true }),
    producerEpoch: int16('5+', -1, { ignorable: true }),
  },
)

export type EndTxnResponse = Of<typeof EndTxnResponse>
