/** Results of single items in a request: an item that fails says why and leaves the others alone. */
import { ErrorCode, type ErrorName } from '@ottla/protocol'
import { ApiError } from '../errors.ts'

/** What one request may write at most; Kafka's bound. */
export const MAX_RECORDS_PER_REQUEST = 10_000

export interface Outcome {
  readonly errorCode: number
  readonly errorMessage: string | null
}

export const SUCCESS: Outcome = { errorCode: ErrorCode.NONE, errorMessage: null }

/** With an empty message, the code alone. */
export function failure(code: ErrorName, message: string): Outcome {
  return { errorCode: ErrorCode[code], errorMessage: message || null }
}

/** What `attempt` threw, if it is one of Kafka's errors; anything else is a bug and goes on up. */
export function outcomeOf(attempt: () => void): Outcome {
  try {
    attempt()
    return SUCCESS
  } catch (error) {
    if (error instanceof ApiError) return failure(error.code, error.message)
    throw error
  }
}

/** Keeps a request that would write too much from being committed at all. */
export function checkRecordCount(records: readonly unknown[]): void {
  if (records.length <= MAX_RECORDS_PER_REQUEST) return
  throw new ApiError('POLICY_VIOLATION', `The request needs more than ${MAX_RECORDS_PER_REQUEST} metadata records.`)
}

/** Values that occur once, and those that occur more often. */
export function splitDuplicates<T>(values: Iterable<T>): { readonly single: Set<T>; readonly duplicate: Set<T> } {
  const single = new Set<T>()
  const duplicate = new Set<T>()
  for (const value of values) {
    if (duplicate.has(value)) continue
    if (single.delete(value)) duplicate.add(value)
    else single.add(value)
  }
  return { single, duplicate }
}
