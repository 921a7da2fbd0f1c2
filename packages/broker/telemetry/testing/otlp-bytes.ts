/** Writes what clients push, byte by byte, so that no code of ours reads what the same code wrote. For tests. */

export interface TestMetric {
  readonly name: string
  readonly kind: 'gauge' | 'sum' | 'histogram'
  readonly isDelta?: boolean
  readonly isMonotonic?: boolean
  readonly points: readonly TestPoint[]
}

export interface TestPoint {
  readonly value: number
  /** As a whole number. */
  readonly isInteger?: boolean
  readonly attributes?: Readonly<Record<string, string>>
}

const KIND_FIELDS = { gauge: 5, sum: 7, histogram: 9 } as const

/** MetricsData. */
export function otlpBytes(metrics: readonly TestMetric[], resource: Readonly<Record<string, string>> = {}): Buffer {
  const ofResource = Object.entries(resource).map(([key, value]) => message(1, attribute(key, value)))
  const scope = Buffer.concat(metrics.map(metric => message(2, metricBytes(metric))))
  return message(1, Buffer.concat([message(1, Buffer.concat(ofResource)), message(2, scope)]))
}

function metricBytes({ name, kind, isDelta = false, isMonotonic = false, points }: TestMetric): Buffer {
  const data = points.map(point => message(1, pointBytes(point)))
  if (kind === 'sum') data.push(tag(2, 0), varint(isDelta ? 1 : 2), tag(3, 0), varint(isMonotonic ? 1 : 0))
  return Buffer.concat([
    message(1, Buffer.from(name)),
    message(2, Buffer.from('a description')),
    message(KIND_FIELDS[kind], Buffer.concat(data)),
  ])
}

function pointBytes({ value, isInteger = false, attributes = {} }: TestPoint): Buffer {
  const bits = Buffer.alloc(8)
  if (isInteger) bits.writeBigInt64LE(BigInt(value))
  else bits.writeDoubleLE(value)
  const time = Buffer.alloc(8, 1)
  const labels = Object.entries(attributes).map(([key, text]) => message(7, attribute(key, text)))
  return Buffer.concat([tag(2, 1), time, tag(3, 1), time, ...labels, tag(isInteger ? 6 : 4, 1), bits])
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
