/**
 * `kafka-dump-log` of what lies beside a segment: its two indexes, each entry checked against the segment, the aborted
 * transactions, and the producers as they were at an offset.
 */
import { decodeSnapshot, OffsetIndex, sequenceBefore, TimeIndex, TransactionIndex } from '@ottla/log'
import { decodeRecords, NO_TIMESTAMP } from '@ottla/protocol'
import { ToolError } from '../java/errors.ts'
import { type Output, optionalLong } from './output.ts'
import { readBytes, SegmentFile } from './segment-file.ts'

export interface IndexDumpOptions {
  readonly isSanityOnly: boolean
  readonly isVerifyOnly: boolean
  readonly maxMessageSize: number
}

/** An index and the segment to which it belongs. */
export interface IndexFiles {
  /** As it is told. */
  readonly shown: string
  readonly path: string
  readonly log: string
  readonly offsetIndex: string
  readonly baseOffset: number
}

/** Pairs of numbers that don't agree. */
export type Pairs = [number, number][]

/** As Java reads it from four bytes: below the base if it is damaged so. */
function signed(offset: number, baseOffset: number): number {
  return baseOffset + ((offset - baseOffset) | 0)
}

/** Offsets in the index, and those of the batches to which they point. */
export async function dumpOffsetIndex(
  files: IndexFiles,
  options: IndexDumpOptions,
  output: Output,
): Promise<ReadonlyMap<number, number>> {
  const mismatches = new Map<number, number>()
  using log = new SegmentFile(files.log)
  const bytes = readBytes(files.path)
  const index = new OffsetIndex(files.baseOffset, bytes)
  if (index.entries === 0) {
    output.line(`${files.shown} is empty.`)
    return mismatches
  }
  if (options.isSanityOnly) {
    const last = signed(index.lastOffset, files.baseOffset)
    if (last < files.baseOffset) throw unsound(files, last, 'base')
    checkLength('Index file', files.path, bytes.length, index.entrySize)
    output.line(`${files.shown} passed sanity check.`)
    return mismatches
  }
  for (let entry = 0; entry < index.entries; entry++) {
    const offset = signed(index.offsetAt(entry), files.baseOffset)
    // A file that was made in its full size is zero behind its last entry.
    if (offset === files.baseOffset && entry > 0) break
    const position = index.positionAt(entry)
    const end = Math.min(position + options.maxMessageSize, log.sizeInBytes)
    const [first] = log.batches(position, end)
    if (!first) throw new ToolError(`no batch at position ${position}`, 'java.util.NoSuchElementException')
    if (first.header.lastOffset !== offset) mismatches.set(offset, first.header.lastOffset)
    if (!options.isVerifyOnly) output.line(`offset: ${offset} position: ${position}`)
    if (output.isFull) await output.flush()
  }
  return mismatches
}

export interface TimeIndexErrors {
  readonly mismatches: Pairs
  readonly outOfOrder: Pairs
  readonly notFound: Pairs
}

export async function dumpTimeIndex(
  files: IndexFiles,
  options: IndexDumpOptions,
  output: Output,
): Promise<TimeIndexErrors> {
  const errors: TimeIndexErrors = { mismatches: [], outOfOrder: [], notFound: [] }
  using log = new SegmentFile(files.log)
  const offsets = new OffsetIndex(files.baseOffset, readBytes(files.offsetIndex))
  const bytes = readBytes(files.path)
  const index = new TimeIndex(files.baseOffset, bytes)
  if (options.isSanityOnly) {
    checkTimeIndex(files, index, bytes.length)
    output.line(`${files.shown} passed sanity check.`)
    return errors
  }
  // From where the first entry points on, a batch of an impossible size is an error wherever it is.
  const first = index.entries > 0 ? signed(index.offsetAt(0), files.baseOffset) : null
  if (first !== null) for (const _ of log.batches(offsets.positionBelow(first)));
  let previous = NO_TIMESTAMP
  for (let entry = 0; entry < index.entries; entry++) {
    const [offset, timestamp] = [signed(index.offsetAt(entry), files.baseOffset), index.timestampAt(entry)]
    if (offset === files.baseOffset && entry > 0) break
    const batch = batchUpTo(log, offsets, offset)
    if (batch?.header.lastOffset !== offset) {
      errors.notFound.push([offset, batch?.header.lastOffset ?? -1])
    } else {
      let largest = NO_TIMESTAMP
      for (const record of decodeRecords(batch.bytes, batch.header)) largest = Math.max(largest, record.timestamp)
      if (largest !== timestamp) errors.mismatches.push([timestamp, largest])
      if (previous >= timestamp) errors.outOfOrder.push([timestamp, previous])
    }
    if (!options.isVerifyOnly) output.line(`timestamp: ${timestamp} offset: ${offset}`)
    previous = timestamp
    if (output.isFull) await output.flush()
  }
  return errors
}

