/**
 * What a simulated disk holds: files and directories as the running system sees them, and beside that what would be
 * left of them after a loss of power. It outlives the nodes that write to it (disk.ts is one node's hold on it).
 *
 * Durability is modelled after what POSIX leaves open, and file systems make use of:
 * - A write that was not synced is kept, lost, or torn at sectors of 512 bytes, each independently of the others; of one
 *   that made the file longer the length may be kept without the bytes.
 * - Cuts of one file reach the disk in order, and a write made after a cut that was lost is lost too.
 * - A name that was made, changed or removed is durable once its directory has been synced; until then changes may be
 *   lost, but those of one directory only in order: if one is lost, so are all later ones. A rename is never half done.
 * - A sync that fails drops what it should have written, and the next one succeeds without it.
 */

import { PagedBytes } from './paged-bytes.ts'
import type { SeededRandom } from './random.ts'

export const SECTOR = 512

type UnsyncedChange =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number }

abstract class Node {
  /** Null: the root, or removed, or below something that was. */
  parent: DirectoryNode | null = null
  name = ''
  modifiedMs = 0

  get path(): string {
    return this.parent ? `${this.parent.parent ? this.parent.path : ''}/${this.name}` : '/'
  }
}

export class DirectoryNode extends Node {
  readonly isDirectory = true
  readonly entries = new Map<string, StorageNode>()
  /** The entries that a loss of power leaves. */
  readonly durableEntries = new Map<string, StorageNode>()
}

export class FileNode extends Node {
  readonly isDirectory = false
  content = new PagedBytes()
  /** Null: what is durable is not tracked. */
  durable: PagedBytes | null
  unsynced: UnsyncedChange[] = []

  constructor(tracksDurability: boolean) {
    super()
    this.durable = tracksDurability ? new PagedBytes() : null
  }
}

export type StorageNode = DirectoryNode | FileNode

/** Changes of directory entries that happen together or not at all. */
type NameChange = readonly {
  readonly directory: DirectoryNode
  readonly name: string
  readonly node: StorageNode | null
}[]

export interface MemoryStorageOptions {
  /** Whether a loss of power can be simulated, which costs a second copy of the data. */
  readonly tracksDurability?: boolean
  /** Bytes of all files together. Default: no limit. */
  readonly capacityBytes?: number
}

/** Thrown by the operations below; disk.ts makes a DiskError of it. */
export class StorageFailure extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

export class MemoryStorage {
  readonly tracksDurability: boolean
  readonly capacityBytes: number
  /** The files that are locked, and by whom. */
  readonly locks = new Map<FileNode, object>()
  readonly #root = new DirectoryNode()
  #unsyncedNames: NameChange[] = []
  #usedBytes = 0

  constructor(options: MemoryStorageOptions = {}) {
    this.tracksDurability = options.tracksDurability ?? false
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  // ---------------------------------------------------------------------------------------------------------- names

  /** Null if there is nothing; throws ENOTDIR if a file is in the way. */
  find(path: string): StorageNode | null {
    let node: StorageNode = this.#root
    for (const name of split(path)) {
      if (!node.isDirectory) throw new StorageFailure('ENOTDIR')
      const next: StorageNode | undefined = node.entries.get(name)
      if (!next) return null
      node = next
    }
    return node
  }

  file(path: string): FileNode {
    const node = this.find(path)
    if (!node) throw new StorageFailure('ENOENT')
    if (node.isDirectory) throw new StorageFailure('EISDIR')
    return node
  }

  directory(path: string): DirectoryNode {
    const node = this.find(path)
    if (!node) throw new StorageFailure('ENOENT')
    if (!node.isDirectory) throw new StorageFailure('ENOTDIR')
    return node
  }

  createFile(path: string, nowMs: number): FileNode {
    const { directory, name } = this.#place(path)
    const file = new FileNode(this.tracksDurability)
    file.modifiedMs = nowMs
    this.#change([{ directory, name, node: file }], nowMs)
    return file
  }

  makeDirectory(path: string, nowMs: number): void {
    let directory: DirectoryNode = this.#root
    for (const name of split(path)) {
      let next: StorageNode | undefined = directory.entries.get(name)
      if (!next) {
        next = new DirectoryNode()
        next.modifiedMs = nowMs
        this.#change([{ directory, name, node: next }], nowMs)
      }
      if (!next.isDirectory) throw new StorageFailure(next.path === path ? 'EEXIST' : 'ENOTDIR')
      directory = next
    }
  }

  /** What is checked first is checked first in Linux too: of two errors both disks give the same. */
  rename(from: string, to: string, nowMs: number): void {
    const source = this.#place(from)
    const { directory, name } = this.#place(to)
    const node = source.directory.entries.get(source.name)
    if (!node) throw new StorageFailure('ENOENT')
    const replaced = directory.entries.get(name)
    if (isBelow(directory, node)) throw new StorageFailure('EINVAL')
    if (replaced && isBelow(source.directory, replaced)) throw new StorageFailure('ENOTEMPTY')
    if (replaced === node) return
    if (replaced) assertReplaceable(node, replaced)
    this.#change(
      [
        { ...source, node: null },
        { directory, name, node },
      ],
      nowMs,
    )
    if (replaced) this.#discard(replaced)
  }

