/**
 * The machine's file systems. File descriptors, all of them, come from one bounded pool (handle-pool.ts). What a rename
 * or removal means for the files that are open is settled here: no descriptor is opened by a path that is about to
 * change, `DiskFile`s that were renamed get their new path, and those that were removed or replaced are told.
 */
import { close, fstat, mkdir, open, read } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname, isAbsolute } from 'node:path'
import { writeFileAtomic } from '../atomic.ts'
import { DiskError, posixCode } from '../errors.ts'
import type { DirectoryEntry, Disk, DiskFile, FileStat, OpenMode } from '../io.ts'
import { Serial } from '../serial.ts'
import { type FileContext, NodeFile } from './file.ts'
import { HandlePool } from './handle-pool.ts'
import { isLockedHere, lockFile } from './lock.ts'
import { OpenFiles } from './open-files.ts'

export interface NodeDiskOptions {
  /** At most so many descriptors are open at a time. Default 1,000. */
  readonly maxOpenFiles?: number
  /** Writes of up to so many bytes are done in the calling turn, see file.ts. 0: none. Default 256 KiB. */
  readonly inlineWriteBytes?: number
}

const DEFAULT_MAX_OPEN_FILES = 1000
const DEFAULT_INLINE_WRITE_BYTES = 256 * 1024

export class NodeDisk implements Disk {
  readonly #pool: HandlePool
  readonly #context: FileContext
  readonly #files = new OpenFiles<NodeFile>()
  readonly #atomicWrites = new Serial()

  constructor(options: NodeDiskOptions = {}) {
    this.#pool = new HandlePool(options.maxOpenFiles ?? DEFAULT_MAX_OPEN_FILES)
    this.#context = {
      pool: this.#pool,
      inlineWriteBytes: options.inlineWriteBytes ?? DEFAULT_INLINE_WRITE_BYTES,
      inlineAgainAtMs: 0,
      onClose: file => this.#files.delete(file),
    }
  }

  /** Descriptors that are open now. */
  get openHandles(): number {
    return this.#pool.taken
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    assertAbsolute(path)
    if (isLockedHere(path)) throw new DiskError('EBUSY', 'open', path)
    const file = await NodeFile.open(path, mode, this.#context)
    this.#files.add(file)
    return file
  }

  readFile(path: string): Promise<Buffer> {
    assertAbsolute(path)
    if (isLockedHere(path)) return Promise.reject(new DiskError('EBUSY', 'read', path))
    return this.#withDescriptor('read', path, () => readWhole(path))
  }

  writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    assertAbsolute(path)
    // Two at a time would write into one temporary file.
    return this.#atomicWrites.run(path, () => writeFileAtomic(this, path, bytes))
  }

  async rename(from: string, to: string): Promise<void> {
    assertAbsolute(from)
    assertAbsolute(to)
    await this.#whileMoving([from, to], async () => {
      await attempt('rename', from, () => fs.rename(from, to))
      if (from === to) return
      for (const file of this.#files.under(to)) file.markGone()
      for (const file of this.#files.under(from)) {
        this.#files.delete(file)
        file.path = to + file.path.slice(from.length)
        this.#files.add(file)
      }
    })
  }

  async remove(path: string): Promise<void> {
    assertAbsolute(path)
    await this.#whileMoving([path], async () => {
      await attempt('remove', path, () => fs.rm(path, { recursive: true, force: true }))
      for (const file of this.#files.under(path)) file.markGone()
    })
  }

  async makeDirectory(path: string): Promise<void> {
    assertAbsolute(path)
    await attempt('make directory', path, () => makeAll(path))
  }

  async list(path: string): Promise<DirectoryEntry[]> {
    assertAbsolute(path)
    const entries = await this.#withDescriptor('list', path, () => fs.readdir(path, { withFileTypes: true }))
    const found = await Promise.all(
      entries.map(async entry => {
        const isLink = entry.isSymbolicLink()
        const isDirectory = isLink ? await isDirectoryAt(`${path}/${entry.name}`) : entry.isDirectory()
        return { name: entry.name, isDirectory }
      }),
    )
    return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  }

  async stat(path: string): Promise<FileStat | null> {
    assertAbsolute(path)
    try {
      const stat = await fs.stat(path)
      return { size: stat.size, modifiedMs: stat.mtimeMs, isDirectory: stat.isDirectory() }
    } catch (cause) {
      if (posixCode(cause) === 'ENOENT') return null
      throw new DiskError(posixCode(cause), 'stat', path, { cause })
    }
  }

  async setModified(path: string, modifiedMs: number): Promise<void> {
    assertAbsolute(path)
    await attempt('set modified', path, () => fs.utimes(path, modifiedMs / 1000, modifiedMs / 1000))
  }

  async syncDirectory(path: string): Promise<void> {
    assertAbsolute(path)
    // Windows has no such call: NTFS keeps the order of directory changes by itself.
    if (process.platform === 'win32') return
    await this.#withDescriptor('sync directory', path, async () => {
      const directory = await fs.open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
      try {
        await directory.sync()
      } finally {
        await directory.close()
      }
    })
  }

  async space(path: string): Promise<{ totalBytes: number; usableBytes: number }> {
    assertAbsolute(path)
    const stat = await attempt('space', path, () => fs.statfs(path))
    return { totalBytes: stat.blocks * stat.bsize, usableBytes: stat.bavail * stat.bsize }
  }

  async lock(path: string): Promise<AsyncDisposable | null> {
    assertAbsolute(path)
    return lockFile(path)
  }

  async #withDescriptor<T>(operation: string, path: string, task: () => Promise<T>): Promise<T> {
    await this.#pool.reserve()
    try {
      return await attempt(operation, path, task)
    } finally {
      this.#pool.unreserve()
    }
  }

  /** Runs `task` while no open file under `paths` opens a descriptor. */
  async #whileMoving(paths: readonly string[], task: () => Promise<void>): Promise<void> {
    const affected = (): NodeFile[] => paths.flatMap(path => this.#files.under(path))
    for (;;) {
      const busy = affected().find(file => file.moving)
      if (!busy) break
      await busy.moving
    }
    let finish = (): void => {}
    const moving = new Promise<void>(resolve => {
      finish = resolve
    })
    const files = affected()
    for (const file of files) file.moving = moving
    try {
      await Promise.all(files.map(file => file.settled()))
      await task()
    } finally {
      for (const file of files) file.moving = null
      finish()
    }
  }
}

