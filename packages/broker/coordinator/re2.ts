/**
 * The library for regular expressions in the syntax of RE2, loaded when the first one comes: its tables of Unicode take
 * 7 ms and 2 MiB, which a start should not wait for, and most brokers never need them.
 */
import { createRequire } from 'node:module'

type Library = typeof import('re2js')

let library: Library | undefined

export function re2(): Library {
  library ??= createRequire(import.meta.url)('re2js') as Library
  return library
}