function batchUpTo(log: SegmentFile, offsets: OffsetIndex, offset: number) {
  for (const batch of log.batches(offsets.positionBelow(offset))) if (batch.header.lastOffset >= offset) return batch
  return undefined
}

function checkTimeIndex(files: IndexFiles, index: TimeIndex, size: number): void {
  const first = index.entries > 0 ? index.timestampAt(0) : NO_TIMESTAMP
  if (index.lastTimestamp < first)
    throw corrupt(
      `Corrupt time index found, time index file (${files.path}) has non-zero size but the last timestamp is ` +
        `${index.lastTimestamp} which is less than the first timestamp ${first}`,
    )
  const last = signed(index.lastOffset, files.baseOffset)
  if (last < files.baseOffset) throw unsound(files, last, 'first')
  checkLength('Time index file', files.path, size, index.entrySize)
}

function checkLength(what: string, path: string, size: number, entrySize: number): void {
  if (size % entrySize !== 0)
    throw corrupt(
      `${what} ${path} is corrupt, found ${size} bytes which is neither positive nor a multiple of ${entrySize}`,
    )
}

function unsound({ path, baseOffset }: IndexFiles, lastOffset: number, what: 'base' | 'first'): ToolError {
  const named = what === 'base' ? `index found, index file ${path}` : `time index found, time index file (${path})`
  return corrupt(
    `Corrupt ${named} has non-zero size but the last offset is ${lastOffset} which is less than the ${what} offset ${baseOffset}`,
  )
}

function corrupt(message: string): ToolError {
  return new ToolError(message, 'org.apache.kafka.storage.internals.log.CorruptIndexException')
}

export async function dumpTransactionIndex(path: string, output: Output): Promise<void> {
  for (const { producerId, firstOffset, lastOffset, lastStableOffset } of TransactionIndex.decode(readBytes(path))
    .entries) {
    output.line(
      `version: 0 producerId: ${producerId} firstOffset: ${firstOffset} lastOffset: ${lastOffset}` +
        ` lastStableOffset: ${lastStableOffset}`,
    )
    if (output.isFull) await output.flush()
  }
}

export async function dumpProducerSnapshot(path: string, output: Output): Promise<void> {
  for (const entry of producersIn(readBytes(path), output)) {
    const { producerId, producerEpoch, coordinatorEpoch, currentTxnFirstOffset, lastTimestamp } = entry
    const open = optionalLong(currentTxnFirstOffset < 0 ? null : currentTxnFirstOffset)
    const [batch] = entry.batches
    output.print(
      `producerId: ${producerId} producerEpoch: ${producerEpoch} coordinatorEpoch: ${coordinatorEpoch}` +
        ` currentTxnFirstOffset: ${open} lastTimestamp: ${lastTimestamp}`,
    )
    if (batch) {
      const { lastSequence, lastOffset, offsetDelta, timestamp } = batch
      output.print(
        ` firstSequence: ${sequenceBefore(lastSequence, offsetDelta)} lastSequence: ${lastSequence}` +
          ` lastOffset: ${lastOffset} offsetDelta: ${offsetDelta} timestamp: ${timestamp}`,
      )
    }
    output.line('')
    if (output.isFull) await output.flush()
  }
}

/** None of a damaged snapshot, which is told: the next file can be dumped all the same. */
function producersIn(bytes: Uint8Array, output: Output): ReturnType<typeof decodeSnapshot> {
  try {
    return decodeSnapshot(bytes)
  } catch (error) {
    output.complain((error as Error).message)
    return []
  }
}
