/**
 * A file as the log sees it, over a handle that the pool opens and closes as it sees fit.
 *
 * Small writes are done in the calling turn: putting 16 KiB into the page cache takes 7 µs, and 40 µs of two threads'
 * time by way of libuv's thread pool (test/bench/io.ts). A kernel that holds writers back because too many pages are
 * dirty would stop the event loop, so a write that took long sends those of the next second to the thread pool. Reads
 * always go there: nobody knows which are in the cache.
 */
import { constants, fdatasync, fstat, ftruncate, read, writev, writevSync } from 'node:fs'
import { DiskError, posixCode } from '../errors.ts'
import type { DiskFile, OpenMode } from '../io.ts'
import { Handle, type HandlePool } from './handle-pool.ts'

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = constants

const FIRST_OPEN: Readonly<Record<OpenMode, number>> = {
  read: O_RDONLY,
  write: O_RDWR | O_CREAT,
  create: O_RDWR | O_CREAT | O_EXCL,
}

/** A write in the calling turn that took longer than this was held back by the kernel. */
const HELD_BACK_MS = 5
const HELD_BACK_PAUSE_MS = 1000

const DONE = Promise.resolve()

/** What the files of one disk share. */
export interface FileContext {
  readonly pool: HandlePool
  /** Writes of up to so many bytes are done in the calling turn. */
  readonly inlineWriteBytes: number
  /** Until this monotonic time no write is. */
  inlineAgainAtMs: number
  onClose(file: NodeFile): void
}

export class NodeFile implements DiskFile {
  path: string
  /** Set while a rename or removal is under way: what the path will mean is not known, so nothing may be opened. */
  moving: Promise<void> | null = null
  readonly #context: FileContext
  readonly #handle = new Handle()
  readonly #flags: number
  #opening: Promise<void> | null = null
  #state: 'open' | 'gone' | 'closed' = 'open'
  #idle: (() => void) | null = null
  #syncing: Promise<void> | null = null
  #nextSync: Promise<void> | null = null
  #syncFailure: DiskError | null = null

  private constructor(path: string, mode: OpenMode, context: FileContext) {
    this.path = path
    this.#flags = mode === 'read' ? O_RDONLY : O_RDWR
    this.#context = context
  }

