/**
 * Records of every kind, byte for byte: each client sends them in each codec and with each kind of acknowledgement, and
 * reads back what it sent; then another client reads the same. What came back is compared with what was sent, at the
 * places that the broker acknowledged.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Client, call, createTopics, type Feature, helperFor, type Line } from '../clients.ts'
import { type Context, together } from '../context.ts'

type Header = [name: string, value: string | null]

interface Sent {
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly Header[]
  readonly timestamp: number
}

interface Kind extends Sent {
  readonly what: string
  readonly needs: readonly Feature[]
}

interface Batch {
  readonly topic: string
  readonly codec: string
  readonly acks: number
  readonly idempotent: boolean
}

const PARTITIONS = 3
const BULK = 300
const LARGE_BYTES = 950_000

const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')

/** Bytes that no codec makes smaller. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = 0x2545f491
  for (let i = 0; i < length; i++) {
    state = (state * 1_103_515_245 + 12_345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}

/** One record of each kind, then many that look alike. All differ, so that each can be told from the others. */
function recordKinds(firstMs: number): Kind[] {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  const awkward = Buffer.from([255, 128, 61, 44, 13, 195, 40, 0, 1])
  const many = Array.from({ length: 32 }, (_, i): Header => [`header-${i}`, base64(`value ${i}`)])
  const kind = (what: string, record: Partial<Sent>, needs: Feature[] = []) => {
    const basis = { key: base64(what), value: base64(`the value of ${what}`), headers: [], timestamp: firstMs }
    return { what, needs, ...basis, ...record }
  }
  const special: Kind[] = [
    kind('plain', {}),
    kind('one header', { headers: [['trace', base64('abc-123')]] }),
    kind('many headers', { headers: many }),
    kind('header of no value', { headers: [['nothing', null]] }, ['null header']),
    kind('header of empty value', { headers: [['empty', '']] }),
    kind('header of any bytes', { headers: [['bytes', base64(awkward)]] }, ['binary header']),
    kind('repeated headers', {
      headers: [
        ['a', base64('1')],
        ['b', base64('2')],
        ['a', base64('3')],
      ],
    }),
    kind('not ASCII', {
      key: base64('ключ-鍵-🗝'),
      value: base64('Grüße, мир, 世界 🌍'),
      headers: [['größe', base64('größer')]],
    }),
    kind('no key', { key: null }),
    kind('empty key', { key: '' }, ['empty key']),
    kind('no value', { value: null }),
    kind('empty value', { value: '' }),
    kind('any bytes', { key: base64(everyByte), value: base64(everyByte) }, ['binary key']),
    kind('large', { value: base64(noise(LARGE_BYTES)) }),
    kind('older than those before it', { timestamp: firstMs - 3_600_000 }, ['timestamp']),
  ]
  for (let i = 0; i < BULK; i++) {
    const value = JSON.stringify({ order: i, customer: `customer-${i % 20}`, note: 'the same words again and again' })
    special.push(kind(`customer-${i % 20}`, { value: base64(value), timestamp: firstMs + i }))
  }
  return special
}

function batchesFor(client: Client): Batch[] {
  const batch = (codec: string, acks: number, idempotent = false): Batch => ({
    topic: `records.${client.name}.${codec}.acks${acks}${idempotent ? '.idempotent' : ''}`,
    codec,
    acks,
    idempotent,
  })
  const all = ['none', 'gzip', 'snappy', 'lz4', 'zstd'].map(codec => batch(codec, -1))
  const others = [batch('none', 0), batch('snappy', 1)]
  return [...all, ...others, ...(client.noIdempotence ? [] : [batch('gzip', -1, true)])]
}

export async function records(context: Context): Promise<void> {
  const { clients } = context.kit
  const wanted = clients.filter(client => context.report.wants(`records/${client.name}`))
  if (wanted.length === 0) return
  await context.shared()
  await together(2, wanted, client =>
    oneClient(context, client, clients[(clients.indexOf(client) + 1) % clients.length]!),
  )
}

