/**
 * How far each log is clean: `cleaner-offset-checkpoint` in each log dir, in Kafka's format, kept in memory since the start.
 * One that is lost, or older than the log, costs work and no record.
 */

import { folderName } from '../file-names.ts'
import type { LogDir } from '../log-dir.ts'
import type { TopicPartition } from '../types.ts'

export class CleanerOffsets {
  readonly #dir: LogDir
  #offsets: Map<string, [TopicPartition, number]> = new Map()
  #writing: Promise<void> = Promise.resolve()

  constructor(dir: LogDir) {
    this.#dir = dir
  }

  async load(): Promise<void> {
    this.#offsets = new Map(
      (await this.#dir.readCleanerOffsets()).map(entry => [folderName(entry[0]), [entry[0], entry[1]]]),
    )
  }

  /** null: it was never cleaned. */
  get(log: TopicPartition): number | null {
    return this.#offsets.get(folderName(log))?.[1] ?? null
  }

  /** Resolves when it is on disk. */
  set({ topic, partition }: TopicPartition, offset: number): Promise<void> {
    this.#offsets.set(folderName({ topic, partition }), [{ topic, partition }, offset])
    return this.#save()
  }

  /** The log was cut: what will be written in place of what is gone is dirty. */
  async truncate(log: TopicPartition, endOffset: number): Promise<void> {
    const offset = this.get(log)
    if (offset !== null && offset > endOffset) await this.set(log, endOffset)
  }

  /** The partition goes: a later one of its name must not inherit how far it was cleaned. */
  async forget(log: TopicPartition): Promise<void> {
    if (this.#offsets.delete(folderName(log))) await this.#save()
  }

  /** Partitions that are no more, because they were deleted while nobody looked. */
  async keepOnly(logs: readonly TopicPartition[]): Promise<void> {
    const names = new Set(logs.map(folderName))
    const gone = [...this.#offsets.keys()].filter(name => !names.has(name))
    for (const name of gone) this.#offsets.delete(name)
    if (gone.length > 0) await this.#save()
  }

  /** What is set meanwhile goes with the next write. */
  #save(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#dir.writeCleanerOffsets([...this.#offsets.values()]))
    return this.#writing
  }
}
