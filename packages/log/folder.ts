/** Where a log's files are. The path changes when the log is renamed for deletion; all its parts look here. */
import type { Disk } from '@ottla/io'
import { offsetName } from './file-names.ts'

export class Folder {
  readonly disk: Disk
  path: string
  /** Writes a new folder's first files; null: they are there. */
  #prepare: (() => Promise<void>) | null = null
  #preparing: Promise<void> | null = null
  /** The log dir's entry for the folder is on stable storage. */
  isEntrySynced = true

  constructor(disk: Disk, path: string) {
    this.disk = disk
    this.path = path
  }

  file(name: string): string {
    return `${this.path}/${name}`
  }

  /** `task` is to be done before anything else is written here: at `prepared()`. */
  prepareBy(task: () => Promise<void>): void {
    this.#prepare = task
  }

  /** Resolves when the folder's first files are there; null: they are. */
  prepared(): Promise<void> | null {
    if (!this.#prepare) return null
    this.#preparing ??= this.#prepare().finally(() => {
      this.#prepare = null
      this.#preparing = null
    })
    return this.#preparing
  }

  /** The folder goes: what was not begun need not be done. */
  async abandon(): Promise<void> {
    await this.#preparing
    this.#prepare = null
  }

  /** Of a segment or snapshot: `suffix` with its dot. */
  offsetFile(offset: number, suffix: string): string {
    return `${this.path}/${offsetName(offset)}${suffix}`
  }

  async sync(): Promise<void> {
    await this.disk.syncDirectory(this.path)
    if (this.isEntrySynced) return
    await this.disk.syncDirectory(this.path.slice(0, this.path.lastIndexOf('/')))
    this.isEntrySynced = true
  }
}

/** Renames a file if it is there; what it was there for may have been done before a crash. */
export async function renameIfPresent(disk: Disk, from: string, to: string): Promise<void> {
  if ((await disk.stat(from)) !== null) await disk.rename(from, to)
}