  remove(path: string, nowMs: number): void {
    const node = this.find(path)
    if (!node) return
    if (!node.parent) throw new StorageFailure('EBUSY')
    this.#unlink(node, nowMs)
  }

  /** Makes the names in a directory durable, and what they depend on. */
  syncDirectory(directory: DirectoryNode): void {
    if (!this.tracksDurability) return
    // Backwards: a change that belongs to it pulls in the earlier ones of every directory that it touches.
    const needed = new Set([directory])
    const included = new Set<NameChange>()
    for (const change of this.#unsyncedNames.toReversed()) {
      if (!change.some(part => needed.has(part.directory))) continue
      included.add(change)
      for (const part of change) needed.add(part.directory)
    }
    for (const change of this.#unsyncedNames) if (included.has(change)) makeDurable(change)
    this.#unsyncedNames = this.#unsyncedNames.filter(change => !included.has(change))
  }

  // ---------------------------------------------------------------------------------------------------------- bytes

  /** Writes all of it, or what there is space for and throws ENOSPC. */
  write(file: FileNode, chunks: readonly Uint8Array[], position: number, nowMs: number): void {
    let length = 0
    for (const chunk of chunks) length += chunk.length
    if (length === 0) return
    const limit = file.content.size + this.capacityBytes - this.#usedBytes
    const fits = Math.max(0, Math.min(length, limit - position))
    if (fits > 0) this.#writePart(file, fits < length ? [joined(chunks, fits)] : chunks, fits, position)
    file.modifiedMs = nowMs
    if (fits < length) throw new StorageFailure('ENOSPC')
  }

  #writePart(file: FileNode, chunks: readonly Uint8Array[], length: number, position: number): void {
    if (file.parent) this.#usedBytes += Math.max(0, position + length - file.content.size)
    let at = position
    for (const chunk of chunks) {
      file.content.write(chunk, at)
      at += chunk.length
    }
    if (file.durable) file.unsynced.push({ kind: 'write', position, bytes: joined(chunks, length) })
  }

  truncate(file: FileNode, size: number, nowMs: number): void {
    if (size - file.content.size > this.capacityBytes - this.#usedBytes) throw new StorageFailure('ENOSPC')
    if (file.parent) this.#usedBytes += size - file.content.size
    file.content.truncate(size)
    file.modifiedMs = nowMs
    if (file.durable) file.unsynced.push({ kind: 'truncate', size })
  }

  sync(file: FileNode): void {
    if (!file.durable) return
    for (const change of file.unsynced) apply(change, file.durable)
    file.unsynced = []
  }

  /** What a failed sync does: the system still shows what was written, but will never write it. */
  dropUnsynced(file: FileNode): void {
    file.unsynced = []
  }

  /** Bit rot: inverts the bits of `mask` in one byte, on the disk and in the cache. */
  corrupt(path: string, position: number, mask = 1): void {
    const file = this.file(path)
    for (const bytes of [file.content, file.durable]) {
      const byte = new Uint8Array(1)
      if (!bytes || bytes.read(byte, position) === 0) continue
      byte[0] = byte[0]! ^ mask
      bytes.write(byte, position)
    }
  }

  // ----------------------------------------------------------------------------------------------------- power loss

  assertTracksDurability(): void {
    if (!this.tracksDurability) throw new Error('this storage does not track what is durable: see tracksDurability')
  }

  /** What POSIX allows to be left, chosen by `random`. Only for a storage that tracks durability. */
  losePower(random: SeededRandom): void {
    this.assertTracksDurability()
    // From a disk that had written nearly everything to one that had written nearly nothing.
    const keep = random.float()
    const blocked = new Set<DirectoryNode>()
    for (const change of this.#unsyncedNames) {
      const isKept = !change.some(part => blocked.has(part.directory)) && random.chance(keep)
      if (isKept) makeDurable(change)
      else for (const part of change) blocked.add(part.directory)
    }
    this.#unsyncedNames = []
    this.#usedBytes = 0
    this.#restore(this.#root, random, keep)
  }

  #restore(directory: DirectoryNode, random: SeededRandom, keep: number): void {
    directory.entries.clear()
    for (const [name, node] of directory.durableEntries) {
      directory.entries.set(name, node)
      node.parent = directory
      node.name = name
      if (node.isDirectory) {
        this.#restore(node, random, keep)
        continue
      }
      node.durable = afterPowerLoss(node, random, keep)
      node.content = node.durable.copy()
      node.unsynced = []
      this.#usedBytes += node.content.size
    }
  }

