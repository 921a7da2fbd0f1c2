/** Writes what clients push, byte by byte, so that no code of ours reads what the same code wrote. For tests. */

export interface TestMetric {
  readonly name: string
  readonly kind: keyof typeof KIND_FIELDS
  readonly isDelta?: boolean
  readonly isMonotonic?: boolean
  readonly points: readonly TestPoint[]
}

export type TestPoint = NumberPoint | HistogramPoint | ExponentialPoint | SummaryPoint

interface NumberPoint {
  readonly value: number
  /** As a whole number. */
  readonly isInteger?: boolean
  readonly attributes?: Readonly<Record<string, string>>
}

interface Distributed {
  readonly count: number
  readonly sum?: number
  readonly attributes?: Readonly<Record<string, string>>
}

interface HistogramPoint extends Distributed {
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
}

interface ExponentialPoint extends Distributed {
  readonly scale: number
  readonly zeroCount?: number
  readonly zeroThreshold?: number
  readonly positive?: TestBuckets
  readonly negative?: TestBuckets
}

interface TestBuckets {
  readonly offset: number
  readonly counts: readonly number[]
}

interface SummaryPoint extends Distributed {
  readonly quantiles: readonly (readonly [quantile: number, value: number])[]
}

const KIND_FIELDS = { gauge: 5, sum: 7, histogram: 9, exponentialHistogram: 10, summary: 11 } as const

/** MetricsData. */
export function otlpBytes(metrics: readonly TestMetric[], resource: Readonly<Record<string, string>> = {}): Buffer {
  const ofResource = Object.entries(resource).map(([key, value]) => message(1, attribute(key, value)))
  const scope = Buffer.concat(metrics.map(metric => message(2, metricBytes(metric))))
  return message(1, Buffer.concat([message(1, Buffer.concat(ofResource)), message(2, scope)]))
}

function metricBytes({ name, kind, isDelta = false, isMonotonic = false, points }: TestMetric): Buffer {
  const data = points.map(point => message(1, pointBytes(point)))
  if (kind !== 'gauge' && kind !== 'summary') data.push(tag(2, 0), varint(isDelta ? 1 : 2))
  if (kind === 'sum') data.push(tag(3, 0), varint(isMonotonic ? 1 : 0))
  return Buffer.concat([
    message(1, Buffer.from(name)),
    message(2, Buffer.from('a description')),
    message(KIND_FIELDS[kind], Buffer.concat(data)),
  ])
}

const TIME = Buffer.concat([tag(2, 1), Buffer.alloc(8, 1), tag(3, 1), Buffer.alloc(8, 1)])

function pointBytes(point: TestPoint): Buffer {
  if ('bounds' in point) return histogramBytes(point)
  if ('scale' in point) return exponentialBytes(point)
  if ('quantiles' in point) return summaryBytes(point)
  const { value, isInteger = false, attributes } = point
  return Buffer.concat([TIME, labels(7, attributes), isInteger ? fixed64(6, value) : double(4, value)])
}

function histogramBytes({ count, sum, bounds, counts, attributes }: HistogramPoint): Buffer {
  return Buffer.concat([
    ...[labels(9, attributes), TIME, fixed64(4, count), optional(5, sum)],
    message(6, Buffer.concat(counts.map(eightBytes))),
    message(7, Buffer.concat(bounds.map(doubleBytes))),
  ])
}

function exponentialBytes(point: ExponentialPoint): Buffer {
  const { count, sum, scale, zeroCount = 0, zeroThreshold, positive, negative, attributes } = point
  const buckets = (field: number, { offset, counts }: TestBuckets) =>
    message(field, Buffer.concat([tag(1, 0), signed(offset), message(2, Buffer.concat(counts.map(varint)))]))
  return Buffer.concat([
    ...[
      labels(1, attributes),
      TIME,
      fixed64(4, count),
      optional(5, sum),
      tag(6, 0),
      signed(scale),
      fixed64(7, zeroCount),
    ],
    ...(positive ? [buckets(8, positive)] : []),
    ...(negative ? [buckets(9, negative)] : []),
    optional(14, zeroThreshold),
  ])
}

function summaryBytes({ count, sum = 0, quantiles, attributes }: SummaryPoint): Buffer {
  const values = quantiles.map(([quantile, value]) =>
    message(6, Buffer.concat([double(1, quantile), double(2, value)])),
  )
  return Buffer.concat([labels(7, attributes), TIME, fixed64(4, count), double(5, sum), ...values])
}

function labels(field: number, attributes: Readonly<Record<string, string>> = {}): Buffer {
  return Buffer.concat(Object.entries(attributes).map(([key, text]) => message(field, attribute(key, text))))
}

function eightBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt(value))
  return bytes
}

function doubleBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

function fixed64(field: number, value: number): Buffer {
  return Buffer.concat([tag(field, 1), eightBytes(value)])
}

function double(field: number, value: number): Buffer {
  return Buffer.concat([tag(field, 1), doubleBytes(value)])
}

function optional(field: number, value: number | undefined): Buffer {
  return value === undefined ? Buffer.alloc(0) : double(field, value)
}

/** sint32 */
function signed(value: number): Buffer {
  return varint(value < 0 ? -2 * value - 1 : 2 * value)
}

function attribute(key: string, value: string): Buffer {
  return Buffer.concat([message(1, Buffer.from(key)), message(2, message(1, Buffer.from(value)))])
}

function message(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([tag(field, 2), varint(bytes.length), bytes])
}

function tag(field: number, wireType: number): Buffer {
  return varint(field * 8 + wireType)
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80)
  return Buffer.from([...bytes, left])
}
