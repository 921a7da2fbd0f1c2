/** `ottla consume TOPIC`: prints records until interrupted, counted out, or at the end. */
import {
  type Cluster,
  type ConsumerRecord,
  type FetchedPartition,
  fetchAll,
  GroupMember,
  listOffsets,
  type Position,
  Timestamp,
} from '@ottla/client'
import { CommandError, ExitCode } from '../cli/output.ts'
import { type ConnectOptions, untilInterrupted, withCluster } from './connect.ts'

interface Options extends ConnectOptions {
  readonly json?: boolean
  readonly from: string
  readonly partition?: number
  readonly group?: string
  readonly count?: number
  readonly exitAtEnd?: boolean
  readonly readCommitted?: boolean
  readonly printKey?: boolean
}

/** False: the count was reached before this record, which is not printed. */
type Print = (record: ConsumerRecord) => boolean

export async function consume(topic: string, options: Options): Promise<void> {
  if (options.group && (options.partition !== undefined || options.exitAtEnd)) {
    throw new CommandError('--group goes with neither --partition nor --exit-at-end', ExitCode.usage)
  }
  if (!isOffset(options.from)) timestampOf(options.from)
  const stop = new AbortController()
  untilInterrupted().addEventListener('abort', () => stop.abort())
  let left = options.count ?? Number.POSITIVE_INFINITY
  const print: Print = record => {
    if (left === 0) return false
    process.stdout.write(`${options.json ? jsonLine(record) : textLine(record, options.printKey === true)}\n`)
    left--
    if (left === 0) stop.abort()
    return true
  }
  await withCluster(options, cluster =>
    options.group
      ? inGroup(cluster, topic, options, print, stop.signal)
      : alone(cluster, topic, options, print, stop.signal),
  )
}

async function alone(
  cluster: Cluster,
  topic: string,
  options: Options,
  print: Print,
  signal: AbortSignal,
): Promise<void> {
  const { partitions } = await cluster.topic(topic)
  const all = partitions.map(({ partitionIndex }) => partitionIndex)
  const wanted = options.partition === undefined ? all : [options.partition]
  if (!wanted.every(partition => all.includes(partition)))
    throw new CommandError(`topic ${topic} has no partition ${options.partition}`)
  const positions = await startingPositions(cluster, topic, wanted, options.from)
  const ends = options.exitAtEnd ? await listOffsets(cluster, topic, wanted, Timestamp.latest) : null
  const isDone = () => ends !== null && positions.every(({ partition, offset }) => offset >= ends.get(partition)!)
  if (isDone()) return
  for await (const fetched of fetchAll(cluster, positions, { signal, readCommitted: options.readCommitted === true })) {
    for (const { records } of fetched) {
      for (const record of records) if (!ends || record.offset < ends.get(record.partition)!) print(record)
    }
    if (signal.aborted || isDone()) return
  }
}

async function inGroup(
  cluster: Cluster,
  topic: string,
  options: Options,
  print: Print,
  signal: AbortSignal,
): Promise<void> {
  const member = new GroupMember(cluster, { groupId: options.group!, topics: [topic], signal })
  await member.run(async assignment => {
    const committed = await member.committed(assignment.partitions)
    const positions: Position[] = []
    for (const { topic: name, partitions } of assignment.partitions) {
      const fresh = await startingPositions(cluster, name, partitions, options.from)
      for (const position of fresh) {
        const offset = committed.get(`${name}-${position.partition}`) ?? -1
        positions.push(offset >= 0 ? { ...position, offset } : position)
      }
    }
    const over = AbortSignal.any([assignment.signal, signal])
    if (positions.length === 0 && !over.aborted) {
      await new Promise(resolve => over.addEventListener('abort', resolve, { once: true }))
    }
    for await (const fetched of fetchAll(cluster, positions, {
      signal: over,
      readCommitted: options.readCommitted === true,
    })) {
      const printed = fetched.map(partition => printAll(partition, print)).filter(position => position !== null)
      // The group has moved on already: whoever has the partition now prints these records again.
      if (!(await member.commit(printed))) return
    }
  })
}

/** Where to go on after what was printed; null if nothing was. */
function printAll({ position, records }: FetchedPartition, print: Print): Position | null {
  let last: ConsumerRecord | null = null
  for (const record of records) {
    if (!print(record)) return last && { ...position, offset: last.offset + 1 }
    last = record
  }
  // With what was not for printing at the end: markers, aborted transactions.
  return last && position
}

async function startingPositions(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  from: string,
): Promise<Position[]> {
  if (isOffset(from)) return partitions.map(partition => ({ topic, partition, offset: Number(from) }))
  const timestamp = timestampOf(from)
  const offsets = await listOffsets(cluster, topic, partitions, timestamp)
  const ends = await listOffsets(cluster, topic, partitions, Timestamp.latest)
  return partitions.map(partition => {
    const offset = offsets.get(partition)!
    return { topic, partition, offset: offset < 0 ? ends.get(partition)! : offset }
  })
}

function isOffset(from: string): boolean {
  return /^\d+$/.test(from)
}

/** Throws a CommandError. */
function timestampOf(from: string): bigint {
  if (from === 'beginning') return Timestamp.earliest
  if (from === 'end') return Timestamp.latest
  const date = Date.parse(from)
  // Before 1970 there are only the special timestamps.
  if (Number.isNaN(date) || date < 0)
    throw new CommandError(`--from '${from}': it has to be beginning, end, an offset or a date`, ExitCode.usage)
  return BigInt(date)
}

function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString()
}

function textLine({ key, value }: ConsumerRecord, withKey: boolean): string {
  return withKey ? `${text(key) ?? 'null'}\t${text(value) ?? 'null'}` : (text(value) ?? 'null')
}

function jsonLine({ topic, partition, offset, timestamp, key, value, headers }: ConsumerRecord): string {
  const named = Object.fromEntries(headers.map(header => [header.key, text(header.value)]))
  return JSON.stringify({ topic, partition, offset, timestamp, key: text(key), value: text(value), headers: named })
}
