/** The errors that this package throws. */
import { ErrorCode, type ErrorName } from '@ottla/protocol'

/** A request that fails with one of Kafka's error codes; the router or the handler turns it into the response. */
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
