/**
 * The leader's part of Produce: what a client's batch must be before it goes to the log, and the timestamps that the
 * broker decides. Kafka's LogValidator; the log itself checks sequence numbers and assigns offsets.
 *
 * A batch is changed in place where that is enough (maximum timestamp, timestamp type) and made anew only when the topic
 * wants another compression.
 */
import {
  type BatchHeader,
  batches,
  type Codec,
  CURRENT_MAGIC,
  type ErrorName,
  NO_TIMESTAMP,
  RecordCursor,
  recompressBatch,
  setMaxTimestampAndType,
  verifyBatch,
} from '@ottla/protocol'
import type { TopicConfig } from '../config/index.ts'
import { ApiError } from '../errors.ts'
import type { Partition } from './partition.ts'

export interface RecordError {
  readonly batchIndex: number
  readonly batchIndexErrorMessage: string
}

/** Single records are at fault: the response says which. */
export class InvalidRecordsError extends ApiError {
  readonly recordErrors: readonly RecordError[]

  constructor(code: ErrorName, message: string, recordErrors: readonly RecordError[]) {
    super(code, message)
    this.recordErrors = recordErrors
  }
}

export interface AppendOutcome {
  readonly firstOffset: number
  /** -1 unless the broker decides the timestamps. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /** Resolves when the batch may be acknowledged; rejects with KAFKA_STORAGE_ERROR. */
  readonly acknowledged: Promise<unknown>
}

const ALL_IN_SYNC = -1
const ZSTD_SINCE_VERSION = 7

/** Throws an ApiError, LogError or ProtocolError; then nothing has been appended. */
export function appendToLeader(
  partition: Partition,
  records: Uint8Array | null,
  acks: number,
  config: TopicConfig,
  nowMs: number,
  version: number,
): AppendOutcome {
  const log = partition.leaderLog(-1)
  const inSync = partition.assignment.isr.length
  if (acks === ALL_IN_SYNC && inSync < config.minInsyncReplicas) {
    throw new ApiError(
      'NOT_ENOUGH_REPLICAS',
      `${partition.name} has ${inSync} in-sync replicas, min.insync.replicas is ${config.minInsyncReplicas}`,
    )
  }
  const batch = theOnlyBatch(records, partition.name, config, version)
  const ready = prepare(records!.subarray(0, batch.sizeInBytes), batch, partition.name, config, nowMs)
  const appended = log.append(ready, {
    origin: 'client',
    leaderEpoch: partition.leaderEpoch,
    nowMs,
    checksumsVerified: true,
  })
  const written = appended.written.then(() => partition.onWritten(appended.sizeInBytes))
  const committed = acks === ALL_IN_SYNC ? partition.whenCommitted(appended.lastOffset + 1) : null
  const appendTime = config.messageTimestampType === 'LogAppendTime'
  return {
    firstOffset: appended.firstOffset,
    logAppendTimeMs: appended.duplicate ? appended.duplicateTimestamp : appendTime ? nowMs : -1,
    logStartOffset: log.logStartOffset,
    acknowledged: committed ? Promise.all([written, committed]) : written,
  }
}

/** Throws unless `records` is one batch that may be taken. Half a batch behind it is no batch, and passed over as in Kafka. */
function theOnlyBatch(records: Uint8Array | null, name: string, config: TopicConfig, version: number): BatchHeader {
  const [first, second] = records ? batches(records, 'skip') : []
  if (!first) throw invalid(`a produce request for ${name} without a record batch`)
  if (second) throw invalid(`more than one record batch for ${name}`)
  if (first.sizeInBytes > config.maxMessageBytes) {
    throw new ApiError(
      'MESSAGE_TOO_LARGE',
      `a batch of ${first.sizeInBytes} bytes for ${name} is over max.message.bytes=${config.maxMessageBytes}`,
    )
  }
  const batch = verifyBatch(records!)
  if (batch.magic !== CURRENT_MAGIC)
    throw invalid(`a batch of magic ${batch.magic} for ${name}; only ${CURRENT_MAGIC} is taken`)
  if (batch.codec === 'zstd' && version < ZSTD_SINCE_VERSION) {
    throw new ApiError('UNSUPPORTED_COMPRESSION_TYPE', `Produce version ${version} has no zstd`)
  }
  checkHeader(batch, name)
  return batch
}

