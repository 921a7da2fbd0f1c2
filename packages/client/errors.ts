/** The errors that the client throws. */
import { type ErrorName, errorName } from '@ottla/protocol'

/** A broker answered with an error code. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError'
  readonly code: ErrorName
  readonly errorCode: number
  /** Why, in the broker's own words; null: it said no more than the code. */
  readonly brokerMessage: string | null

  constructor(errorCode: number, what: string, brokerMessage?: string | null) {
    const code = errorName(errorCode)
    super(`${what}: ${brokerMessage ? `${brokerMessage} (${code})` : code}`)
    this.code = code
    this.errorCode = errorCode
    this.brokerMessage = brokerMessage || null
  }
}

/** The broker can't be reached, or the connection broke before the answer came. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  readonly code = 'ERR_CONNECTION'
}

/** The broker speaks no version of an API that this client speaks. */
export class UnsupportedVersionError extends Error {
  override readonly name = 'UnsupportedVersionError'
  readonly code = 'ERR_UNSUPPORTED_VERSION'
}

export class RequestTimeoutError extends Error {
  override readonly name = 'RequestTimeoutError'
  readonly code = 'ERR_REQUEST_TIMEOUT'
}

/** Throws if `errorCode` is not 0. */
export function check(errorCode: number, what: string, brokerMessage?: string | null): void {
  if (errorCode !== 0) throw new KafkaError(errorCode, what, brokerMessage)
}

/** What became of one of many: null, or why it was refused. */
export type Outcome = KafkaError | null

export function outcome(errorCode: number, what: string, brokerMessage?: string | null): Outcome {
  return errorCode === 0 ? null : new KafkaError(errorCode, what, brokerMessage)
}
