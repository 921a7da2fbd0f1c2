/**
 * Takes a log's appends to its files. All that is appended in one turn of the event loop is one write; what is
 * appended while a write is under way waits for the next. Writes are strictly one after the other, over segments too,
 * so a file never holds a batch whose predecessor is missing for any other reason than a crash of the machine.
 */
import type { Clock } from '@ottla/io'
import type { Segment } from './segment.ts'

/** Appends to one segment that are written together. */
interface Group {
  readonly segment: Segment
  readonly position: number
  readonly chunks: Uint8Array[]
  readonly startOffset: number
  bytes: number
  endOffset: number
  /** At least one of them asks to be flushed before it counts as written. */
  flush: boolean
  readonly written: PromiseWithResolvers<void>
}

export interface WriterEvents {
  /** `chunks` have reached the file; they begin at `startOffset`. */
  onWritten(chunks: readonly Uint8Array[], startOffset: number, endOffset: number): void
  /** Everything up to `endOffset` is in its file: put it on stable storage. */
  sync(endOffset: number): Promise<void>
  /** The error that appends are to be refused with from now on. */
  onFailure(error: unknown): Error
}

/** Many small chunks are copied into one: an iovec costs more than copying a few hundred bytes. */
const JOIN_BELOW_BYTES = 2048
const JOIN_FROM_CHUNKS = 8

export class LogWriter {
  readonly #clock: Clock
  readonly #events: WriterEvents
  readonly #groups: Group[] = []
  #running = false
  #failure: Error | null = null
  #idle: PromiseWithResolvers<void> | null = null

  constructor(clock: Clock, events: WriterEvents) {
    this.#clock = clock
    this.#events = events
  }

  get isIdle(): boolean {
    return !this.#running
  }

  /** `bytes` go to `position` of the segment's file, after all that was handed in before. */
  append(
    segment: Segment,
    bytes: Uint8Array,
    position: number,
    startOffset: number,
    endOffset: number,
    flush: boolean,
  ): Promise<void> {
    if (this.#failure) throw this.#failure
    let group = this.#groups.at(-1)
    if (group?.segment !== segment) {
      group = {
        segment,
        position,
        chunks: [],
        startOffset,
        bytes: 0,
        endOffset,
        flush: false,
        written: Promise.withResolvers(),
      }
      group.written.promise.catch(() => {}) // whoever does not wait for it hears of the failed log dir
      this.#groups.push(group)
    }
    if (position !== group.position + group.bytes) throw new Error('appends leave no holes')
    group.chunks.push(bytes)
    group.bytes += bytes.length
    group.endOffset = endOffset
    group.flush ||= flush
    this.#start()
    return group.written.promise
  }

  /** Resolves when nothing is left to be written; rejects if that has failed. */
  async idle(): Promise<void> {
    if (this.#running) {
      this.#idle ??= Promise.withResolvers()
      await this.#idle.promise
    }
    if (this.#failure) throw this.#failure
  }

  /** Refuses all that is waiting, and all that is to come. */
  fail(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    for (const group of this.#groups.splice(0)) group.written.reject(error)
  }

  #start(): void {
    if (this.#running) return
    this.#running = true
    this.#clock.nextTurn(() => this.#run())
  }

  async #run(): Promise<void> {
    for (let group = this.#groups.shift(); group; group = this.#groups.shift()) {
      try {
        const chunks = join(group.chunks)
        await group.segment.write(chunks, group.position)
        group.segment.writtenSize = group.position + group.bytes
        if (group.flush) await this.#events.sync(group.endOffset)
        if (this.#failure) throw this.#failure
        this.#events.onWritten(chunks, group.startOffset, group.endOffset)
        group.written.resolve()
      } catch (error) {
        const failure = this.#events.onFailure(error)
        group.written.reject(failure)
        this.fail(failure)
      }
    }
    this.#running = false
    this.#idle?.resolve()
    this.#idle = null
  }
}

function join(chunks: Uint8Array[]): readonly Uint8Array[] {
  if (chunks.length < JOIN_FROM_CHUNKS) return chunks
  let bytes = 0
  for (const chunk of chunks) bytes += chunk.length
  return bytes < chunks.length * JOIN_BELOW_BYTES ? [Buffer.concat(chunks, bytes)] : chunks
}