/** With all that leads there. Node's own way goes round for ever where there can be no directories, as in /proc. */
async function makeAll(path: string): Promise<void> {
  let error = await makeOne(path)
  if (error?.code === 'ENOENT' && dirname(path) !== path) {
    await makeAll(dirname(path))
    error = await makeOne(path)
  }
  if (error?.code === 'EEXIST' && (await isDirectoryAt(path))) return
  if (error) throw error
}

/** With a callback at half the cost of a promise: a thousand new logs are a thousand directories. */
function makeOne(path: string): Promise<NodeJS.ErrnoException | null> {
  return new Promise(resolve => mkdir(path, resolve))
}

/** As fs.promises.readFile, at half its cost: a node with many small files reads them all at its start. */
function readWhole(path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    open(path, 'r', (error, fd) => {
      if (error) return reject(error)
      const finish = (failure: Error | null, bytes?: Buffer): void => {
        close(fd, () => (failure ? reject(failure) : resolve(bytes!))) // nothing was written: closing tells nothing
      }
      fstat(fd, (error, stat) => {
        if (error) return finish(error)
        const bytes = Buffer.allocUnsafeSlow(stat.size)
        readFrom(fd, bytes, 0, finish)
      })
    })
  })
}

function readFrom(
  fd: number,
  bytes: Buffer,
  at: number,
  finish: (failure: Error | null, bytes?: Buffer) => void,
): void {
  if (at === bytes.length) {
    finish(null, bytes)
    return
  }
  read(fd, bytes, at, bytes.length - at, at, (error, count) => {
    if (error) finish(error)
    else if (count === 0)
      finish(null, bytes.subarray(0, at)) // it became shorter meanwhile
    else readFrom(fd, bytes, at + count, finish)
  })
}

function assertAbsolute(path: string): void {
  if (!isAbsolute(path)) throw new RangeError(`${path} is not an absolute path`)
}

async function attempt<T>(operation: string, path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (cause) {
    if (cause instanceof DiskError) throw cause
    throw new DiskError(posixCode(cause), operation, path, { cause })
  }
}

async function isDirectoryAt(path: string): Promise<boolean> {
  try {
    return (await fs.stat(path)).isDirectory()
  } catch (error) {
    if (posixCode(error) === 'ENOENT') return false // a link to nowhere, or gone since
    throw error
  }
}
