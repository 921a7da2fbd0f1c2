/** How transactions are written in `__transaction_state`. */
import {
  type CoordinatorSchema,
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorKey,
  encodeCoordinatorValue,
} from '@ottla/protocol'
import { TransactionLogKey, TransactionLogValue } from '@ottla/protocol/logrecords/transaction-state'
import type { RecordSerde } from '../shard.ts'
import type { TransactionRecord } from './records.ts'

const TRANSACTION_LOG = 0

const SCHEMAS = new Map<number, CoordinatorSchema>([
  [TRANSACTION_LOG, { key: TransactionLogKey, value: TransactionLogValue }],
])

export const transactionSerde: RecordSerde<TransactionRecord> = {
  encode({ transactionalId, value, version }) {
    const key = encodeCoordinatorKey(TRANSACTION_LOG, TransactionLogKey, { transactionalId })
    return { key, value: value && encodeCoordinatorValue(TransactionLogValue, version, value) }
  },

  decode(keyBytes, valueBytes) {
    const decoded = decodeCoordinatorRecord(SCHEMAS, keyBytes, valueBytes)
    if (!decoded) return { unknownType: coordinatorRecordType(keyBytes) }
    const { transactionalId } = decoded.key as TransactionLogKey
    const value = decoded.value as TransactionLogValue | null
    return { record: { transactionalId, value, version: decoded.valueVersion } }
  },
}
