/** The public side of records/ and compression/. */
export * from '../compression/index.ts'
export { crc32c } from '../crc32c.ts'
export {
  addToSequence,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  type BatchPeek,
  batches,
  batchSizeAt,
  CURRENT_MAGIC,
  HEADER_BYTES_UP_TO_MAGIC,
  isTransactional,
  knownCodec,
  LOG_OVERHEAD,
  lastSequence,
  NO_OFFSET,
  NO_PARTITION_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  nextBatch,
  peekBatch,
  readBatchHeader,
  setBaseOffset,
  setMaxTimestampAndType,
  setPartitionLeaderEpoch,
  type TimestampType,
  verifyBatch,
} from './batch.ts'
export {
  BatchBuilder,
  type BatchOptions,
  type BuilderOptions,
  encodeBatch,
  type RecordInput,
  recompressBatch,
} from './builder.ts'
export {
  type ControlRecord,
  ControlType,
  decodeControlRecord,
  type EndTxnMarkerOptions,
  encodeEndTxnMarker,
  encodeQuorumControl,
  type QuorumControlOptions,
  type QuorumControlRecord,
} from './control.ts'
export type { KafkaRecord, RecordHeader } from './kafka-record.ts'
export {
  DEFAULT_MAX_DECOMPRESSED_BYTES,
  type DecodeOptions,
  decodeRecords,
  RecordCursor,
  recordsPayload,
} from './record.ts'
