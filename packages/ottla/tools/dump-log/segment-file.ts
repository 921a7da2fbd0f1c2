/**
 * A file of batches as Apache Kafka's tools read one: batch after batch, whatever their checksums, up to one that is cut
 * short. Read in pieces, as segments may be gigabytes; a batch is in memory as a whole.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { type BatchHeader, HEADER_BYTES_UP_TO_MAGIC, LOG_OVERHEAD, readBatchHeader } from '@ottla/protocol'
import { ToolError } from '../java/errors.ts'

const MAX_INT = 2 ** 31 - 1
const PIECE_BYTES = 1024 * 1024
const LENGTH_AT = 8
const LEAST_LENGTH = 14
const NOTHING = Buffer.alloc(0)

export interface FileBatch {
  readonly header: BatchHeader
  /** Of this batch alone. */
  readonly bytes: Uint8Array
  /** In the file. */
  readonly position: number
}

export class SegmentFile {
  readonly path: string
  /** How errors name it. */
  readonly #shown: string
  readonly sizeInBytes: number
  readonly #handle: number
  #piece: Buffer = NOTHING
  #pieceAt = 0

  constructor(path: string, shown = path) {
    this.path = path
    this.#shown = shown
    this.#handle = reading(path, () => openSync(path, 'r'))
    this.sizeInBytes = fstatSync(this.#handle).size
  }

  /** Whole batches from `from` on that end at `end` or before. */
  *batches(from = 0, end = this.sizeInBytes): Generator<FileBatch, void> {
    if (from > this.sizeInBytes) {
      const records = `FileRecords(size=${this.sizeInBytes}, file=${this.path}, start=0, end=${MAX_INT})`
      throw new ToolError(`Slice from position ${from} exceeds end position of ${records}`)
    }
    let position = from
    while (position < end - HEADER_BYTES_UP_TO_MAGIC) {
      const length = this.#read(position, HEADER_BYTES_UP_TO_MAGIC).readInt32BE(LENGTH_AT)
      if (length < LEAST_LENGTH)
        throw new ToolError(
          `Found record size ${length} smaller than minimum record overhead (${LEAST_LENGTH}) in file ${this.#shown}.`,
          'org.apache.kafka.common.errors.CorruptRecordException',
        )
      if (position > end - LOG_OVERHEAD - length) return
      const bytes = this.#read(position, LOG_OVERHEAD + length)
      yield { header: readBatchHeader(bytes), bytes, position }
      position += bytes.length
    }
  }

  #read(position: number, count: number): Buffer {
    const at = position - this.#pieceAt
    if (at >= 0 && at + count <= this.#piece.length) return this.#piece.subarray(at, at + count)
    this.#piece = Buffer.allocUnsafe(Math.min(Math.max(count, PIECE_BYTES), this.sizeInBytes - position))
    this.#pieceAt = position
    for (let read = 0; read < this.#piece.length; ) {
      const more = readSync(this.#handle, this.#piece, read, this.#piece.length - read, position + read)
      if (more === 0) throw new ToolError(`${this.path} has become shorter`, 'java.io.EOFException')
      read += more
    }
    return this.#piece.subarray(0, count)
  }

  [Symbol.dispose](): void {
    closeSync(this.#handle)
  }
}

export function readBytes(path: string): Buffer {
  return reading(path, () => readFileSync(path))
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw isMissing ? new ToolError(path, 'java.nio.file.NoSuchFileException') : error
  }
}
