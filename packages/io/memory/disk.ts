/**
 * One node's hold on a simulated disk: what `Disk` promises, over storage.ts, with delays and failures on request. It
 * ends with the node: after `kill` nothing that was asked of it is ever answered, as befits a dead process.
 *
 * Without delays every call has taken effect when it returns, and costs no timer and no turn of the event loop.
 */
import { isAbsolute } from 'node:path'
import { writeFileAtomic } from '../atomic.ts'
import { DiskError } from '../errors.ts'
import type { Clock, DirectoryEntry, Disk, DiskFile, FileStat, OpenMode } from '../io.ts'
import { Serial } from '../serial.ts'
import type { SeededRandom } from './random.ts'
import { type FileNode, joined, type MemoryStorage, StorageFailure } from './storage.ts'

export type DiskOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'size'
  | 'rename'
  | 'remove'
  | 'makeDirectory'
  | 'list'
  | 'stat'
  | 'setModified'
  | 'syncDirectory'
  | 'space'
  | 'lock'

/** Milliseconds, from and to. */
export type Range = readonly [number, number]

export interface FaultRule {
  readonly operation: DiskOperation
  /** Of the file; all, if left out. */
  readonly path?: RegExp | ((path: string) => boolean)
  /** Default `EIO`. */
  readonly code?: string
  /** How many of the first that match go well. Default 0. */
  readonly after?: number
  /** How many fail. Default 1; Infinity: until the fault is removed. */
  readonly times?: number
  /** Of those that match, so many fail, by chance. Default 1. */
  readonly probability?: number
}

export interface Fault {
  /** How often it has struck. */
  readonly hits: number
  remove(): void
}

export interface MemoryDiskOptions {
  readonly storage: MemoryStorage
  readonly clock: Clock
  readonly random: SeededRandom
  /** How long a call takes: all of them, or by kind. Default: no time at all. */
  readonly latencyMs?: Range | Partial<Record<DiskOperation, Range>>
  /** Told of every call that takes effect. */
  readonly trace?: ((event: string) => void) | undefined
}

interface Effect<T> {
  readonly operation: DiskOperation
  readonly path: string
  readonly act: () => T
  /** What a failure of it leaves behind. */
  readonly fail?: () => void
}

const UNLIMITED_BYTES = 2 ** 40
const NEVER = new Promise<never>(() => {})

export class MemoryDisk implements Disk {
  readonly storage: MemoryStorage
  readonly #clock: Clock
  readonly #random: SeededRandom
  readonly #trace: ((event: string) => void) | undefined
  readonly #faults = new Set<ActiveFault>()
  /** Writes that wait for their time: a crash may leave a part of them. */
  readonly #writesUnderWay = new Set<Effect<void>>()
  readonly #atomicWrites = new Serial()
  readonly #openFiles = new Set<MemoryFile>()
  /** How long calls take from now on; null: no time. */
  latencyMs: Range | Partial<Record<DiskOperation, Range>> | null
  #isAlive = true

  constructor(options: MemoryDiskOptions) {
    this.storage = options.storage
    this.#clock = options.clock
    this.#random = options.random
    this.#trace = options.trace
    this.latencyMs = options.latencyMs ?? null
  }

  // ------------------------------------------------------------------------------------------------ for simulations

  /** Makes calls fail. A write that fails may have written a part; a sync that fails loses what it should have synced. */
  inject(rule: FaultRule): Fault {
    const fault = new ActiveFault(rule, () => this.#faults.delete(fault))
    this.#faults.add(fault)
    return fault
  }

  /** The process is dead. Of a write that was under way, a part may have been done. Locks are free. */
  kill(): void {
    this.#isAlive = false
    for (const write of this.#writesUnderWay) if (this.#random.chance(0.5)) write.fail?.()
    this.#writesUnderWay.clear()
    for (const [file, holder] of this.storage.locks) if (holder === this) this.storage.locks.delete(file)
  }

  /** Files that nobody has closed: what was left behind, once the node has stopped. */
  get openFiles(): string[] {
    return [...this.#openFiles].map(file => file.path)
  }

  // ----------------------------------------------------------------------------------------------------------- Disk

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.#call('open', path, () => {
      const node = this.storage.find(path)
      if (node && mode === 'create') throw new StorageFailure('EEXIST')
      if (node?.isDirectory) throw new StorageFailure('EISDIR')
      if (!node && mode === 'read') throw new StorageFailure('ENOENT')
      if (node && this.storage.locks.has(node)) throw new StorageFailure('EBUSY')
      const file = new MemoryFile(this, node ?? this.storage.createFile(path, this.#clock.now()), path, mode)
      this.#openFiles.add(file)
      return file
    })
  }

  readFile(path: string): Promise<Buffer> {
    return this.#call('read', path, () => {
      const file = this.storage.file(path)
      if (this.storage.locks.has(file)) throw new StorageFailure('EBUSY')
      const bytes = Buffer.allocUnsafe(file.content.size)
      file.content.read(bytes, 0)
      return bytes
    })
  }

  writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    assertAbsolute(path)
    return this.#atomicWrites.run(path, () => writeFileAtomic(this, path, bytes))
  }

  rename(from: string, to: string): Promise<void> {
    assertAbsolute(to)
    return this.#call('rename', from, () => this.storage.rename(from, to, this.#clock.now()))
  }

  remove(path: string): Promise<void> {
    return this.#call('remove', path, () => this.storage.remove(path, this.#clock.now()))
  }

  makeDirectory(path: string): Promise<void> {
    return this.#call('makeDirectory', path, () => this.storage.makeDirectory(path, this.#clock.now()))
  }

  list(path: string): Promise<DirectoryEntry[]> {
    return this.#call('list', path, () =>
      [...this.storage.directory(path).entries]
        .map(([name, { isDirectory }]) => ({ name, isDirectory }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    )
  }

  stat(path: string): Promise<FileStat | null> {
    return this.#call('stat', path, () => {
      const node = this.storage.find(path)
      if (!node) return null
      const { isDirectory, modifiedMs } = node
      return { size: node.isDirectory ? 0 : node.content.size, modifiedMs, isDirectory }
    })
  }

  setModified(path: string, modifiedMs: number): Promise<void> {
    return this.#call('setModified', path, () => {
      this.storage.file(path).modifiedMs = modifiedMs
    })
  }

  syncDirectory(path: string): Promise<void> {
    return this.#call('syncDirectory', path, () => this.storage.syncDirectory(this.storage.directory(path)))
  }

  space(path: string): Promise<{ totalBytes: number; usableBytes: number }> {
    return this.#call('space', path, () => {
      if (!this.storage.find(path)) throw new StorageFailure('ENOENT')
      const totalBytes = Math.min(this.storage.capacityBytes, UNLIMITED_BYTES)
      return { totalBytes, usableBytes: Math.max(0, totalBytes - this.storage.usedBytes) }
    })
  }

  lock(path: string): Promise<AsyncDisposable | null> {
    return this.#call('lock', path, () => {
      const node = this.storage.find(path) ?? this.storage.createFile(path, this.#clock.now())
      if (node.isDirectory) throw new StorageFailure('EISDIR')
      if (node.content.size > 0) throw new StorageFailure('EEXIST')
      const { locks } = this.storage
      if (locks.has(node)) return null
      locks.set(node, this)
      let isHeld = true
      return {
        async [Symbol.asyncDispose]() {
          if (isHeld) locks.delete(node)
          isHeld = false
        },
      }
    })
  }

  // ------------------------------------------------------------------------------------------------ for MemoryFile

  /** Performs an effect now or, if calls take time, later. */
  perform<T>(effect: Effect<T>): Promise<T> {
    if (!this.#isAlive) return NEVER
    const delayMs = this.latencyMs ? this.#delay(effect.operation) : 0
    if (delayMs === 0) {
      try {
        return Promise.resolve(this.#apply(effect))
      } catch (error) {
        return Promise.reject(error)
      }
    }
    const isWrite = effect.operation === 'write'
    if (isWrite) this.#writesUnderWay.add(effect as Effect<never>)
    return new Promise((resolve, reject) => {
      this.#clock.setTimer(delayMs, () => {
        if (isWrite) this.#writesUnderWay.delete(effect as Effect<never>)
        try {
          resolve(this.#apply(effect))
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  write(file: FileNode, chunks: readonly Uint8Array[], position: number): void {
    this.storage.write(file, chunks, position, this.#clock.now())
  }

  /** The first bytes of a write that was cut short. */
  writeSome(file: FileNode, chunks: readonly Uint8Array[], position: number): void {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    if (length > 0) this.write(file, [joined(chunks, this.#random.integer(length))], position)
  }

  closed(file: MemoryFile): void {
    this.#openFiles.delete(file)
  }

  truncate(file: FileNode, size: number): void {
    this.storage.truncate(file, size, this.#clock.now())
  }

  #call<T>(operation: DiskOperation, path: string, act: () => T): Promise<T> {
    assertAbsolute(path)
    return this.perform({ operation, path, act })
  }

  #apply<T>({ operation, path, act, fail }: Effect<T>): T {
    const fault = this.#strike(operation, path)
    this.#trace?.(`disk ${operation} ${path}${fault ? ` ${fault.code}` : ''}`)
    if (fault) {
      fail?.()
      throw new DiskError(fault.code, operation, path)
    }
    try {
      return act()
    } catch (error) {
      if (error instanceof StorageFailure) throw new DiskError(error.code, operation, path)
      throw error
    }
  }

  #strike(operation: DiskOperation, path: string): ActiveFault | null {
    for (const fault of this.#faults) if (fault.strikes(operation, path, this.#random)) return fault
    return null
  }

  #delay(operation: DiskOperation): number {
    const { latencyMs } = this
    const range = isRange(latencyMs) ? latencyMs : latencyMs?.[operation]
    return range ? this.#random.between(range[0], range[1]) : 0
  }
}

class ActiveFault implements Fault {
  readonly code: string
  hits = 0
  readonly #rule: FaultRule
  readonly #remove: () => void
  #toSpare: number

  constructor(rule: FaultRule, remove: () => void) {
    this.code = rule.code ?? 'EIO'
    this.#rule = rule
    this.#remove = remove
    this.#toSpare = rule.after ?? 0
  }

  remove(): void {
    this.#remove()
  }

  strikes(operation: DiskOperation, path: string, random: SeededRandom): boolean {
    const { path: which, probability = 1, times = 1 } = this.#rule
    if (operation !== this.#rule.operation) return false
    if (which && !(typeof which === 'function' ? which(path) : which.test(path))) return false
    if (this.#toSpare > 0) {
      this.#toSpare--
      return false
    }
    if (!random.chance(probability)) return false
    if (++this.hits >= times) this.#remove()
    return true
  }
}

class MemoryFile implements DiskFile {
  readonly #disk: MemoryDisk
  readonly #node: FileNode
  readonly #mode: OpenMode
  readonly #underWay = new Set<Promise<unknown>>()
  #path: string
  #isClosed = false
  #syncFailure: DiskError | null = null

  constructor(disk: MemoryDisk, node: FileNode, path: string, mode: OpenMode) {
    this.#disk = disk
    this.#node = node
    this.#path = path
    this.#mode = mode
  }

  get path(): string {
    if (this.#node.parent) this.#path = this.#node.path
    return this.#path
  }

  read(target: Uint8Array, position: number): Promise<number> {
    assertPosition(position)
    return this.#run('read', () => this.#node.content.read(target, position))
  }

  write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    assertPosition(position)
    return this.#run(
      'write',
      () => this.#disk.write(this.#node, chunks, position),
      () => this.#disk.writeSome(this.#node, chunks, position),
    )
  }

  async sync(): Promise<void> {
    if (this.#syncFailure && !this.#isUnusable()) throw this.#syncFailure
    try {
      await this.#run(
        'sync',
        () => this.#disk.storage.sync(this.#node),
        () => this.#disk.storage.dropUnsynced(this.#node),
      )
    } catch (error) {
      // As in node/file.ts: that the file was closed or removed is no failure to sync.
      if (error instanceof DiskError && !this.#isUnusable()) this.#syncFailure = error
      throw error
    }
  }

  truncate(size: number): Promise<void> {
    return this.#run('truncate', () => this.#disk.truncate(this.#node, size))
  }

  size(): Promise<number> {
    return this.#run('size', () => this.#node.content.size)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#disk.closed(this)
    await Promise.allSettled(this.#underWay)
  }

  #run<T>(operation: DiskOperation, act: () => T, fail?: () => void): Promise<T> {
    const code = this.#isUnusable()
    if (code) return Promise.reject(new DiskError(code, operation, this.path))
    if (this.#mode === 'read' && (operation === 'write' || operation === 'truncate')) {
      return Promise.reject(new DiskError(operation === 'write' ? 'EBADF' : 'EINVAL', operation, this.path))
    }
    const result = this.#disk.perform({ operation, path: this.path, act, ...(fail && { fail }) })
    if (this.#disk.latencyMs) {
      this.#underWay.add(result)
      const done = (): void => {
        this.#underWay.delete(result)
      }
      result.then(done, done)
    }
    return result
  }

  #isUnusable(): string | null {
    if (this.#isClosed) return 'EBADF'
    return this.#node.parent ? null : 'ENOENT'
  }
}

function isRange(latency: Range | Partial<Record<DiskOperation, Range>> | null): latency is Range {
  return Array.isArray(latency)
}

function assertAbsolute(path: string): void {
  if (!isAbsolute(path)) throw new RangeError(`${path} is not an absolute path`)
}

function assertPosition(position: number): void {
  if (!Number.isSafeInteger(position) || position < 0) throw new RangeError(`${position} is not a position in a file`)
}