  static async open(path: string, mode: OpenMode, context: FileContext): Promise<NodeFile> {
    const file = new NodeFile(path, mode, context)
    try {
      await context.pool.open(file.#handle, path, FIRST_OPEN[mode])
    } catch (cause) {
      throw new DiskError(posixCode(cause), 'open', path, { cause })
    }
    file.#release()
    return file
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    assertPosition(position)
    const fd = this.#handle.fd >= 0 ? this.#use('read') : await this.#reopen('read')
    try {
      let done = await readSome(fd, target, 0, position)
      // A regular file gives less than was asked for at its end, and in rare cases elsewhere: only 0 is the end.
      while (done < target.length) {
        const more = await readSome(fd, target, done, position + done)
        if (more === 0) break
        done += more
      }
      return done
    } catch (cause) {
      throw this.#error('read', cause)
    } finally {
      this.#release()
    }
  }

  write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    assertPosition(position)
    const { inlineWriteBytes, inlineAgainAtMs } = this.#context
    if (this.#handle.fd < 0 || this.#state !== 'open' || this.#flags === O_RDONLY)
      return this.#writeLater(chunks, position)
    const length = totalLength(chunks)
    if (length > inlineWriteBytes) return this.#writeLater(chunks, position)
    const startMs = performance.now()
    if (startMs < inlineAgainAtMs) return this.#writeLater(chunks, position)
    const fd = this.#context.pool.use(this.#handle)
    try {
      this.#handle.isDirty = true
      writeAllNow(fd, chunks, length, position)
    } catch (cause) {
      return Promise.reject(this.#error('write', cause))
    } finally {
      this.#release()
    }
    const endMs = performance.now()
    if (endMs - startMs > HELD_BACK_MS) this.#context.inlineAgainAtMs = endMs + HELD_BACK_PAUSE_MS
    return DONE
  }

  sync(): Promise<void> {
    // One fdatasync serves all who ask before it begins; whoever asks while it runs gets the next.
    this.#nextSync ??= this.#syncAfter(this.#syncing)
    return this.#nextSync
  }

  async truncate(size: number): Promise<void> {
    const fd = this.#handle.fd >= 0 ? this.#use('truncate') : await this.#reopen('truncate')
    try {
      this.#handle.isDirty = true
      await new Promise<void>((resolve, reject) => ftruncate(fd, size, error => (error ? reject(error) : resolve())))
    } catch (cause) {
      throw this.#error('truncate', cause)
    } finally {
      this.#release()
    }
  }

  async size(): Promise<number> {
    const fd = this.#handle.fd >= 0 ? this.#use('size') : await this.#reopen('size')
    try {
      return await new Promise<number>((resolve, reject) => {
        fstat(fd, (error, stat) => (error ? reject(error) : resolve(stat.size)))
      })
    } catch (cause) {
      throw this.#error('size', cause)
    } finally {
      this.#release()
    }
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#context.onClose(this)
    if (this.#opening) await this.#opening.catch(() => {}) // whoever needed it open is told
    if (this.#handle.users > 0) {
      await new Promise<void>(resolve => {
        this.#idle = resolve
      })
    }
    try {
      await this.#context.pool.close(this.#handle)
    } catch (cause) {
      throw this.#error('close', cause)
    }
  }

  /** Resolves when no descriptor is being opened by the path of now. */
  async settled(): Promise<void> {
    while (this.#opening) await this.#opening.catch(() => {}) // whoever needed it open is told
  }

  /** The file was removed or replaced: gives its descriptor, and with it its space, back as soon as nobody uses it. */
  markGone(): void {
    if (this.#state !== 'open') return
    this.#state = 'gone'
    if (this.#handle.users === 0) this.#dropHandle()
  }

  // -------------------------------------------------------------------------------------------------------- handles

  #use(operation: string): number {
    this.#check(operation)
    return this.#context.pool.use(this.#handle)
  }

  async #reopen(operation: string): Promise<number> {
    for (;;) {
      this.#check(operation)
      if (this.#handle.fd >= 0) return this.#context.pool.use(this.#handle)
      if (this.moving) await this.moving
      else if (this.#opening)
        await this.#opening.catch(() => {}) // the one who opens is told; this one tries again
      else {
        await this.#openHandle(operation)
        // In use from the start: a handle that became idle here could be taken away before its first use, for ever.
        if (this.#state === 'open') return this.#handle.fd
        this.#release()
      }
    }
  }

  async #openHandle(operation: string): Promise<void> {
    this.#opening = this.#context.pool.open(this.#handle, this.path, this.#flags)
    try {
      await this.#opening
    } catch (cause) {
      throw this.#error(operation, cause)
    } finally {
      this.#opening = null
    }
  }

  #release(): void {
    this.#context.pool.release(this.#handle)
    if (this.#handle.users > 0) return
    if (this.#idle) this.#idle()
    else if (this.#state === 'gone') this.#dropHandle()
  }

  #dropHandle(): void {
    // The file is gone, and what an error would tell about went with it.
    this.#context.pool.close(this.#handle).catch(() => {})
  }

  #check(operation: string): void {
    if (this.#state === 'closed') throw new DiskError('EBADF', operation, this.path)
    if (this.#state === 'gone') throw new DiskError('ENOENT', operation, this.path)
  }

  #error(operation: string, cause: unknown): DiskError {
    return cause instanceof DiskError ? cause : new DiskError(posixCode(cause), operation, this.path, { cause })
  }

  // ----------------------------------------------------------------------------------------------- write and sync

  async #writeLater(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const fd = this.#handle.fd >= 0 ? this.#use('write') : await this.#reopen('write')
    try {
      if (this.#flags === O_RDONLY) throw new DiskError('EBADF', 'write', this.path)
      this.#handle.isDirty = true
      await writeAll(fd, chunks, position)
    } catch (cause) {
      throw this.#error('write', cause)
    } finally {
      this.#release()
    }
  }

  async #syncAfter(running: Promise<void> | null): Promise<void> {
    await running?.catch(() => {}) // told to those who wait for it, and kept in #syncFailure
    this.#syncing = this.#nextSync
    this.#nextSync = null
    try {
      await this.#syncNow()
    } finally {
      this.#syncing = null
    }
  }

  async #syncNow(): Promise<void> {
    this.#check('sync')
    if (this.#syncFailure) throw this.#syncFailure
    const fd = this.#handle.fd >= 0 ? this.#use('sync') : await this.#reopen('sync')
    try {
      if (this.#handle.closeError) throw this.#handle.closeError
      this.#handle.isDirty = false
      await new Promise<void>((resolve, reject) => fdatasync(fd, error => (error ? reject(error) : resolve())))
    } catch (cause) {
      this.#syncFailure = this.#error('sync', cause)
      throw this.#syncFailure
    } finally {
      this.#release()
    }
  }
}

/** To Node a position that is not one means 'wherever the descriptor stands'. */
function assertPosition(position: number): void {
  if (!Number.isSafeInteger(position) || position < 0) throw new RangeError(`${position} is not a position in a file`)
}

function totalLength(chunks: readonly Uint8Array[]): number {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  return length
}

function readSome(fd: number, target: Uint8Array, from: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, target, from, target.length - from, position, (error, count) => (error ? reject(error) : resolve(count)))
  })
}

/** libuv splits what is more than the kernel takes at once (IOV_MAX = 1024 chunks); a short count comes back here. */
async function writeAll(fd: number, chunks: readonly Uint8Array[], position: number): Promise<void> {
  let rest = chunks
  let left = totalLength(chunks)
  for (let at = position; left > 0; ) {
    const count = await new Promise<number>((resolve, reject) => {
      writev(fd, rest as Uint8Array[], at, (error, written) => (error ? reject(error) : resolve(written)))
    })
    left -= count
    at += count
    if (left > 0) rest = afterShortWrite(rest, count)
  }
}

function writeAllNow(fd: number, chunks: readonly Uint8Array[], length: number, position: number): void {
  let rest = chunks
  let left = length
  for (let at = position; left > 0; ) {
    const count = writevSync(fd, rest as Uint8Array[], at)
    left -= count
    at += count
    if (left > 0) rest = afterShortWrite(rest, count)
  }
}

/** What is left of `chunks` after `count` bytes. The kernel took less than it was given: the next try says why. */
export function afterShortWrite(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  if (count === 0) throw new Error('the file system takes no more bytes and says nothing')
  let skip = count
  let first = 0
  while (skip >= chunks[first]!.length) skip -= chunks[first++]!.length
  return [chunks[first]!.subarray(skip), ...chunks.slice(first + 1)]
}
