/**
 * Writes partition.metadata, which says whose topic's a log is. That costs two syncs, so a thousand new logs would keep the
 * disk busy for a second: they get it one after the other, in the background, and those that are written to before their turn
 * get it then. No batch is on disk without it.
 */
import type { Disk } from '@ottla/io'
import { encodePartitionMetadata } from './checkpoints.ts'
import { PARTITION_METADATA_FILE } from './file-names.ts'
import type { PartitionLog } from './partition-log.ts'

export class TopicIds {
  readonly #disk: Disk
  readonly #unwritten: PartitionLog[] = []
  #writing: Promise<void> | null = null

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Of a new log. */
  assignLater(log: PartitionLog, topicId: string): void {
    log.assignTopicId(topicId)
    log.store.folder.prepareBy(() => this.#write(log, topicId))
    this.#unwritten.push(log)
    this.#writing ??= this.#writeAll()
  }

  /** INCONSISTENT_TOPIC_ID if the log has another. */
  async assign(log: PartitionLog, topicId: string): Promise<void> {
    log.assignTopicId(topicId)
    await this.#write(log, topicId)
  }

  /** Resolves when all of them have theirs. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    for (let log = this.#unwritten.shift(); log; log = this.#unwritten.shift()) {
      if (!log.store.failure) await log.store.folder.prepared()
    }
    this.#writing = null
  }

  async #write({ store }: PartitionLog, topicId: string): Promise<void> {
    try {
      const path = store.folder.file(PARTITION_METADATA_FILE)
      await this.#disk.writeFileAtomic(path, encodePartitionMetadata(topicId))
    } catch (error) {
      // A log that was deleted meanwhile needs none.
      if (!store.failure) store.failed(error)
    }
  }
}
