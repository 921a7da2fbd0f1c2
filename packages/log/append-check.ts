/** What an append is checked for before it changes anything: structure, sizes, checksums, order of offsets. */
import {
  type BatchHeader,
  batchSizeAt,
  CURRENT_MAGIC,
  HEADER_BYTES_UP_TO_MAGIC,
  ProtocolError,
  RecordCursor,
  readBatchHeader,
  setBaseOffset,
  setPartitionLeaderEpoch,
  verifyBatch,
} from '@ottla/protocol'
import { LogError, OffsetOutOfRangeError } from './errors.ts'
import type { LogConfig } from './log-config.ts'
import type { TransactionMarker } from './producer-append.ts'
import type { AppendOptions } from './types.ts'

export interface CheckedAppend {
  /** With the offsets that they have now. */
  readonly headers: readonly BatchHeader[]
  /** Those of the batches only. */
  readonly bytes: Uint8Array
  readonly maxTimestamp: number
}

export interface AppendContext {
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly config: LogConfig
}

/** Assigns offsets and epochs where the origin asks for it. Throws a LogError; the bytes are of no use then. */
export function checkAppend(bytes: Uint8Array, options: AppendOptions, context: AppendContext): CheckedAppend {
  try {
    return walk(bytes, options, context)
  } catch (error) {
    throw error instanceof ProtocolError ? asLogError(error) : error
  }
}

export function asLogError(error: ProtocolError): LogError {
  const code = error.code === 'ERR_CORRUPT' || error.code === 'ERR_TRUNCATED' ? 'CORRUPT_MESSAGE' : 'INVALID_RECORD'
  return new LogError(code, error.message, { cause: error })
}

function walk(bytes: Uint8Array, options: AppendOptions, context: AppendContext): CheckedAppend {
  const { origin } = options
  const assigns = origin === 'client' || origin === 'coordinator'
  const headers: BatchHeader[] = []
  let nextOffset = context.logEndOffset
  let maxTimestamp = -1
  let end = 0
  while (end < bytes.length) {
    if (!isWhole(bytes, end)) {
      // What a leader sends is cut by bytes; whoever produces sends whole batches.
      if (origin === 'replication') break
      throw new LogError('CORRUPT_MESSAGE', `the batch at byte ${end} is cut short`)
    }
    if (assigns) assign(bytes, end, nextOffset, options)
    const trusted = options.checksumsVerified || origin === 'coordinator' || origin === 'raft'
    const header = trusted ? readBatchHeader(bytes, end) : verifyBatch(bytes, end)
    if (origin === 'replication' && header.partitionLeaderEpoch > options.leaderEpoch) break
    checkBatch(header, options, context)
    if (!assigns) checkOrder(header, nextOffset, headers.length === 0, context)
    headers.push(header)
    nextOffset = header.lastOffset + 1
    maxTimestamp = Math.max(maxTimestamp, header.maxTimestamp)
    end += header.sizeInBytes
  }
  if (end > context.config.segmentBytes) {
    throw new LogError(
      'RECORD_LIST_TOO_LARGE',
      `${end} bytes are more than a segment of ${context.config.segmentBytes}`,
    )
  }
  return { headers, bytes: end === bytes.length ? bytes : bytes.subarray(0, end), maxTimestamp }
}

function isWhole(bytes: Uint8Array, position: number): boolean {
  const there = bytes.length - position
  return there >= HEADER_BYTES_UP_TO_MAGIC && there >= batchSizeAt(bytes, position)
}

function assign(bytes: Uint8Array, position: number, offset: number, { origin, leaderEpoch }: AppendOptions): void {
  if (bytes[position + HEADER_BYTES_UP_TO_MAGIC - 1] !== CURRENT_MAGIC) {
    throw new LogError('INVALID_RECORD', 'only batches of magic 2 are taken')
  }
  if (origin === 'client') {
    for (let i = position; i < position + 8; i++) {
      if (bytes[i] !== 0) throw new LogError('INVALID_RECORD', 'a producer must leave the base offset 0')
    }
  }
  setBaseOffset(bytes, position, offset)
  setPartitionLeaderEpoch(bytes, position, leaderEpoch)
}

function checkBatch(header: BatchHeader, { origin, leaderEpoch }: AppendOptions, { config }: AppendContext): void {
  if (header.lastOffsetDelta < 0) throw new LogError('INVALID_RECORD', 'a batch ends before it begins')
  if (origin === 'raft' && header.partitionLeaderEpoch !== leaderEpoch) {
    throw new LogError(
      'INVALID_RECORD',
      `a batch of epoch ${header.partitionLeaderEpoch} by the leader of ${leaderEpoch}`,
    )
  }
  if (origin !== 'replication' && header.sizeInBytes > config.maxMessageBytes) {
    throw new LogError(
      'MESSAGE_TOO_LARGE',
      `a batch of ${header.sizeInBytes} bytes, ${config.maxMessageBytes} are allowed`,
    )
  }
}

function checkOrder(header: BatchHeader, nextOffset: number, isFirst: boolean, context: AppendContext): void {
  if (isFirst ? header.baseOffset >= nextOffset : header.lastOffset >= nextOffset) return
  const { logStartOffset, logEndOffset } = context
  throw new OffsetOutOfRangeError(
    `a batch of offsets ${header.baseOffset} to ${header.lastOffset} comes where ${nextOffset} is next`,
    logStartOffset,
    logEndOffset,
  )
}

const ABORT = 0
const COMMIT = 1

/**
 * What a control batch with a producer id says; null: nothing, because the cleaner has emptied it. Throws a
 * ProtocolError or a LogError INVALID_RECORD if it is no transaction marker.
 */
export function readMarker(bytes: Uint8Array, header: BatchHeader): TransactionMarker | null {
  const cursor = new RecordCursor(bytes, header)
  if (!cursor.next()) return null
  const { key, value } = cursor
  if (!key || key.length < 4 || !value || value.length < 6) {
    throw new LogError('INVALID_RECORD', `the control batch at offset ${header.baseOffset} is no transaction marker`)
  }
  const keyView = new DataView(key.buffer, key.byteOffset)
  const valueView = new DataView(value.buffer, value.byteOffset)
  const type = keyView.getInt16(2)
  if (keyView.getInt16(0) < 0 || (type !== ABORT && type !== COMMIT) || valueView.getInt16(0) < 0) {
    throw new LogError('INVALID_RECORD', `the control batch at offset ${header.baseOffset} is no transaction marker`)
  }
  return { isCommit: type === COMMIT, coordinatorEpoch: valueView.getInt32(2), timestamp: cursor.timestamp }
}
