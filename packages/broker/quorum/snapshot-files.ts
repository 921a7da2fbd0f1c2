/**
 * Snapshots of the metadata log beside its segments: `<end offset, 20 digits>-<epoch, 10 digits>.checkpoint`. One holds
 * the records that make the image up to the end offset (exclusive), in batches of their own, between a header and a
 * footer that say that it is whole. `bootstrap.checkpoint` has the same form.
 */
import type { Disk, DiskFile, World } from '@ottla/io'
import { batchSizeAt, HEADER_BYTES_UP_TO_MAGIC, ProtocolError, verifyBatch } from '@ottla/protocol'
import { MetadataError } from '../errors.ts'
import type { MetadataRecord } from '../image/index.ts'
import {
  type ControlRecord,
  decodeBatch,
  encodeControlBatch,
  encodeDataBatches,
  type MetadataBatch,
} from './batches.ts'
import type { VoterSet } from './voters.ts'

export const BOOTSTRAP_CHECKPOINT = 'bootstrap.checkpoint'

export interface SnapshotId {
  /** Exclusive. */
  readonly endOffset: number
  readonly epoch: number
}

/** Written at format time: the voters, before there is a log. */
export const INITIAL_SNAPSHOT: SnapshotId = { endOffset: 0, epoch: 0 }

const SUFFIX = '.checkpoint'
const PARTIAL_SUFFIX = '.checkpoint.part'
const NAME = /^(\d{20})-(\d{10})(?:\.checkpoint|-.*\.checkpoint\.part|\.checkpoint\.part|\.checkpoint\.deleted)$/

export function snapshotName({ endOffset, epoch }: SnapshotId): string {
  return `${String(endOffset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}${SUFFIX}`
}

export interface SnapshotFile {
  readonly name: string
  readonly id: SnapshotId
  /** Not whole, or to be deleted. */
  readonly isGarbage: boolean
}

/** Of a file beside the segments; null if it is something else. */
export function parseSnapshotName(name: string): SnapshotFile | null {
  const match = NAME.exec(name)
  if (!match) return null
  const id = { endOffset: Number(match[1]), epoch: Number(match[2]) }
  return { name, id, isGarbage: !name.endsWith(SUFFIX) }
}

export interface SnapshotContent {
  /** In the batches' headers. */
  readonly epoch: number
  readonly lastContainedLogTimestamp: number
  /** 0: neither it nor voters are written. */
  readonly kraftVersion: number
  readonly voters: VoterSet
  readonly records: Iterable<MetadataRecord>
  /** Wall clock. */
  readonly nowMs: number
}

/** How many are encoded before the event loop gets its turn: a million take seconds. */
const CHUNK_RECORDS = 500

/** Whole or not at all: written aside, flushed, renamed. */
export async function writeSnapshot(
  { disk, clock }: Pick<World, 'disk' | 'clock'>,
  folder: string,
  name: string,
  content: SnapshotContent,
): Promise<number> {
  const partial = `${folder}/${name.slice(0, -SUFFIX.length)}${PARTIAL_SUFFIX}`
  await disk.remove(partial)
  try {
    const size = await writePartial({ disk, clock }, partial, content)
    await disk.rename(partial, `${folder}/${name}`)
    await disk.syncDirectory(folder)
    return size
  } catch (error) {
    await disk.remove(partial).catch(() => {}) // on a disk that is full it would lie in the way; the first error tells
    throw error
  }
}

async function writePartial(
  { disk, clock }: Pick<World, 'disk' | 'clock'>,
  path: string,
  content: SnapshotContent,
): Promise<number> {
  const file = await disk.open(path, 'create')
  let size = 0
  try {
    for (const bytes of encodedSnapshot(content)) {
      await file.write([bytes], size)
      size += bytes.length
      await new Promise<void>(resolve => clock.nextTurn(resolve)) // a write may be done at once, and not give it
    }
    await file.sync()
    return size
  } finally {
    await file.close()
  }
}

