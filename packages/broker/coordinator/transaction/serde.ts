/** How transactions are written in `__transaction_state`. */
import {
  type CoordinatorSchema,
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorKey,
  encodeCoordinatorValue,
  Reader,
} from '@ottla/protocol'
import { TransactionLogKey, TransactionLogValue } from '@ottla/protocol/logrecords/transaction-state'
import type { RecordSerde } from '../shard.ts'
import type { TransactionRecord } from './records.ts'

const TRANSACTION_LOG = 0

const SCHEMAS = new Map<number, CoordinatorSchema>([
  [TRANSACTION_LOG, { key: TransactionLogKey, value: TransactionLogValue }],
])

/** Left by a later version, as records of other types are; null: it is known, or a tombstone. */
function unknownVersion(value: Uint8Array | null): number | null {
  if (value === null) return null
  const { min, max } = TransactionLogValue.versions
  const version = new Reader(value).int16()
  return version < min || version > max ? version : null
}

export const transactionSerde: RecordSerde<TransactionRecord> = {
  encode({ transactionalId, value, version }) {
    const key = encodeCoordinatorKey(TRANSACTION_LOG, TransactionLogKey, { transactionalId })
    return { key, value: value && encodeCoordinatorValue(TransactionLogValue, version, value) }
  },

  decode(keyBytes, valueBytes) {
    const recordType = coordinatorRecordType(keyBytes)
    if (!SCHEMAS.has(recordType)) return { unknown: `type ${recordType}` }
    const version = unknownVersion(valueBytes)
    if (version !== null) return { unknown: `version ${version}` }
    const decoded = decodeCoordinatorRecord(SCHEMAS, keyBytes, valueBytes)!
    const { transactionalId } = decoded.key as TransactionLogKey
    const value = decoded.value as TransactionLogValue | null
    return { record: { transactionalId, value, version: decoded.valueVersion } }
  },
}
