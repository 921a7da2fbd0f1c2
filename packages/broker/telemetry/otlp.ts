/**
 * Reads the metrics that clients push: `MetricsData` of OpenTelemetry's protocol (opentelemetry/proto/metrics/v1), in
 * protobuf. Only what can be exported here is decoded: gauges and sums with their attributes. A generator, so that
 * whoever reads a large push can let others have their turn.
 *
 * Nothing is allocated by a length that the bytes claim, and nothing is read beyond their end: throws an OtlpError.
 */

export class OtlpError extends Error {
  override readonly name = 'OtlpError'
}

export type Attributes = ReadonlyMap<string, string>

export interface DataPoint {
  readonly name: string
  /** A sum that only grows is a counter. */
  readonly kind: 'gauge' | 'counter'
  /** The value is what was added since the last push. */
  readonly isDelta: boolean
  readonly value: number
  /** Of the point. */
  readonly attributes: Attributes
  /** Of the client, as it tells of itself. */
  readonly resource: Attributes
}

/** null: a point that is left out, being of another kind (histogram, summary) or without a value. */
export function* dataPoints(bytes: Uint8Array): Generator<DataPoint | null, void> {
  for (const { field, message } of new Protobuf(bytes)) {
    if (field === 1 && message) yield* ofResource(message)
  }
}

function* ofResource(resourceMetrics: Uint8Array): Generator<DataPoint | null, void> {
  const resource = new Map<string, string>()
  for (const { field, message } of new Protobuf(resourceMetrics)) {
    if (field === 1 && message) for (const part of new Protobuf(message)) addAttribute(resource, part, 1)
  }
  for (const scopeMetrics of messages(resourceMetrics, 2)) {
    for (const metric of messages(scopeMetrics, 2)) yield* ofMetric(metric, resource)
  }
}

const GAUGE = 5
const SUM = 7
const OTHER_KINDS: ReadonlySet<number> = new Set([9, 10, 11])
const DELTA = 1

function* ofMetric(metric: Uint8Array, resource: Attributes): Generator<DataPoint | null, void> {
  let name = ''
  for (const { field, message } of new Protobuf(metric)) {
    if (field === 1 && message) name = utf8(message)
  }
  for (const { field, message } of new Protobuf(metric)) {
    if (!message) continue
    if (field === GAUGE) {
      for (const point of messages(message, 1)) yield ofPoint(point, { name, kind: 'gauge', isDelta: false, resource })
    } else if (field === SUM) {
      let isDelta = false
      let isMonotonic = false
      for (const { field: of, integer } of new Protobuf(message)) {
        if (of === 2) isDelta = integer === DELTA
        if (of === 3) isMonotonic = integer !== 0
      }
      const kind = isMonotonic ? 'counter' : 'gauge'
      for (const point of messages(message, 1)) yield ofPoint(point, { name, kind, isDelta, resource })
    } else if (OTHER_KINDS.has(field)) yield null
  }
}

function ofPoint(point: Uint8Array, metric: Omit<DataPoint, 'value' | 'attributes'>): DataPoint | null {
  const attributes = new Map<string, string>()
  let value: number | null = null
  for (const part of new Protobuf(point)) {
    if (part.field === 4 && part.bits) value = part.bits.getFloat64(0, true)
    else if (part.field === 6 && part.bits) value = Number(part.bits.getBigInt64(0, true))
    else addAttribute(attributes, part, 7)
  }
  return value === null ? null : { ...metric, value, attributes }
}

function addAttribute(to: Map<string, string>, { field, message }: Part, wanted: number): void {
  if (field !== wanted || !message) return
  let key = ''
  let value = ''
  for (const part of new Protobuf(message)) {
    if (part.field === 1 && part.message) key = utf8(part.message)
    if (part.field === 2 && part.message) value = anyValue(part.message)
  }
  to.set(key, value)
}

/** A list or a map of values has no place in a label: '' stands for it. */
function anyValue(bytes: Uint8Array): string {
  for (const { field, message, integer, bits } of new Protobuf(bytes)) {
    if (field === 1 && message) return utf8(message)
    if (field === 2) return String(integer !== 0)
    if (field === 3) return String(integer)
    if (field === 4 && bits) return String(bits.getFloat64(0, true))
  }
  return ''
}

function* messages(bytes: Uint8Array, wanted: number): Generator<Uint8Array, void> {
  for (const { field, message } of new Protobuf(bytes)) if (field === wanted && message) yield message
}

// ------------------------------------------------------------------------------------------------------------ protobuf

/** One field: which of the three it has depends on its wire type. */
interface Part {
  readonly field: number
  /** A varint; beyond 2^53 not exact. */
  readonly integer: number
  /** Eight bytes, little-endian. */
  readonly bits: DataView | null
  /** Bytes with a length in front: a message or a string. */
  readonly message: Uint8Array | null
}

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5
const MAX_VARINT_BYTES = 10
const decoder = new TextDecoder()

function utf8(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

class Protobuf implements Iterable<Part> {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  *[Symbol.iterator](): Generator<Part, void> {
    while (this.#position < this.#bytes.length) {
      const tag = this.#varint()
      const field = Math.floor(tag / 8)
      const type = tag % 8
      if (type === VARINT) yield { field, integer: this.#varint(), bits: null, message: null }
      else if (type === FIXED64) {
        const { buffer, byteOffset } = this.#take(8)
        yield { field, integer: 0, bits: new DataView(buffer, byteOffset, 8), message: null }
      } else if (type === BYTES) yield { field, integer: 0, bits: null, message: this.#take(this.#varint()) }
      else if (type === FIXED32) this.#take(4)
      else throw new OtlpError(`no wire type of protobuf: ${type}`)
    }
  }

  #varint(): number {
    let value = 0
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#bytes[this.#position++]
      if (byte === undefined) throw new OtlpError('a varint goes beyond the end')
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return value
    }
    throw new OtlpError('a varint is too long')
  }

  #take(length: number): Uint8Array {
    const end = this.#position + length
    if (end > this.#bytes.length) throw new OtlpError('a field goes beyond the end')
    const taken = this.#bytes.subarray(this.#position, end)
    this.#position = end
    return taken
  }
}
