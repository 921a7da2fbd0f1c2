/**
 * Names of the files and folders of a log, as Kafka names them: `00000000000000000123.log` in `topic-0`, with suffixes
 * for what is half made or half gone.
 */
import type { World } from '@ottla/io'
import type { TopicPartition } from './types.ts'

export const LOG_SUFFIX = '.log'
export const OFFSET_INDEX_SUFFIX = '.index'
export const TIME_INDEX_SUFFIX = '.timeindex'
export const TRANSACTION_INDEX_SUFFIX = '.txnindex'
export const SNAPSHOT_SUFFIX = '.snapshot'
/** To be removed in a while, or at the next start. */
export const DELETED_SUFFIX = '.deleted'
/** Being written by the cleaner; worthless after a stop. */
export const CLEANED_SUFFIX = '.cleaned'
/** Written whole by the cleaner, about to replace the segments that it covers. */
export const SWAP_SUFFIX = '.swap'

export const LEADER_EPOCH_FILE = 'leader-epoch-checkpoint'
export const PARTITION_METADATA_FILE = 'partition.metadata'

export const METADATA_TOPIC = '__cluster_metadata'

/** All files of one segment that are not the log itself. */
export const INDEX_SUFFIXES = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX] as const

export function offsetName(baseOffset: number): string {
  return String(baseOffset).padStart(20, '0')
}

export interface LogFileName {
  readonly offset: number
  /** With its dot: `.log`, `.index`, ... */
  readonly kind: string
  /** `.deleted`, `.cleaned`, `.swap`, or empty. */
  readonly state: string
}

const LOG_FILE = /^(\d{1,20})(\.log|\.index|\.timeindex|\.txnindex|\.snapshot)(\.deleted|\.cleaned|\.swap)?$/

/** null for the other files of a partition's folder, KRaft's snapshots among them. */
export function parseLogFileName(name: string): LogFileName | null {
  const match = LOG_FILE.exec(name)
  if (!match) return null
  const offset = Number(match[1])
  return Number.isSafeInteger(offset) ? { offset, kind: match[2]!, state: match[3] ?? '' } : null
}

export type FolderState = 'live' | 'delete' | 'stray' | 'future'

export interface PartitionFolder extends TopicPartition {
  readonly state: FolderState
}

export function folderName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

/** A name for a folder that is no longer, or not yet, the partition's: with 32 hex digits that make it unique. */
export function folderNameWithState(
  { topic, partition }: TopicPartition,
  state: Exclude<FolderState, 'live'>,
  random: World['random'],
): string {
  const suffix = `-${partition}.${Buffer.from(random.bytes(16)).toString('hex')}-${state}`
  // A topic may have 249 characters and a name in a file system 255; for what goes away the topic may be cut.
  return (state === 'future' ? topic : topic.slice(0, 255 - suffix.length)) + suffix
}

/** null if the folder is not a partition's. */
export function parseFolderName(name: string): PartitionFolder | null {
  const special = /^(\S+)\.[^\s.]+-(delete|stray|future)$/.exec(name)
  const plain = special ? special[1]! : name
  const match = /^(.+)-(\d+)$/.exec(plain)
  if (!match) return null
  const partition = Number(match[2])
  if (partition > 0x7fffffff) return null
  return { topic: match[1]!, partition, state: (special?.[2] as FolderState | undefined) ?? 'live' }
}
