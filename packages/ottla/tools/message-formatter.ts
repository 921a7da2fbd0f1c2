/** How `kafka-console-consumer` and `kafka-console-share-consumer` print a record: Java's DefaultMessageFormatter. */
import type { ConsumerRecord } from '@ottla/client'
import { ToolError } from './java/errors.ts'
import { doubleText } from './java/format.ts'
import { isTrue } from './key-values.ts'

export type Formatter = (record: ConsumerRecord, deliveries?: number) => Uint8Array
type Deserializer = (bytes: Uint8Array) => string

const PACKAGES = ['org.apache.kafka.tools.consumer.', 'kafka.tools.']
export const DEFAULT_FORMATTER = `${PACKAGES[0]}DefaultMessageFormatter`

const view = (bytes: Uint8Array, length: number, type: string): DataView => {
  if (bytes.length !== length)
    throw new ToolError(
      `Size of data received by ${type}Deserializer is not ${length}`,
      'org.apache.kafka.common.errors.SerializationException',
    )
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Of `org.apache.kafka.common.serialization`. */
const DESERIALIZERS: Readonly<Record<string, Deserializer>> = {
  StringDeserializer: bytes => Buffer.from(bytes).toString(),
  IntegerDeserializer: bytes => String(view(bytes, 4, 'Integer').getInt32(0)),
  LongDeserializer: bytes => String(view(bytes, 8, 'Long').getBigInt64(0)),
  ShortDeserializer: bytes => String(view(bytes, 2, 'Short').getInt16(0)),
  DoubleDeserializer: bytes => doubleText(view(bytes, 8, 'Double').getFloat64(0)),
  FloatDeserializer: bytes => floatText(view(bytes, 4, 'Float').getFloat32(0)),
  BooleanDeserializer: bytes => String(view(bytes, 1, 'Boolean').getInt8(0) !== 0),
  UUIDDeserializer: bytes => Buffer.from(bytes).toString(),
  BytesDeserializer: bytes => bytesText(bytes),
}

/** The fewest digits that give the float again. */
function floatText(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return doubleText(short)
  }
  return doubleText(value)
}

/** `Bytes.toString()`: what is not printable is escaped. */
function bytesText(bytes: Uint8Array): string {
  return [...bytes]
    .map(byte => {
      const isPlain = byte >= 32 && byte <= 126 && byte !== 0x5c
      return isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

/** `complain`: a deserializer that is not there is told, and the bytes are printed as they are. */
export function makeFormatter(
  className: string,
  properties: ReadonlyMap<string, string>,
  complain: (line: string) => void,
): Formatter {
  const name = PACKAGES.reduce(
    (text, prefix) => (text.startsWith(prefix) ? text.slice(prefix.length) : text),
    className,
  )
  if (name === 'NoOpMessageFormatter') return () => new Uint8Array(0)
  if (name !== 'DefaultMessageFormatter')
    throw new ToolError(`--formatter ${className}: there are only DefaultMessageFormatter and NoOpMessageFormatter yet`)
  const shown = (part: string, byDefault = false) =>
    properties.has(`print.${part}`) ? isTrue(properties.get(`print.${part}`)) : byDefault
  const deserializer = (property: string): Deserializer | null => {
    const asked = properties.get(property)
    if (asked === undefined) return null
    const known = DESERIALIZERS[asked.replace('org.apache.kafka.common.serialization.', '')]
    if (!known) complain(`ERROR Unable to instantiate a deserializer from ${asked}: the bytes are printed as they are`)
    return known ?? null
  }
  const nullBytes = Buffer.from(properties.get('null.literal') ?? 'null')
  const bytesOf = (bytes: Uint8Array | null, how: Deserializer | null): Uint8Array => {
    const there = bytes ?? nullBytes
    return how ? Buffer.from(how(there)) : there
  }
  const [ofKey, ofValue, ofHeaders] = ['key', 'value', 'headers'].map(part => deserializer(`${part}.deserializer`))
  const columnEnd = Buffer.from(properties.get('key.separator') ?? '\t')
  const lineEnd = Buffer.from(properties.get('line.separator') ?? '\n')
  const headerEnd = Buffer.from(properties.get('headers.separator') ?? ',')
  const parts: [isShown: boolean, part: (record: ConsumerRecord, deliveries?: number) => Uint8Array][] = [
    [
      shown('timestamp'),
      ({ timestamp, timestampType }) => Buffer.from(timestamp < 0 ? 'NO_TIMESTAMP' : `${timestampType}:${timestamp}`),
    ],
    [shown('partition'), ({ partition }) => Buffer.from(`Partition:${partition}`)],
    [shown('offset'), ({ offset }) => Buffer.from(`Offset:${offset}`)],
    [shown('delivery'), (_, deliveries) => Buffer.from(`Delivery:${deliveries ?? 'NOT_PRESENT'}`)],
    [shown('epoch'), () => Buffer.from('Epoch:NOT_PRESENT')],
    [
      shown('headers'),
      ({ headers }) => {
        if (headers.length === 0) return Buffer.from('NO_HEADERS')
        return Buffer.concat(
          headers.flatMap(({ key, value }, i) => [
            ...(i > 0 ? [headerEnd] : []),
            Buffer.from(`${key}:`),
            bytesOf(value, ofHeaders!),
          ]),
        )
      },
    ],
    [shown('key'), ({ key }) => bytesOf(key, ofKey!)],
    [shown('value', true), ({ value }) => bytesOf(value, ofValue!)],
  ]
  const wanted = parts.filter(([isShown]) => isShown).map(([, part]) => part)
  return (record, deliveries) =>
    Buffer.concat(wanted.flatMap((part, i) => [part(record, deliveries), i < wanted.length - 1 ? columnEnd : lineEnd]))
}
