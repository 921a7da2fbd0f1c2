/**
 * The leader's part of Produce: what a client's batch must be before it goes to the log, and the timestamps that the
 * broker decides. Kafka's LogValidator; the log itself checks sequence numbers and assigns offsets.
 *
 * A batch is changed in place where that is enough (maximum timestamp, timestamp type) and made anew only when the topic
 * wants another compression.
 */
import type { VerificationGuard } from '@ottla/log'
import {
  type BatchHeader,
  type Codec,
  CURRENT_MAGIC,
  type ErrorName,
  isTransactional,
  knownCodec,
  NO_TIMESTAMP,
  ProtocolError,
  peekBatch,
  RecordCursor,
  recompressBatch,
  setMaxTimestampAndType,
  verifyBatch,
} from '@ottla/protocol'
import type { TopicConfig } from '../config/index.ts'
import { APPENDS, type AppendEvent } from '../diagnostics.ts'
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
  readonly lastOffset: number
  /** -1 unless the broker decides the timestamps. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /** Settles when nobody will look at the batch's bytes any more. */
  readonly written: Promise<unknown>
  /** Resolves when the batch may be acknowledged; rejects with KAFKA_STORAGE_ERROR. */
  readonly acknowledged: Promise<unknown>
}

const ALL_IN_SYNC = -1
const ZSTD_SINCE_VERSION = 7
const BASE_OFFSET_BYTES = 8

/** Whether a transaction is meant. Throws ERR_CORRUPT, as all that looks at bytes that can't be a batch. */
export function isTransactionalBatch(records: Uint8Array | null): boolean {
  const first = records && peekBatch(records)
  return !!first && first.magic === CURRENT_MAGIC && isTransactional(first.attributes)
}

/**
 * The one batch that a Produce request may hold for a partition; half a batch behind it is no batch, and passed over.
 * What is in it is for `appendToLeader` to judge. Throws an ApiError or a ProtocolError.
 */
export function theOnlyBatch(records: Uint8Array | null, name: string, version: number): Uint8Array {
  const first = records && peekBatch(records)
  if (!first) throw invalid(`a produce request for ${name} without a record batch`)
  if (first.magic !== CURRENT_MAGIC)
    throw invalid(`a batch of magic ${first.magic} for ${name}; only ${CURRENT_MAGIC} is taken`)
  const codec = knownCodec(first.attributes)
  if (codec === null)
    throw new ApiError('UNSUPPORTED_COMPRESSION_TYPE', `a batch for ${name} with a codec that nobody knows`)
  if (codec === 'zstd' && version < ZSTD_SINCE_VERSION)
    throw new ApiError('UNSUPPORTED_COMPRESSION_TYPE', `Produce version ${version} has no zstd`)
  if (peekBatch(records, first.sizeInBytes)) throw invalid(`more than one record batch for ${name}`)
  return records.subarray(0, first.sizeInBytes)
}

/** `bytes` are those of one batch. Throws an ApiError, LogError or ProtocolError; then nothing has been appended. */
export function appendToLeader(
  partition: Partition,
  bytes: Uint8Array,
  acks: number,
  config: TopicConfig,
  nowMs: number,
  /** Of the first batch of a transaction in this partition, where that is verified. */
  verificationGuard: VerificationGuard | null = null,
): AppendOutcome {
  const run = () => append(partition, bytes, acks, config, nowMs, verificationGuard)
  return APPENDS.hasSubscribers ? traceAppend(partition, bytes.length, acks, run) : run()
}

function traceAppend(partition: Partition, sizeInBytes: number, acks: number, run: () => AppendOutcome): AppendOutcome {
  const { topic, leaderEpoch } = partition
  const event: AppendEvent = { topic, partition: partition.partition, leaderEpoch, sizeInBytes, acks }
  const { start, end, asyncStart, asyncEnd, error } = APPENDS
  const settled = (): void => {
    asyncStart.publish(event)
    asyncEnd.publish(event)
  }
  const failed = (reason: unknown): void => {
    event.error = reason
    error.publish(event)
  }
  return start.runStores(event, () => {
    try {
      const outcome = run()
      event.firstOffset = outcome.firstOffset
      event.lastOffset = outcome.lastOffset
      outcome.acknowledged.then(settled, reason => {
        failed(reason)
        settled()
      })
      return outcome
    } catch (reason) {
      failed(reason)
      throw reason
    } finally {
      end.publish(event)
    }
  })
}

function append(
  partition: Partition,
  bytes: Uint8Array,
  acks: number,
  config: TopicConfig,
  nowMs: number,
  verificationGuard: VerificationGuard | null,
): AppendOutcome {
  const log = partition.leaderLog(-1)
  if (acks === ALL_IN_SYNC) checkInSync(partition, config)
  const ready = prepare(bytes, checkedBatch(bytes, partition.name, config), partition.name, config, nowMs)
  const appended = log.append(ready, {
    origin: 'client',
    leaderEpoch: partition.leaderEpoch,
    nowMs,
    checksumsVerified: true,
    verificationGuard,
  })
  const written = appended.written.then(() => partition.onWritten(appended.sizeInBytes))
  const committed = acks === ALL_IN_SYNC ? partition.whenCommitted(appended.lastOffset + 1) : null
  const appendTime = config.messageTimestampType === 'LogAppendTime'
  return {
    firstOffset: appended.firstOffset,
    lastOffset: appended.lastOffset,
    logAppendTimeMs: appended.duplicate ? appended.duplicateTimestamp : appendTime ? nowMs : -1,
    logStartOffset: log.logStartOffset,
    written,
    acknowledged: committed ? Promise.all([written, committed]) : written,
  }
}

