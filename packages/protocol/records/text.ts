/** Header keys: short, mostly ASCII, and the same few over and over. What is not is left to the text of all messages. */
import { utf8Length, utf8Read, utf8Write } from '../text.ts'

/** Up to here a loop over the characters is faster than a call into native code. */
const SHORT = 32
const CACHED = 256

/** The keys last read, by a hash of a few of their bytes: finding one costs a third of making it again. */
const cache: string[] = new Array(CACHED).fill('')

/** What is not UTF-8 becomes U+FFFD, as in Java. */
export function readKey(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start
  if (length === 0) return ''
  if (length > SHORT) return utf8Read(bytes, start, end)
  const slot = (length * 31 + bytes[start]! * 7 + bytes[end - 1]! * 13 + bytes[start + (length >> 1)]! * 3) % CACHED
  const cached = cache[slot]!
  if (cached.length === length) {
    // Only ASCII is as many characters as bytes and equal to them one by one.
    let i = 0
    while (i < length && cached.charCodeAt(i) === bytes[start + i]) i++
    if (i === length) return cached
  }
  const key = utf8Read(bytes, start, end)
  cache[slot] = key
  return key
}

/** Bytes of `key` in UTF-8; a lone surrogate counts as U+FFFD, which it is written as. */
export function keyLength(key: string): number {
  const { length } = key
  if (length > SHORT) return utf8Length(key)
  for (let i = 0; i < length; i++) if (key.charCodeAt(i) > 0x7f) return utf8Length(key)
  return length
}

/** Writes `key`, whose `keyLength` is `length`; returns the position after it. */
export function writeKey(bytes: Uint8Array, at: number, key: string, length: number): number {
  if (length > SHORT || length !== key.length) utf8Write(bytes, key, at)
  else for (let i = 0; i < length; i++) bytes[at + i] = key.charCodeAt(i)
  return at + length
}