function* encodedSnapshot(content: SnapshotContent): Generator<Uint8Array, void> {
  const { epoch, kraftVersion, voters, nowMs: timestampMs } = content
  const { lastContainedLogTimestamp } = content
  const controls: ControlRecord[] = [{ type: 'SnapshotHeader', value: { version: 0, lastContainedLogTimestamp } }]
  if (kraftVersion > 0) {
    controls.push({ type: 'KRaftVersion', value: { version: 0, kRaftVersion: kraftVersion } })
    if (voters.length > 0) controls.push({ type: 'Voters', value: { version: 0, voters: [...voters] } })
  }
  yield encodeControlBatch(controls, { baseOffset: 0, epoch, timestampMs }).bytes
  let baseOffset = controls.length
  for (const records of chunks(content.records)) {
    for (const { bytes } of encodeDataBatches(records, { baseOffset, epoch, timestampMs }, false)) yield bytes
    baseOffset += records.length
  }
  const footer: ControlRecord = { type: 'SnapshotFooter', value: { version: 0 } }
  yield encodeControlBatch([footer], { baseOffset, epoch, timestampMs }).bytes
}

function* chunks(records: Iterable<MetadataRecord>): Generator<MetadataRecord[], void> {
  let chunk: MetadataRecord[] = []
  for (const record of records) {
    chunk.push(record)
    if (chunk.length < CHUNK_RECORDS) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}

const READ_BYTES = 1024 * 1024

/** Batch by batch, header and footer included. Throws a MetadataError ERR_BROKEN_FILE unless all of it is as it was written. */
export async function* readSnapshot(disk: Disk, path: string): AsyncGenerator<MetadataBatch, void> {
  const broken = (why: string, cause?: unknown) => new MetadataError('ERR_BROKEN_FILE', `${path}: ${why}`, { cause })
  const file = await disk.open(path, 'read')
  let isFirst = true
  let hasFooter = false
  try {
    for await (const bytes of wholeBatches(file, broken)) {
      const batch = decodeVerified(bytes, broken)
      if (isFirst && batch.controls[0]?.type !== 'SnapshotHeader') throw broken('it does not begin with a header')
      if (hasFooter) throw broken('something follows the footer')
      isFirst = false
      hasFooter = batch.controls.some(control => control.type === 'SnapshotFooter')
      yield batch
    }
  } finally {
    await file.close()
  }
  if (!hasFooter) throw broken('it does not end with a footer')
}

function decodeVerified(bytes: Uint8Array, broken: (why: string, cause?: unknown) => MetadataError): MetadataBatch {
  try {
    return decodeBatch(bytes, verifyBatch(bytes))
  } catch (cause) {
    if (cause instanceof ProtocolError) throw broken(cause.message, cause)
    throw cause
  }
}

async function* wholeBatches(
  file: DiskFile,
  broken: (why: string, cause?: unknown) => MetadataError,
): AsyncGenerator<Uint8Array, void> {
  const size = await file.size()
  let position = 0
  while (position < size) {
    let bytes = await readAt(file, position, Math.min(READ_BYTES, size - position))
    let at = 0
    while (at < bytes.length) {
      const length = batchLength(bytes, at, size - position - at, broken)
      if (length > bytes.length - at) break
      yield bytes.subarray(at, at + length)
      at += length
    }
    if (at === 0) {
      bytes = await readAt(file, position, batchLength(bytes, 0, size - position, broken))
      yield bytes
      at = bytes.length
    }
    position += at
  }
}

/** Of the batch that begins at `at`, of which there are `left` bytes; Infinity if not even its length is there. */
function batchLength(
  bytes: Uint8Array,
  at: number,
  left: number,
  broken: (why: string, cause?: unknown) => MetadataError,
): number {
  if (left < HEADER_BYTES_UP_TO_MAGIC) throw broken('it is cut short')
  if (bytes.length - at < HEADER_BYTES_UP_TO_MAGIC) return Number.POSITIVE_INFINITY
  try {
    const length = batchSizeAt(bytes, at)
    if (length > left) throw broken('it is cut short')
    return length
  } catch (cause) {
    if (cause instanceof ProtocolError) throw broken(cause.message, cause)
    throw cause
  }
}

async function readAt(file: DiskFile, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  const count = await file.read(bytes, position)
  return count === length ? bytes : bytes.subarray(0, count)
}
