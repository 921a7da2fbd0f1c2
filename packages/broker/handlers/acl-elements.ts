/**
 * What requests about ACLs have in common: which of their codes nobody can mean. Kafka does not take such a request for
 * one at all, and closes the connection, whether there is an authorizer or not.
 */
import { ConnectionClosingError } from '../errors.ts'

/** Resource types, pattern types, operations and permission types all call it UNKNOWN. */
const UNKNOWN = 0

export function refuseUnknown(name: string, ...codes: readonly number[]): void {
  if (codes.includes(UNKNOWN)) throw new ConnectionClosingError(`${name} has an element of the type UNKNOWN`)
}
