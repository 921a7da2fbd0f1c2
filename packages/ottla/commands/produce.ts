/** `ottla produce TOPIC`: a record for each line of stdin. */
import { Producer, type ProducerRecord } from '@ottla/client'
import type { Codec } from '@ottla/protocol'
import { keyValues } from '../cli/arguments.ts'
import { CommandError } from '../cli/output.ts'
import { type ConnectOptions, withCluster } from './connect.ts'

interface Options extends ConnectOptions {
  readonly json?: boolean
  readonly keySeparator?: string
  readonly partition?: number
  readonly header?: string[]
  readonly codec: Codec
  readonly acks: 'all' | '1' | '0'
}

/** As Java's producer has it: after so many a record without a key goes to another partition. */
const BATCH_BYTES = 16 * 1024
const ACKS = { all: -1, '1': 1, '0': 0 } as const

export async function produce(topic: string, options: Options): Promise<void> {
  const headers = [...keyValues(options.header ?? [], '--header')].map(([key, value]) => ({
    key,
    value: Buffer.from(value),
  }))
  await withCluster(options, async cluster => {
    const { codec, acks } = options
    await using producer = new Producer(cluster, { codec, acks: ACKS[acks], lingerMs: 5, batchBytes: BATCH_BYTES })
    const sent: Promise<unknown>[] = []
    let failure: unknown = null
    let number = 0
    if (process.stdin.isTTY) console.error('a record for each line; Ctrl-D ends')
    const { createInterface } = await import('node:readline')
    for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (failure) break
      number++
      const record = options.json ? recordOfJson(line, number) : recordOfLine(line, options.keySeparator)
      const base = { topic, headers, ...(options.partition === undefined ? {} : { partition: options.partition }) }
      const done = producer.send({ ...base, ...record }).catch(error => {
        failure ??= error
      })
      sent.push(done)
      if (sent.length >= 10_000) await Promise.all(sent.splice(0))
    }
    await Promise.all(sent)
    if (failure) throw failure
    if (process.stdin.isTTY || options.json) console.error(`produced ${number} records to ${topic}`)
  })
}

function recordOfLine(line: string, separator: string | undefined): Pick<ProducerRecord, 'key' | 'value'> {
  const at = separator ? line.indexOf(separator) : -1
  if (separator && at >= 0)
    return { key: Buffer.from(line.slice(0, at)), value: Buffer.from(line.slice(at + separator.length)) }
  return { key: null, value: Buffer.from(line) }
}

interface JsonRecord {
  readonly key?: string | null
  readonly value?: unknown
  readonly headers?: Record<string, string>
  readonly partition?: number
  readonly timestamp?: number
}

/** As `ottla consume --json` prints it; a value that is not a string is produced as JSON. */
function recordOfJson(line: string, number: number): Omit<ProducerRecord, 'topic'> {
  let json: JsonRecord
  try {
    json = JSON.parse(line)
  } catch (error) {
    throw new CommandError(`line ${number} is no JSON: ${(error as Error).message}`)
  }
  if (typeof json !== 'object' || json === null)
    throw new CommandError(`line ${number} has to be an object with a value`)
  const { key, value = null, headers, partition, timestamp } = json
  return {
    key: key == null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    ...(headers
      ? { headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: Buffer.from(text) })) }
      : {}),
    ...(partition === undefined ? {} : { partition }),
    ...(timestamp === undefined ? {} : { timestamp }),
  }
}
