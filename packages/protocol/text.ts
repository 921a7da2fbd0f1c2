/** UTF-8 and the text of UUIDs. Buffer's native methods where there is a Buffer; otherwise what any browser has. */

interface NativeText {
  utf8Slice(start: number, end: number): string
  utf8Write(text: string, offset: number): number
  base64urlSlice(start: number, end: number): string
}

const native = (globalThis as { Buffer?: { prototype: NativeText; byteLength(text: string): number } }).Buffer
// ignoreBOM keeps a U+FEFF at the beginning, as Buffer does.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** Invalid sequences become U+FFFD. */
export const utf8Read: (bytes: Uint8Array, start: number, end: number) => string = native
  ? (bytes, start, end) => native.prototype.utf8Slice.call(bytes, start, end)
  : (bytes, start, end) => decoder.decode(bytes.subarray(start, end))

/** There must be room: `utf8Length` tells for how much. Returns the bytes written. */
export const utf8Write: (bytes: Uint8Array, text: string, at: number) => number = native
  ? (bytes, text, at) => native.prototype.utf8Write.call(bytes, text, at)
  : (bytes, text, at) => encoder.encodeInto(text, bytes.subarray(at)).written

export const utf8Length: (text: string) => number = native
  ? text => native.byteLength(text)
  : text => encoder.encode(text).length

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const UUID_BYTES = 16
const UUID_CHARS = 22

const values = new Int8Array(128).fill(-1)
for (let i = 0; i < ALPHABET.length; i++) values[ALPHABET.charCodeAt(i)] = i

/** 16 bytes as 22 characters of url-safe base64. */
export const uuidRead: (bytes: Uint8Array, at: number) => string = native
  ? (bytes, at) => native.prototype.base64urlSlice.call(bytes, at, at + UUID_BYTES)
  : uuidText

function uuidText(bytes: Uint8Array, at: number): string {
  let text = ''
  for (let i = 0; i < UUID_BYTES; i += 3) {
    const bits =
      (bytes[at + i]! << 16) |
      ((i + 1 < UUID_BYTES ? bytes[at + i + 1]! : 0) << 8) |
      (i + 2 < UUID_BYTES ? bytes[at + i + 2]! : 0)
    text += ALPHABET[bits >> 18]! + ALPHABET[(bits >> 12) & 63]! + ALPHABET[(bits >> 6) & 63]! + ALPHABET[bits & 63]!
  }
  return text.slice(0, UUID_CHARS)
}

/** False if `text` is no UUID; then nothing of use was written. */
export function uuidWrite(bytes: Uint8Array, text: string, at: number): boolean {
  if (text.length !== UUID_CHARS) return false
  let bits = 0
  let held = 0
  let to = at
  for (let i = 0; i < UUID_CHARS; i++) {
    const value = values[text.charCodeAt(i)] ?? -1
    if (value < 0) return false
    bits = ((bits << 6) | value) & 0xffffff
    held += 6
    if (held >= 8) {
      held -= 8
      bytes[to++] = (bits >> held) & 0xff
    }
  }
  return true
}
