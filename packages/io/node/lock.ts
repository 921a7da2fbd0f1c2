/**
 * Exclusive locks that the kernel takes back when the process ends, however it ends.
 *
 * Node has no call for them, but it carries SQLite, which locks its database by POSIX record locks (on Windows: by
 * LockFileEx), as Java's FileChannel does. An empty file is an empty database to SQLite: `BEGIN EXCLUSIVE` on a log
 * directory's `.lock` holds the kernel's lock on it and writes nothing, so that Ottla and Apache Kafka keep each other
 * out of a directory, either way round. A file that holds a process id, the usual way in Node, does neither: it is
 * stale after a crash, and Kafka does not look into it.
 *
 * POSIX drops all of a process's locks on a file when the process closes any descriptor of that file: hence a file that
 * is locked here must not be opened by anything else (`isLockedHere`).
 */
import { lstatSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { DiskError, posixCode } from '../errors.ts'

/** SQLite's result codes; the low byte of an extended one. */
const SQLITE_BUSY = 5
const SQLITE_CANTOPEN = 14
const SQLITE_NOTADB = 26
const SQLITE_CODES: Readonly<Record<number, string>> = { 3: 'EACCES', 8: 'EROFS', 10: 'ENOLCK', 13: 'ENOSPC' }

/** By file. It keeps them: SQLite would free a lock whose database nobody refers to any more, whenever that is noticed. */
const heldHere = new Map<string, DatabaseSync>()

/** Whether this process holds the lock of the file at `path`. */
export function isLockedHere(path: string): boolean {
  return heldHere.size > 0 && heldHere.has(resolved(path))
}

/** Throws a DiskError; null if somebody else has the lock. */
export function lockFile(path: string): FileLock | null {
  const sqlite = loadSqlite(path)
  const name = resolved(path)
  if (heldHere.has(name)) return null
  let database: DatabaseSync | null = null
  try {
    database = new sqlite.DatabaseSync(name, { timeout: 0 })
    // Without a journal in memory an empty file would appear beside the lock. The order matters: the first of these
    // that looks at the file is the one that takes the lock.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database?.close()
    const code = (cause as { errcode?: number }).errcode ?? 0
    if ((code & 0xff) === SQLITE_BUSY) return null
    throw new DiskError(lockErrorCode(code, name), 'lock', path, { cause })
  }
  heldHere.set(name, database)
  return new FileLock(name, database)
}

export class FileLock implements AsyncDisposable {
  readonly #name: string
  #database: DatabaseSync | null

  constructor(name: string, database: DatabaseSync) {
    this.#name = name
    this.#database = database
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#database?.close()
    this.#database = null
    heldHere.delete(this.#name)
  }
}

function loadSqlite(path: string): typeof import('node:sqlite') {
  const { emitWarning } = process
  // Node 22 says on stderr that SQLite is experimental; what is used of it here has not changed since SQLite 3.0.
  process.emitWarning = () => {}
  try {
    const sqlite = process.getBuiltinModule('node:sqlite')
    if (!sqlite)
      throw new DiskError('ENOTSUP', 'lock', path, { cause: new Error('this Node was built without SQLite') })
    return sqlite
  } finally {
    process.emitWarning = emitWarning
  }
}

/** SQLite says that it could not open the file, and not why. */
function lockErrorCode(errcode: number, name: string): string {
  if (errcode === SQLITE_NOTADB) return 'EEXIST' // a file with something in it: not a lock
  if ((errcode & 0xff) !== SQLITE_CANTOPEN) return SQLITE_CODES[errcode & 0xff] ?? 'EIO'
  try {
    return lstatSync(name).isDirectory() ? 'EISDIR' : 'EACCES'
  } catch (error) {
    if (posixCode(error) !== 'ENOENT') return posixCode(error)
  }
  try {
    lstatSync(dirname(name))
    return 'EACCES'
  } catch (error) {
    return posixCode(error)
  }
}

/** One name for a file that several paths lead to. The file itself need not be there. */
function resolved(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // Not there yet: its directory has to be, else SQLite says so.
  }
  try {
    return join(realpathSync(dirname(path)), basename(path))
  } catch {
    return path
  }
}
