/**
 * The `.snapshot` files of one log: one at the begin of each segment, and one at the end of the log after a clean stop.
 * Encoded at once, when the state is what it was at that offset; written with the next flush.
 */
import { DELETED_SUFFIX, SNAPSHOT_SUFFIX } from './file-names.ts'
import type { Folder } from './folder.ts'
import type { ProducerEntry } from './producer-entry.ts'
import { decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts'
import type { ProducerState } from './producer-state.ts'

export class Snapshots {
  readonly #folder: Folder
  /** Of the files there are, and of those that will be, ascending. */
  #offsets: number[]
  readonly #unwritten = new Map<number, Uint8Array>()
  /** No snapshot is taken at or below this. */
  lastOffset = 0

  constructor(folder: Folder, offsets: readonly number[]) {
    this.#folder = folder
    this.#offsets = [...offsets].sort((a, b) => a - b)
  }

  get offsets(): readonly number[] {
    return this.#offsets
  }

  get latest(): number | null {
    return this.#offsets.at(-1) ?? null
  }

  /** Keeps what `state` is now, unless there is a snapshot as new. */
  take(state: ProducerState): void {
    const offset = state.endOffset
    if (offset <= this.lastOffset) return
    this.#unwritten.set(offset, encodeSnapshot(state.entries()))
    this.#offsets = [...this.#offsets.filter(other => other !== offset), offset].sort((a, b) => a - b)
    this.lastOffset = offset
  }

  /** Writes what was taken. */
  async write(sync: boolean): Promise<void> {
    for (const [offset, bytes] of this.#unwritten) {
      const file = await this.#folder.disk.open(this.#path(offset), 'write')
      try {
        await file.write([bytes], 0)
        await file.truncate(bytes.length)
        if (sync) await file.sync()
      } finally {
        await file.close()
      }
      this.#unwritten.delete(offset)
    }
  }

  /** Throws an Error that says why it cannot be used; a DiskError if it cannot be read. */
  async read(offset: number): Promise<ProducerEntry[]> {
    const bytes = this.#unwritten.get(offset) ?? (await this.#folder.disk.readFile(this.#path(offset)))
    return decodeSnapshot(bytes)
  }

  async remove(offset: number): Promise<void> {
    if (!this.#forget(offset)) return
    await this.#folder.disk.remove(this.#path(offset))
  }

  /** As `remove`, for those for which `isUnwanted`. */
  async removeWhere(isUnwanted: (offset: number) => boolean): Promise<void> {
    for (const offset of this.#offsets.filter(isUnwanted)) await this.remove(offset)
  }

  /** Renames it, so that it is out of the way; `removeDeleted` removes it. False: there is none. */
  async markDeleted(offset: number): Promise<boolean> {
    if (!this.#forget(offset)) return false
    const path = this.#path(offset)
    if ((await this.#folder.disk.stat(path)) === null) return false
    await this.#folder.disk.rename(path, path + DELETED_SUFFIX)
    return true
  }

  removeDeleted(offset: number): Promise<void> {
    return this.#folder.disk.remove(this.#path(offset) + DELETED_SUFFIX)
  }

  #forget(offset: number): boolean {
    this.#unwritten.delete(offset)
    const index = this.#offsets.indexOf(offset)
    if (index < 0) return false
    this.#offsets.splice(index, 1)
    return true
  }

  #path(offset: number): string {
    return this.#folder.offsetFile(offset, SNAPSHOT_SUFFIX)
  }
}
