/** The errors that this package throws. */
import type { ErrorName } from '@ottla/protocol'

/** A log operation that fails with one of Kafka's error codes; the broker puts the code into the response. */
export class LogError extends Error {
  override readonly name: string = 'LogError'
  readonly code: ErrorName

  constructor(code: ErrorName, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** OFFSET_OUT_OF_RANGE, with the range that there is. */
export class OffsetOutOfRangeError extends LogError {
  override readonly name = 'OffsetOutOfRangeError'
  readonly logStartOffset: number
  readonly logEndOffset: number

  constructor(message: string, logStartOffset: number, logEndOffset: number) {
    super('OFFSET_OUT_OF_RANGE', message)
    this.logStartOffset = logStartOffset
    this.logEndOffset = logEndOffset
  }
}

/** Why the log dirs cannot be opened at all. The message names the dir and says what to do. */
export class LogDirError extends Error {
  override readonly name = 'LogDirError'
  readonly code: LogDirErrorCode

  constructor(code: LogDirErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type LogDirErrorCode =
  /** No log dir can be used. */
  | 'ERR_ALL_LOG_DIRS_OFFLINE'
  /** The one that holds the metadata log can't be used; a node that is a controller is nothing without it. */
  | 'ERR_METADATA_LOG_DIR_OFFLINE'
  /** Another process has it. */
  | 'ERR_LOG_DIR_LOCKED'
  /** A dir without meta.properties, and no cluster id to write one with. */
  | 'ERR_NOT_FORMATTED'
  /** meta.properties cannot be read, or the dirs disagree. */
  | 'ERR_BAD_META_PROPERTIES'
  /** meta.properties is of another node or another cluster. */
  | 'ERR_WRONG_IDENTITY'
  /** A partition, or the same dir, is there twice; or a folder that is no partition. */
  | 'ERR_UNEXPECTED_CONTENT'
