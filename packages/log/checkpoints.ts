/**
 * The small text files of a log dir and of a partition: encoding and decoding only. What cannot be read throws an
 * Error that says why; the caller knows what the file was for, and whether it can be done without.
 */
import { ZERO_UUID } from '@ottla/protocol'
import type { EpochEntry } from './epoch-cache.ts'
import { folderName, type PartitionFolder, parseFolderName } from './file-names.ts'
import type { TopicPartition } from './types.ts'

export const RECOVERY_POINT_CHECKPOINT = 'recovery-point-offset-checkpoint'
export const LOG_START_CHECKPOINT = 'log-start-offset-checkpoint'
export const HIGH_WATERMARK_CHECKPOINT = 'replication-offset-checkpoint'
export const CLEANER_CHECKPOINT = 'cleaner-offset-checkpoint'
export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown'

const CHECKPOINT_VERSION = 0

/** Version, number of entries, entries: one a line. */
function encodeLines(lines: readonly string[]): Uint8Array {
  return Buffer.from(`${[CHECKPOINT_VERSION, lines.length, ...lines].join('\n')}\n`)
}

function decodeLines(bytes: Uint8Array): string[][] {
  // Kafka leaves an empty file behind where nothing was written yet.
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString().split('\n')
  if (lines.at(-1) === '') lines.pop()
  if (lines.length === 0) return []
  if (decimal(lines[0]!) !== CHECKPOINT_VERSION) throw new Error(`version ${lines[0]} is not known`)
  if (lines.length === 1) return []
  const entries = lines.slice(2).map(line => line.split(/\s+/))
  if (decimal(lines[1]!) !== entries.length)
    throw new Error(`${entries.length} entries where ${lines[1]} are announced`)
  return entries
}

function decimal(text: string): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new Error(`'${text}' is not a number`)
  return value
}

/** Offset by `topic-partition`. */
export type OffsetsByFolder = ReadonlyMap<string, number>

export function encodeOffsetCheckpoint(offsets: Iterable<readonly [TopicPartition, number]>): Uint8Array {
  return encodeLines(Array.from(offsets, ([{ topic, partition }, offset]) => `${topic} ${partition} ${offset}`))
}

export function decodeOffsetCheckpoint(bytes: Uint8Array): Map<string, number> {
  const offsets = new Map<string, number>()
  for (const entry of decodeLines(bytes)) {
    if (entry.length !== 3) throw new Error(`'${entry.join(' ')}' is not a topic, a partition and an offset`)
    offsets.set(folderName({ topic: entry[0]!, partition: decimal(entry[1]!) }), decimal(entry[2]!))
  }
  return offsets
}

/** The partition that a key of a decoded checkpoint names. */
export function partitionOf(key: string): PartitionFolder | null {
  return parseFolderName(key)
}

export function encodeEpochCheckpoint(entries: readonly EpochEntry[]): Uint8Array {
  return encodeLines(entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`))
}

export function decodeEpochCheckpoint(bytes: Uint8Array): EpochEntry[] {
  return decodeLines(bytes).map(entry => {
    if (entry.length !== 2) throw new Error(`'${entry.join(' ')}' is not an epoch and an offset`)
    const [epoch, startOffset] = [decimal(entry[0]!), decimal(entry[1]!)]
    if (epoch < 0 || startOffset < 0) throw new Error(`'${entry.join(' ')}' is not an epoch and an offset`)
    return { epoch, startOffset }
  })
}

export function encodePartitionMetadata(topicId: string): Uint8Array {
  return Buffer.from(`version: 0\ntopic_id: ${topicId}`)
}

export function decodePartitionMetadata(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  // A later version may add lines, and promises to keep these two.
  const match = /^version:\s+\d+\r?\ntopic_id:\s+([A-Za-z0-9_-]{22})\s*(\n|$)/.exec(text)
  if (!match || match[1] === ZERO_UUID) throw new Error('no topic id in it')
  return match[1]!
}

export function encodeCleanShutdown(brokerEpoch: number): Uint8Array {
  return Buffer.from(JSON.stringify({ version: 0, brokerEpoch }))
}

/** -1 if it names none: the file of an older Kafka is empty, and still says that the stop was clean. */
export function decodeCleanShutdown(bytes: Uint8Array): number {
  try {
    const content: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
    if (typeof content === 'object' && content !== null && 'brokerEpoch' in content) {
      if (Number.isSafeInteger(content.brokerEpoch)) return Number(content.brokerEpoch)
    }
  } catch {
    // As for an empty file.
  }
  return -1
}
