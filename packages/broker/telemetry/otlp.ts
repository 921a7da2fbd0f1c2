/**
 * Reads the metrics that clients push: `MetricsData` of OpenTelemetry's protocol (opentelemetry/proto/metrics/v1), in
 * protobuf. Only what can be exported here is decoded: values and distributions with their attributes. A generator, so
 * that whoever reads a large push can let others have their turn. Throws an OtlpError.
 */
import {
  type Buckets,
  type Distribution,
  ExplicitHistogram,
  ExponentialHistogram,
  type Quantile,
  QuantileSummary,
} from './distributions.ts'
import { eights, messages, OtlpError, type Part, Protobuf, utf8, varints, zigzag } from './protobuf.ts'

export type Attributes = ReadonlyMap<string, string>

export interface DataPoint {
  readonly name: string
  /** A sum that only grows is a counter. */
  readonly kind: 'gauge' | 'counter' | Distribution['type']
  /** The value is what was added since the last push. */
  readonly isDelta: boolean
  readonly value: number | Distribution
  /** Of the point. */
  readonly attributes: Attributes
  /** Of the client, as it tells of itself. */
  readonly resource: Attributes
}

type Metric = Pick<DataPoint, 'name' | 'isDelta' | 'resource'>

/** null: a point that is left out, having no value, or one that makes no sense. */
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
const HISTOGRAM = 9
const EXPONENTIAL_HISTOGRAM = 10
const SUMMARY = 11
const KINDS: ReadonlySet<number> = new Set([GAUGE, SUM, HISTOGRAM, EXPONENTIAL_HISTOGRAM, SUMMARY])
const DELTA = 1
/** Of one point; of honest clients none has more than some hundred. */
const MAX_COUNTS = 4096

function* ofMetric(bytes: Uint8Array, resource: Attributes): Generator<DataPoint | null, void> {
  let name = ''
  for (const { field, message } of new Protobuf(bytes)) {
    if (field === 1 && message) name = utf8(message)
  }
  for (const { field, message } of new Protobuf(bytes)) {
    if (!message || !KINDS.has(field)) continue
    const { isDelta, isMonotonic } = temporality(message)
    const metric = { name, isDelta, resource }
    for (const point of messages(message, 1)) {
      if (field === GAUGE) yield ofNumber(point, 'gauge', { ...metric, isDelta: false })
      else if (field === SUM) yield ofNumber(point, isMonotonic ? 'counter' : 'gauge', metric)
      else if (field === HISTOGRAM) yield ofHistogram(point, metric)
      else if (field === EXPONENTIAL_HISTOGRAM) yield ofExponentialHistogram(point, metric)
      else if (field === SUMMARY) yield ofSummary(point, { ...metric, isDelta: false })
    }
  }
}

/** Of what has any. */
function temporality(data: Uint8Array): { isDelta: boolean; isMonotonic: boolean } {
  let isDelta = false
  let isMonotonic = false
  for (const { field, integer } of new Protobuf(data)) {
    if (field === 2) isDelta = integer === DELTA
    if (field === 3) isMonotonic = integer !== 0
  }
  return { isDelta, isMonotonic }
}

function ofNumber(point: Uint8Array, kind: 'gauge' | 'counter', metric: Metric): DataPoint | null {
  const attributes = new Map<string, string>()
  let value: number | null = null
  for (const part of new Protobuf(point)) {
    if (part.field === 4 && part.bits) value = double(part.bits)
    else if (part.field === 6 && part.bits) value = Number(part.bits.getBigInt64(0, true))
    else addAttribute(attributes, part, 7)
  }
  return value === null ? null : { ...metric, kind, value, attributes }
}

function ofDistribution(metric: Metric, value: Distribution | null, attributes: Attributes): DataPoint | null {
  return value && { ...metric, kind: value.type, value, attributes }
}

function ofHistogram(point: Uint8Array, metric: Metric): DataPoint | null {
  const attributes = new Map<string, string>()
  const counts: number[] = []
  const bounds: number[] = []
  let count = 0
  let sum: number | null = null
  for (const part of new Protobuf(point)) {
    if (part.field === 4 && part.bits) count = fixed64(part.bits)
    else if (part.field === 5 && part.bits) sum = double(part.bits)
    else if (part.field === 6) for (const bits of eights(part)) push(counts, fixed64(bits))
    else if (part.field === 7) for (const bits of eights(part)) push(bounds, double(bits))
    else addAttribute(attributes, part, 9)
  }
  // Without buckets all there is are a sum and a count.
  const value = ExplicitHistogram.of(bounds, counts.length === 0 ? [count] : counts, sum)
  return ofDistribution(metric, value, attributes)
}

function ofExponentialHistogram(point: Uint8Array, metric: Metric): DataPoint | null {
  const attributes = new Map<string, string>()
  const none: Buckets = { offset: 0, counts: [] }
  let is = { scale: 0, sum: null as number | null, zeroCount: 0, zeroThreshold: 0, positive: none, negative: none }
  for (const part of new Protobuf(point)) {
    const { field, bits, message, integer } = part
    if (field === 5 && bits) is = { ...is, sum: double(bits) }
    else if (field === 6) is = { ...is, scale: zigzag(integer) }
    else if (field === 7 && bits) is = { ...is, zeroCount: fixed64(bits) }
    else if (field === 8 && message) is = { ...is, positive: buckets(message) }
    else if (field === 9 && message) is = { ...is, negative: buckets(message) }
    else if (field === 14 && bits) is = { ...is, zeroThreshold: double(bits) }
    else addAttribute(attributes, part, 1)
  }
  return ofDistribution(metric, ExponentialHistogram.of(is), attributes)
}

function buckets(bytes: Uint8Array): Buckets {
  const counts: number[] = []
  let offset = 0
  for (const part of new Protobuf(bytes)) {
    if (part.field === 1) offset = zigzag(part.integer)
    else if (part.field === 2) for (const count of varints(part)) push(counts, count)
  }
  return { offset, counts }
}

function ofSummary(point: Uint8Array, metric: Metric): DataPoint | null {
  const attributes = new Map<string, string>()
  const quantiles: Quantile[] = []
  let count = 0
  let sum = 0
  for (const part of new Protobuf(point)) {
    if (part.field === 4 && part.bits) count = fixed64(part.bits)
    else if (part.field === 5 && part.bits) sum = double(part.bits)
    else if (part.field === 6 && part.message) quantiles.push(quantileOf(part.message))
    else addAttribute(attributes, part, 7)
  }
  return ofDistribution(metric, QuantileSummary.of(quantiles, sum, count), attributes)
}

function quantileOf(bytes: Uint8Array): Quantile {
  let quantile = 0
  let value = 0
  for (const { field, bits } of new Protobuf(bytes)) {
    if (field === 1 && bits) quantile = double(bits)
    else if (field === 2 && bits) value = double(bits)
  }
  return { quantile, value }
}

function push(to: number[], value: number): void {
  if (to.length >= MAX_COUNTS) throw new OtlpError(`more than ${MAX_COUNTS} buckets`)
  to.push(value)
}

function double(bits: DataView): number {
  return bits.getFloat64(0, true)
}

function fixed64(bits: DataView): number {
  return Number(bits.getBigUint64(0, true))
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
