/**
 * What is in a partition's folder, once the traces of what a stop has interrupted are cleared away: deletions that were
 * under way are finished, a cleaner's half-made segments removed, whole ones put in the place of those that they replace.
 */
import type { Logger } from '@ottla/io'
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  INDEX_SUFFIXES,
  LEADER_EPOCH_FILE,
  LOG_SUFFIX,
  type LogFileName,
  OFFSET_INDEX_SUFFIX,
  PARTITION_METADATA_FILE,
  parseLogFileName,
  SNAPSHOT_SUFFIX,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from './file-names.ts'
import type { Folder } from './folder.ts'
import { scanBatches } from './scan.ts'

export interface SegmentFiles {
  readonly baseOffset: number
  /** `.index` and `.timeindex` are both there. */
  readonly hasIndexes: boolean
  readonly hasTransactionIndex: boolean
}

export interface FolderFiles {
  /** Ascending. */
  readonly segments: readonly SegmentFiles[]
  readonly snapshots: readonly number[]
  readonly hasEpochs: boolean
  readonly hasMetadata: boolean
}

/** Of a raft snapshot that is being deleted: the raft driver's matter. */
const RAFT_SNAPSHOT_DELETED = '.checkpoint.deleted'

export async function readFolder(folder: Folder, logger: Logger): Promise<FolderFiles> {
  let names = await fileNames(folder)
  if (names.some(isLeftover)) {
    await clearUp(folder, names, logger)
    names = await fileNames(folder)
  }
  const files = names.map(parseLogFileName).filter(file => file !== null)
  const logs = new Set(files.filter(file => file.kind === LOG_SUFFIX).map(file => file.offset))
  const has = new Set(names)
  for (const name of names) {
    const file = parseLogFileName(name)
    if (!file || logs.has(file.offset) || !INDEX_SUFFIXES.some(suffix => suffix === file.kind)) continue
    logger.warn('Removing an index without a log', { file: folder.file(name) })
    await folder.disk.remove(folder.file(name))
  }
  const exists = (offset: number, suffix: string): boolean =>
    has.has(folder.offsetFile(offset, suffix).slice(folder.path.length + 1))
  return {
    segments: [...logs]
      .sort((a, b) => a - b)
      .map(baseOffset => ({
        baseOffset,
        hasIndexes: exists(baseOffset, OFFSET_INDEX_SUFFIX) && exists(baseOffset, TIME_INDEX_SUFFIX),
        hasTransactionIndex: exists(baseOffset, TRANSACTION_INDEX_SUFFIX),
      })),
    snapshots: files.filter(file => file.kind === SNAPSHOT_SUFFIX).map(file => file.offset),
    hasEpochs: has.has(LEADER_EPOCH_FILE),
    hasMetadata: has.has(PARTITION_METADATA_FILE),
  }
}

async function fileNames(folder: Folder): Promise<string[]> {
  const entries = await folder.disk.list(folder.path)
  return entries.filter(entry => !entry.isDirectory).map(entry => entry.name)
}

function isLeftover(name: string): boolean {
  if (name.endsWith(DELETED_SUFFIX)) return !name.endsWith(RAFT_SNAPSHOT_DELETED)
  return name.endsWith(CLEANED_SUFFIX) || name.endsWith(SWAP_SUFFIX)
}

async function clearUp(folder: Folder, names: readonly string[], logger: Logger): Promise<void> {
  const remove = (name: string): Promise<void> => folder.disk.remove(folder.file(name))
  const files = names.map(name => ({ name, file: parseLogFileName(name) }))
  for (const { name } of files) if (name.endsWith(DELETED_SUFFIX) && isLeftover(name)) await remove(name)
  const inState = (state: string): { name: string; file: LogFileName }[] =>
    files.filter((entry): entry is { name: string; file: LogFileName } => entry.file?.state === state)

  // Segments are renamed from .cleaned to .swap from the last to the first: while there is a .cleaned one, the
  // replacement had not begun, and what is behind it goes too.
  const cleaned = inState(CLEANED_SUFFIX)
  const firstCleaned = Math.min(...cleaned.map(({ file }) => file.offset))
  const swaps = inState(SWAP_SUFFIX)
  for (const { name, file } of swaps) if (file.offset >= firstCleaned) await remove(name)
  for (const { name } of cleaned) await remove(name)

  const whole = swaps.filter(({ file }) => file.offset < firstCleaned)
  if (whole.length > 0) await finishSwap(folder, files, whole, logger)
}

async function finishSwap(
  folder: Folder,
  files: readonly { name: string; file: LogFileName | null }[],
  swaps: readonly { name: string; file: LogFileName }[],
  logger: Logger,
): Promise<void> {
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const { name, file } of swaps) {
    if (file.kind !== LOG_SUFFIX) continue
    from = Math.min(from, file.offset)
    to = Math.max(to, await endOffsetOf(folder, name, file.offset))
  }
  logger.info('Finishing the replacement of segments', { folder: folder.path, from, to })
  for (const { name, file } of files) {
    // A snapshot is of all that was before, and as true as it was.
    const isOfSegment = file?.state === '' && file.kind !== SNAPSHOT_SUFFIX
    if (isOfSegment && file.offset >= from && file.offset < to) await folder.disk.remove(folder.file(name))
  }
  for (const { name } of swaps) {
    await folder.disk.rename(folder.file(name), folder.file(name.slice(0, -SWAP_SUFFIX.length)))
  }
  await folder.sync()
}

async function endOffsetOf(folder: Folder, name: string, baseOffset: number): Promise<number> {
  const file = await folder.disk.open(folder.file(name), 'read')
  try {
    let end = baseOffset
    await scanBatches(file, { from: 0, to: await file.size(), check: 'headers' }, header => {
      end = header.lastOffset + 1
      return true
    })
    return end
  } finally {
    await file.close()
  }
}