function checkHeader(batch: BatchHeader, name: string): void {
  if (batch.baseOffset !== 0)
    throw invalid(`the base offset of a batch for ${name} has to be 0, not ${batch.baseOffset}`)
  if (batch.count <= 0) throw invalid(`a batch of ${batch.count} records for ${name}`)
  if (batch.lastOffsetDelta + 1 !== batch.count) {
    throw invalid(`a batch for ${name} counts ${batch.count} records over ${batch.lastOffsetDelta + 1} offsets`)
  }
  if (batch.isControl) throw invalid(`clients can't write control records to ${name}`)
  if (batch.producerId >= 0 && batch.baseSequence < 0) {
    throw invalid(`a batch of producer ${batch.producerId} for ${name} has sequence number ${batch.baseSequence}`)
  }
  if (batch.isTransactional) {
    throw new ApiError('INVALID_TXN_STATE', `producer ${batch.producerId} has no open transaction on ${name}`)
  }
}

/** Looks at each record; gives the bytes to append: the same ones, or compressed anew. */
function prepare(bytes: Uint8Array, batch: BatchHeader, name: string, config: TopicConfig, nowMs: number): Uint8Array {
  const maxTimestamp = checkRecords(bytes, batch, name, config, nowMs)
  const codec = targetCodec(config, batch)
  const level = levelOf(config, codec)
  const ready =
    codec === batch.codec ? bytes : recompressBatch(bytes, batch, level === undefined ? { codec } : { codec, level })
  if (ready.length > config.maxMessageBytes) {
    throw new ApiError('MESSAGE_TOO_LARGE', `compressed with ${codec}, a batch for ${name} has ${ready.length} bytes`)
  }
  const timestamp = config.messageTimestampType === 'LogAppendTime' ? nowMs : maxTimestamp
  setMaxTimestampAndType(ready, 0, timestamp, config.messageTimestampType)
  return ready
}

function targetCodec({ compressionType }: TopicConfig, batch: BatchHeader): Codec {
  if (compressionType === 'producer') return batch.codec
  return compressionType === 'uncompressed' ? 'none' : compressionType
}

function levelOf(config: TopicConfig, codec: Codec): number | undefined {
  if (codec === 'gzip') return config.compressionGzipLevel
  if (codec === 'lz4') return config.compressionLz4Level
  return codec === 'zstd' ? config.compressionZstdLevel : undefined
}

/** The largest timestamp; throws InvalidRecordsError. */
function checkRecords(bytes: Uint8Array, batch: BatchHeader, name: string, config: TopicConfig, nowMs: number): number {
  const errors: RecordError[] = []
  const earliest = nowMs - config.messageTimestampBeforeMaxMs
  const latest = nowMs + config.messageTimestampAfterMaxMs
  const decidesTimestamps = config.messageTimestampType === 'LogAppendTime'
  const isCompacted = config.cleanupPolicy.includes('compact')
  let badTimestamp = false
  let maxTimestamp = NO_TIMESTAMP
  const { baseTimestamp } = batch
  for (const cursor = new RecordCursor(bytes, batch); cursor.next(); ) {
    if (cursor.offsetDelta !== cursor.index)
      throw invalid(`record ${cursor.index} of a batch for ${name} has offset delta ${cursor.offsetDelta}`)
    const timestamp = baseTimestamp + cursor.timestampDelta
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    if (isCompacted && cursor.keyLength < 0) {
      errors.push({
        batchIndex: cursor.index,
        batchIndexErrorMessage: `a compacted topic takes no record without a key, as in ${name}`,
      })
    } else if (batch.timestampType === 'LogAppendTime') {
      badTimestamp = true
      errors.push({
        batchIndex: cursor.index,
        batchIndexErrorMessage: 'the timestamp type is LogAppendTime, which a producer must not set',
      })
    } else if (!decidesTimestamps && timestamp !== NO_TIMESTAMP && (timestamp < earliest || timestamp > latest)) {
      badTimestamp = true
      errors.push({
        batchIndex: cursor.index,
        batchIndexErrorMessage: `timestamp ${timestamp} is not within [${earliest}, ${latest}]`,
      })
    }
  }
  if (errors.length > 0) throw recordErrors(badTimestamp ? 'INVALID_TIMESTAMP' : 'INVALID_RECORD', errors)
  return maxTimestamp
}

function recordErrors(code: ErrorName, errors: readonly RecordError[]): InvalidRecordsError {
  const first = errors[0]!
  return new InvalidRecordsError(
    code,
    `${errors.length} records were refused, first record ${first.batchIndex}: ${first.batchIndexErrorMessage}`,
    errors,
  )
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_RECORD', message)
}