/** A partition of fewer replicas than min.insync.replicas needs all that it has. */
function checkInSync({ name, assignment }: Partition, { minInsyncReplicas }: TopicConfig): void {
  const inSync = assignment.isr.length
  const needed = Math.min(minInsyncReplicas, assignment.replicas.length)
  if (inSync >= needed) return
  throw new ApiError('NOT_ENOUGH_REPLICAS', `${name} has ${inSync} in-sync replicas, it needs ${needed}`)
}

/** In Kafka's order, so that a batch that is wrong in many ways has the same error. */
function checkedBatch(bytes: Uint8Array, name: string, { maxMessageBytes }: TopicConfig): BatchHeader {
  for (let i = 0; i < BASE_OFFSET_BYTES; i++) {
    if (bytes[i] === 0) continue
    throw invalid(`the base offset of a batch for ${name} has to be 0`)
  }
  if (bytes.length > maxMessageBytes) {
    throw new ApiError(
      'MESSAGE_TOO_LARGE',
      `a batch of ${bytes.length} bytes for ${name} is over max.message.bytes=${maxMessageBytes}`,
    )
  }
  const batch = verifyBatch(bytes)
  checkHeader(batch, name)
  return batch
}

function checkHeader(batch: BatchHeader, name: string): void {
  if (batch.count <= 0) throw invalid(`a batch of ${batch.count} records for ${name}`)
  if (batch.lastOffsetDelta + 1 !== batch.count) {
    throw invalid(`a batch for ${name} counts ${batch.count} records over ${batch.lastOffsetDelta + 1} offsets`)
  }
  if (batch.isControl) throw invalid(`clients can't write control records to ${name}`)
  if (batch.producerId >= 0 && batch.baseSequence < 0) {
    throw invalid(`a batch of producer ${batch.producerId} for ${name} has sequence number ${batch.baseSequence}`)
  }
}

/** Looks at each record; gives the bytes to append: the same ones, or compressed anew. */
function prepare(bytes: Uint8Array, batch: BatchHeader, name: string, config: TopicConfig, nowMs: number): Uint8Array {
  const maxTimestamp = asMadeByClient(name, () => checkRecords(bytes, batch, name, config, nowMs))
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

/**
 * The checksum holds, so what can't be decompressed was sent like that, and will be the next time: CORRUPT_MESSAGE would
 * make producers try again.
 */
function asMadeByClient<T>(name: string, look: () => T): T {
  try {
    return look()
  } catch (error) {
    const isBroken = error instanceof ProtocolError && (error.code === 'ERR_CORRUPT' || error.code === 'ERR_TRUNCATED')
    if (isBroken) throw new ApiError('INVALID_RECORD', `a batch for ${name}: ${error.message}`, { cause: error })
    throw error
  }
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
  // Whoever says that a broker has decided the time is believed where times are the producer's, as in Kafka.
  const appendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : null
  for (const cursor = new RecordCursor(bytes, batch); cursor.next(); ) {
    if (cursor.offsetDelta !== cursor.index)
      throw invalid(`record ${cursor.index} of a batch for ${name} has offset delta ${cursor.offsetDelta}`)
    const timestamp = appendTime ?? baseTimestamp + cursor.timestampDelta
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    if (isCompacted && cursor.keyLength < 0) {
      errors.push({
        batchIndex: cursor.index,
        batchIndexErrorMessage: `a compacted topic takes no record without a key, as in ${name}`,
      })
    } else if (!decidesTimestamps && timestamp !== NO_TIMESTAMP) {
      if (timestamp >= earliest && timestamp <= latest) continue
      badTimestamp = true
      errors.push({
        batchIndex: cursor.index,
        batchIndexErrorMessage: `timestamp ${timestamp} is not within [${earliest}, ${latest}]`,
      })
    } else if (appendTime !== null) {
      badTimestamp = true
      errors.push({
        batchIndex: cursor.index,
        batchIndexErrorMessage: 'the timestamp type is LogAppendTime, which a producer must not set',
      })
    }
  }
  if (errors.length > 0) throw recordErrors(badTimestamp ? 'INVALID_TIMESTAMP' : 'INVALID_RECORD', errors)
  return maxTimestamp
}

function recordErrors(code: ErrorName, errors: readonly RecordError[]): InvalidRecordsError {
  const first = errors[0]!
  const reason =
    code === 'INVALID_TIMESTAMP'
      ? 'invalid timestamp'
      : `${errors.length} errors, first record ${first.batchIndex}: ${first.batchIndexErrorMessage}`
  return new InvalidRecordsError(code, `One or more records have been rejected due to ${reason}`, errors)
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_RECORD', message)
}