async function oneClient(context: Context, client: Client, other: Client): Promise<void> {
  const { report, kit } = context
  const { bootstrap } = await context.shared()
  const name = `records/${client.name}`
  const batches = batchesFor(client)
  const kinds = recordKinds(Date.now() - 60_000)
  for (const [feature, why] of client.cannotSend) {
    const what = kinds.filter(kind => kind.needs.includes(feature)).map(kind => kind.what)
    report.skip(`${name}/send ${what.join(', ') || feature}`, `${client.name} can't send a ${feature}: ${why}`)
  }
  if (client.noIdempotence) report.skip(`${name}/send idempotently`, client.noIdempotence)
  if (client.readsEmptyAsNull) report.skip(`${name}/tell empty from null`, `to ${client.name} they are the same`)
  const sent = kinds.filter(kind => !kind.needs.some(feature => client.cannotSend.has(feature)))
  const file = join(kit.scratch, `records-${client.name}.jsonl`)
  writeFileSync(
    file,
    sent
      .map(({ key, value, headers, timestamp }) => `${JSON.stringify({ key, value, headers, timestamp })}\n`)
      .join(''),
  )

  const topics = batches.map(({ topic }) => ({ name: topic, partitions: PARTITIONS }))
  let placed: Line[] = []
  const sends = await report.check(`${name}/send ${batches.length} × ${sent.length} records`, async () => {
    await createTopics(helperFor(kit.clients), bootstrap, topics)
    placed = await call(client, 'produce', { bootstrap, batches, records: file }, 120_000)
  })
  if (!sends) return
  for (const reader of new Set([client, other])) {
    await readBack(context, `${name}/read by ${reader === client ? 'itself' : reader.name}`, client, reader, {
      batches,
      sent,
      placed,
    })
  }
}

interface Produced {
  readonly batches: readonly Batch[]
  readonly sent: readonly Kind[]
  readonly placed: readonly Line[]
}

async function readBack(
  context: Context,
  name: string,
  writer: Client,
  reader: Client,
  produced: Produced,
): Promise<void> {
  const { bootstrap } = await context.shared()
  const { batches, sent, placed } = produced
  const failed = new Map(placed.filter(line => line.error).map(line => [line.topic, line.error]))
  const topics = batches.map(batch => batch.topic).filter(topic => !failed.has(topic))
  let received: Line[] = []
  const reads = await context.report.check(name, async () => {
    const args = { bootstrap, topics, count: topics.length * sent.length }
    received = await call(reader, 'consume', args, 60_000)
  })
  if (!reads) return
  for (const { topic, codec, acks, idempotent } of batches) {
    const how = `${codec}, acks ${acks === -1 ? 'all' : acks}${idempotent ? ', idempotent' : ''}`
    await context.report.check(`${name}: ${how}`, async () => {
      assert.ok(!failed.has(topic), `sending failed: ${failed.get(topic)}`)
      const there = received.filter(line => line.topic === topic)
      compare(sent, there, writer, reader)
      comparePlaces(
        placed.filter(line => line.topic === topic && line.offset !== undefined),
        sent,
        there,
        writer,
        reader,
      )
    })
  }
}

/** A record as text that is equal exactly when the bytes are, as far as this writer and reader can tell them. */
function canonical(record: Sent | Line, writer: Client, reader: Client): string {
  const timestamp = writer.cannotSend.has('timestamp') ? 0 : record.timestamp
  const bytes = (text: unknown) => (reader.readsEmptyAsNull ? text || null : text)
  return JSON.stringify([timestamp, bytes(record.key), bytes(record.value), canonicalHeaders(record, writer, reader)])
}

