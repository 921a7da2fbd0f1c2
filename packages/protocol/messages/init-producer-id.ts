/**
 * A producer id and epoch; with a transactional id it fences whoever had it.
 *
 *  2  flexible               3  the producer may bump its own epoch (KIP-360)
 *  4  PRODUCER_FENCED        5  TRANSACTION_ABORTABLE
 *  6  two-phase commit (KIP-939); not final
 */
import { bool, int16, int32, int64, message, type Of, string } from '../schema.ts'

export const InitProducerIdRequest = message(
  'InitProducerIdRequest',
  { key: 22, versions: '0-6', flexible: '2+', listeners: ['broker'], latestVersionUnstable: true },
  {
    transactionalId: string('0+', '', { nullable: '0+' }),
    transactionTimeoutMs: int32(),
    producerId: int64('3+', -1),
    producerEpoch: int16('3+', -1),
    enable2Pc: bool('6+'),
    keepPreparedTxn: bool('6+'),
  },
)

export type InitProducerIdRequest = Of<typeof InitProducerIdRequest>

export const InitProducerIdResponse = message(
  'InitProducerIdResponse',
  { key: 22, versions: '0-6', flexible: '2+' },
  {
    throttleTimeMs: int32('0+', 0, { ignorable: true }),
    errorCode: int16(),
    producerId: int64('0+', -1),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64('6+', -1),
    ongoingTxnProducerEpoch: int16('6+', -1),
  },
)

export type InitProducerIdResponse = Of<typeof InitProducerIdResponse>