  // --------------------------------------------------------------------------------------------------------- helpers

  #place(path: string): { directory: DirectoryNode; name: string } {
    const names = split(path)
    const name = names.pop()
    if (name === undefined) throw new StorageFailure('EISDIR')
    return { directory: this.directory(`/${names.join('/')}`), name }
  }

  #change(change: NameChange, nowMs: number): void {
    for (const { directory, name, node } of change) {
      directory.modifiedMs = nowMs
      if (!node) {
        directory.entries.delete(name)
        continue
      }
      directory.entries.set(name, node)
      node.parent = directory
      node.name = name
    }
    if (this.tracksDurability) this.#unsyncedNames.push(change)
  }

  /** One name after the other, the innermost first: a loss of power may leave some of them. */
  #unlink(node: StorageNode, nowMs: number): void {
    if (node.isDirectory) for (const inner of [...node.entries.values()]) this.#unlink(inner, nowMs)
    if (node.parent) this.#change([{ directory: node.parent, name: node.name, node: null }], nowMs)
    this.#discard(node)
  }

  /** It has no name any more, unless power is lost before that is durable. */
  #discard(node: StorageNode): void {
    node.parent = null
    if (!node.isDirectory) this.#usedBytes -= node.content.size
  }
}

/** A copy of the first `length` bytes. */
export function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    if (at === length) break
    bytes.set(chunk.subarray(0, length - at), at)
    at += Math.min(chunk.length, length - at)
  }
  return bytes
}

function split(path: string): string[] {
  return path.split('/').filter(name => name !== '' && name !== '.')
}

/** Whether `node` is `ancestor` or has it above. */
function isBelow(node: DirectoryNode, ancestor: StorageNode): boolean {
  for (let current: DirectoryNode | null = node; current; current = current.parent)
    if (current === ancestor) return true
  return false
}

function assertReplaceable(node: StorageNode, replaced: StorageNode): void {
  if (node.isDirectory && !replaced.isDirectory) throw new StorageFailure('ENOTDIR')
  if (!node.isDirectory && replaced.isDirectory) throw new StorageFailure('EISDIR')
  if (replaced.isDirectory && replaced.entries.size > 0) throw new StorageFailure('ENOTEMPTY')
}

function makeDurable(change: NameChange): void {
  for (const { directory, name, node } of change) {
    if (node) directory.durableEntries.set(name, node)
    else directory.durableEntries.delete(name)
  }
}

function apply(change: UnsyncedChange, content: PagedBytes): void {
  if (change.kind === 'write') content.write(change.bytes, change.position)
  else content.truncate(change.size)
}

function afterPowerLoss(file: FileNode, random: SeededRandom, keep: number): PagedBytes {
  const content = file.durable ?? new PagedBytes()
  for (const change of file.unsynced) {
    if (change.kind === 'truncate') {
      if (!random.chance(keep)) break
      content.truncate(change.size)
    } else if (random.chance(keep)) {
      apply(change, content)
    } else if (random.chance(0.5)) {
      tear(change.position, change.bytes, content, random)
    }
  }
  return content
}

/** Some of the sectors that a write touches, and perhaps the length that it gave the file. */
function tear(position: number, bytes: Uint8Array, content: PagedBytes, random: SeededRandom): void {
  const end = position + bytes.length
  const share = random.float()
  for (let from = position; from < end; ) {
    const to = Math.min(end, (Math.floor(from / SECTOR) + 1) * SECTOR)
    if (random.chance(share)) content.write(bytes.subarray(from - position, to - position), from)
    from = to
  }
  if (content.size < end && random.chance(0.5)) content.truncate(end)
}
