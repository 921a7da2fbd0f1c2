/** The errors that this package throws, and what any error means on the wire. */
import { LogError } from '@ottla/log'
import { ErrorCode, type ErrorName, ProtocolError, type ProtocolErrorCode } from '@ottla/protocol'

/**
 * A request that fails with one of Kafka's error codes; the router or the handler turns it into the response. With an
 * empty message the response has the code alone, as where Kafka says no more either.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ErrorName

  constructor(code: ErrorName, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** The number that goes on the wire. */
  get errorCode(): number {
    return ErrorCode[this.code]
  }
}

/** There is no way to tell the client, or no sense in it: the connection is closed, with this in the log. */
export class ConnectionClosingError extends Error {
  override readonly name = 'ConnectionClosingError'
}

/** The configuration cannot be used; the message names the key. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly code = 'ERR_CONFIGURATION'
}

/** The metadata log or a snapshot can't be what the controller wrote: the node stops rather than disagree with the others. */
export class MetadataError extends Error {
  override readonly name = 'MetadataError'
  readonly code: MetadataErrorCode

  constructor(code: MetadataErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type MetadataErrorCode =
  /** A record that cannot follow those before it, or that makes no sense by itself. */
  | 'ERR_BROKEN_RECORD'
  /** A feature is finalized at a level that this software does not know. */
  | 'ERR_UNSUPPORTED_FEATURE'
  /** quorum-state, a snapshot or bootstrap.checkpoint is damaged, or does not fit the log. */
  | 'ERR_BROKEN_FILE'
  /** The folder belongs to a quorum that this node cannot be (the whole of). */
  | 'ERR_UNSUPPORTED_QUORUM'
  /** Log dirs cannot be formatted as asked. */
  | 'ERR_CANNOT_FORMAT'

/** What is wrong with bytes that a client sent as records. */
const PROTOCOL_ERRORS: Readonly<Record<ProtocolErrorCode, ErrorName>> = {
  ERR_TRUNCATED: 'CORRUPT_MESSAGE',
  ERR_CORRUPT: 'CORRUPT_MESSAGE',
  ERR_MALFORMED: 'INVALID_RECORD',
  ERR_TOO_LARGE: 'MESSAGE_TOO_LARGE',
  ERR_UNSUPPORTED_VERSION: 'UNSUPPORTED_VERSION',
}

/** UNKNOWN_SERVER_ERROR for anything that is a bug. */
export function errorCodeOf(error: unknown): number {
  if (error instanceof ApiError || error instanceof LogError) return ErrorCode[error.code]
  if (error instanceof ProtocolError) return ErrorCode[PROTOCOL_ERRORS[error.code]]
  return ErrorCode.UNKNOWN_SERVER_ERROR
}

/** Whether the error is of a kind that a peer or a disk can cause; anything else belongs in the log with its stack. */
export function isExpected(error: unknown): boolean {
  return error instanceof ApiError || error instanceof LogError || error instanceof ProtocolError
}

/** What a client may be told: nothing about bugs of ours. */
export function messageOf(error: unknown): string {
  return isExpected(error)
    ? (error as Error).message
    : 'The server experienced an unexpected error when processing the request.'
}
