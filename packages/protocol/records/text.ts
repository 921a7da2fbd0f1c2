/** UTF-8, for header keys: short, mostly ASCII, and many. */

// ignoreBOM keeps a leading U+FEFF, which is a character like any other here.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** Up to here a loop over the characters is faster than a call into native code. */
const SHORT = 24

/** What is not UTF-8 becomes U+FFFD, as in Java. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT) {
    let text = ''
    let at = start
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte > 0x7f) break
      text += String.fromCharCode(byte)
    }
    if (at === end) return text
  }
  return decoder.decode(bytes.subarray(start, end))
}

/** Bytes of `text` in UTF-8; a lone surrogate counts as U+FFFD, which it is written as. */
export function utf8Length(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) length++
    else if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      // A pair: two units, four bytes.
      length += 2
      i++
    } else length += 2
  }
  return length
}

/** Writes `text`, whose `utf8Length` is `length`; returns the position after it. */
export function writeUtf8(bytes: Uint8Array, at: number, text: string, length: number): number {
  if (length === text.length && length <= SHORT) {
    for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i)
  } else {
    encoder.encodeInto(text, bytes.subarray(at, at + length))
  }
  return at + length
}