function canonicalHeaders(record: Sent | Line, writer: Client, reader: Client): unknown {
  if ('headersText' in record) return record.headersText
  let pairs = record.headers as readonly Header[]
  if (reader.readsEmptyAsNull) pairs = pairs.map(([name, value]) => [name, value || null])
  // What was sent grouped by name can only come back so: names in order of first use, the values of each in order.
  if (writer.readsHeaders === 'by name' || reader.readsHeaders === 'by name') {
    const names = [...new Set(pairs.map(([name]) => name))]
    pairs = names.flatMap(name => pairs.filter(pair => pair[0] === name))
  }
  return reader.readsHeaders === 'as text' ? headersText(pairs) : pairs
}

/** What kcat prints for headers: `name=value,...`, each value up to its first NUL, and `NULL` for none. */
function headersText(pairs: readonly Header[]): string {
  const printed = pairs.map(([name, value]) => {
    const bytes = value === null ? Buffer.from('NULL') : Buffer.from(value, 'base64')
    const end = bytes.indexOf(0)
    return Buffer.concat([Buffer.from(`${name}=`), end < 0 ? bytes : bytes.subarray(0, end)])
  })
  return base64(Buffer.concat(printed.flatMap((each, i) => (i === 0 ? [each] : [Buffer.from(','), each]))))
}

/** Everything that was sent is there once, nothing else; in each partition in the order of sending, from offset 0 on. */
function compare(sent: readonly Kind[], received: readonly Line[], writer: Client, reader: Client): void {
  const indexOf = new Map(sent.map((record, index) => [canonical(record, writer, reader), index]))
  assert.equal(indexOf.size, sent.length, 'the records of this test are not distinct')
  const seen = new Set<number>()
  const last = new Map<unknown, { index: number; offset: number }>()
  const partitionOf = new Map<string, unknown>()
  for (const record of received) {
    const index = indexOf.get(canonical(record, writer, reader))
    const where = `partition ${record.partition} offset ${record.offset}`
    if (index === undefined) assert.fail(`${where} holds what nobody sent: ${nearest(record, sent)}`)
    assert.ok(!seen.has(index), `${where} repeats record ${index} (${sent[index]!.what})`)
    seen.add(index)
    const before = last.get(record.partition) ?? { index: -1, offset: -1 }
    assert.equal(record.offset, before.offset + 1, `${where}: offsets are not consecutive`)
    assert.ok(index > before.index, `${where}: record ${index} comes after record ${before.index}`)
    last.set(record.partition, { index, offset: before.offset + 1 })
    const { key } = sent[index]!
    if (key === null) continue
    assert.equal(partitionOf.get(key) ?? record.partition, record.partition, `key ${key} is in two partitions`)
    partitionOf.set(key, record.partition)
  }
  const missing = sent.filter((_, index) => !seen.has(index)).map(record => record.what)
  assert.deepEqual(missing, [], 'records are missing')
}

/** Each acknowledged place holds the record that was acknowledged. */
function comparePlaces(
  placed: readonly Line[],
  sent: readonly Kind[],
  received: readonly Line[],
  writer: Client,
  reader: Client,
): void {
  const at = new Map(received.map(record => [`${record.partition}/${record.offset}`, record]))
  for (const { index, partition, offset } of placed) {
    const there = at.get(`${partition}/${offset}`)
    assert.ok(there, `acknowledged record ${index} is not at partition ${partition} offset ${offset}`)
    assert.equal(canonical(there, writer, reader), canonical(sent[index as number]!, writer, reader), `record ${index}`)
  }
}

/** For a failure's message: how a record differs from the sent one that has the same value, or else the same key. */
function nearest(record: Line, sent: readonly Kind[]): string {
  const show = (each: Sent | Line) => JSON.stringify({ ...each, what: undefined, needs: undefined }).slice(0, 600)
  const like = sent.find(each => each.value === record.value) ?? sent.find(each => each.key === record.key)
  return like ? `\n  ${show(record)}\nis most like «${like.what}», which was sent as\n  ${show(like)}` : show(record)
}
