/** Both ways to encode and decode, under one face: what `encode` and `decode` do on this host, and the closures. */

import { decode, encode } from '../codec.ts'
import { closureDecoder, closureEncoder } from '../codec-closures.ts'
import type { Reader } from '../reader.ts'
import type { Message } from '../schema.ts'
import { Writer } from '../writer.ts'

export interface Codec {
  readonly name: string
  encode(schema: Message, version: number, value: object): Uint8Array
  decode(schema: Message, version: number, reader: Reader): object
}

type Closures = { decode: ReturnType<typeof closureDecoder>; encode: ReturnType<typeof closureEncoder> }

const made = new WeakMap<Message, Closures[]>()

function closures(schema: Message, version: number): Closures {
  let versions = made.get(schema)
  if (!versions) {
    versions = []
    made.set(schema, versions)
  }
  versions[version] ??= { decode: closureDecoder(schema, version), encode: closureEncoder(schema, version) }
  return versions[version]
}

export const codecs: readonly Codec[] = [
  {
    name: 'the codec',
    encode(schema, version, value) {
      const writer = new Writer()
      encode(schema, version, value, writer)
      return Buffer.concat(writer.finish())
    },
    decode,
  },
  {
    name: 'closures',
    encode(schema, version, value) {
      const writer = new Writer()
      closures(schema, version).encode(writer, value)
      return Buffer.concat(writer.finish())
    },
    decode: (schema, version, reader) => closures(schema, version).decode(reader),
  },
]
