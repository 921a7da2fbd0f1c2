/**
 * What no client of good faith sends: frames of impossible sizes, garbage, unknown and malformed requests, peers that write
 * a byte at a time, go silent in the middle of a frame, or never read. The broker answers with an error code or closes the
 * connection, as Apache Kafka does, its memory stays bounded, and a bystander that came before all this is served to the end.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningBroker } from '../brokers.ts'
import { ask, type Client, call, createTopics, helperFor } from '../clients.ts'
import type { Context } from '../context.ts'
import { Child, run } from '../process.ts'
import { API_VERSIONS, apiVersions, fetch, int16, int32, METADATA, PRODUCE, request, string, Wire } from '../wire.ts'

const TOPIC = 'bad-input'
const CLOSE_MS = 5000
const MIB = 1024 * 1024
const UNSUPPORTED_VERSION = 35
const CORRUPT_MESSAGE = 2

export async function badInput(context: Context): Promise<void> {
  const folder = join(context.kit.scratch, 'bad-input')
  const broker = await context.brokers.start(context.kind, { folder })
  const bench = new Bench(context, broker, await Wire.open(broker.bootstrap))
  try {
    await createTopics(bench.client, broker.bootstrap, [{ name: TOPIC, partitions: 1 }])
    await closings(bench)
    await answers(bench)
    await slowPeers(bench)
    await mutations(bench)
    await tinyStructs(bench)
    await neverReading(bench)
    await idleConnections(bench)
  } finally {
    await broker.stop()
  }
}

class Bench {
  readonly context: Context
  readonly broker: RunningBroker
  readonly client: Client
  readonly #bystander: Wire
  #requests = 0

  constructor(context: Context, broker: RunningBroker, bystander: Wire) {
    this.context = context
    this.broker = broker
    this.client = helperFor(context.kit.clients)
    this.#bystander = bystander
  }

  open(): Promise<Wire> {
    return Wire.open(this.broker.bootstrap)
  }

  /** A check, after which the broker has to live and the bystander to be served without delay. */
  async check(name: string, body: () => Promise<void>): Promise<void> {
    await this.context.report.check(`bad-input/${name}`, async () => {
      await body()
      const id = ++this.#requests
      this.#bystander.send(apiVersions(id))
      const response = await this.#bystander.response(2000)
      assert.equal(response?.correlationId, id, 'the bystander was cut off')
      assert.ok(this.broker.isAlive(), this.broker.logTail())
    })
  }

  /** What another client does meanwhile. */
  async others(): Promise<void> {
    const topics = (await ask(this.client, this.broker.bootstrap, { op: 'list-topics' })) as string[]
    assert.ok(topics.includes(TOPIC))
  }
}

/** A frame around any bytes. */
const frame = (bytes: Buffer) => Buffer.concat([int32(bytes.length), bytes])

/** Bytes that follow from a seed. */
function noise(length: number, seed: number): Buffer {
  let state = seed
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state >>> 16
    }),
  )
}

async function closings(bench: Bench): Promise<void> {
  const tls = Buffer.from('16030100c8010000c40303', 'hex')
  const noBody = Buffer.alloc(0)
  const closed: [string, Buffer][] = [
    ['a frame of 2 GB', int32(2_000_000_000)],
    ['a frame of negative size', int32(-1)],
    ['an empty frame', int32(0)],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['a TLS hello', Buffer.concat([tls, noise(200, 1)])],
    ['noise in a frame', frame(noise(1000, 2))],
    ['an unknown API', request(999, 0, 1, noBody)],
    ['a removed API', request(4, 0, 1, noBody)],
    ['an unknown version', request(METADATA, 99, 1, noBody)],
    ['half a header', frame(Buffer.from([0, 3]))],
    ['a header whose client id is longer than the frame', frame(Buffer.from([0, 18, 0, 0, 0, 0, 0, 1, 0x7f, 0xff]))],
    ['half a body', request(METADATA, 1, 1, Buffer.concat([int32(2), string('one')]))],
    ['an array of 2 G elements', request(METADATA, 1, 1, int32(0x7fffffff))],
  ]
  for (const [what, bytes] of closed) {
    await bench.check(`closed: ${what}`, async () => {
      const wire = await bench.open()
      wire.send(bytes)
      assert.ok(await wire.closes(CLOSE_MS), `the connection is open after ${CLOSE_MS / 1000} s`)
      assert.equal(wire.receivedBytes, 0)
    })
  }
  await bench.check('it logs what it closes', async () => {
    const before = bench.broker.logTail()
    const wire = await bench.open()
    wire.send(int32(1_900_000_000))
    assert.ok(await wire.closes(CLOSE_MS))
    await sleep(200)
    assert.notEqual(bench.broker.logTail(), before)
  })
}

async function answers(bench: Bench): Promise<void> {
  await bench.check('answered: ApiVersions of an unknown version, in version 0', async () => {
    const wire = await bench.open()
    wire.send(request(API_VERSIONS, 99, 7, Buffer.from([0]))) // the header's tags: from version 3 on it has some
    const response = await wire.response()
    assert.equal(response?.correlationId, 7)
    assert.equal(response.body.readInt16BE(0), UNSUPPORTED_VERSION)
    // The one API whose range the client needs to know to ask again: key, lowest and highest version.
    assert.deepEqual(
      [2, 6, 8].map(at => (at === 2 ? response.body.readInt32BE(2) : response.body.readInt16BE(at))),
      [1, API_VERSIONS, 0],
    )
    wire.send(apiVersions(8))
    assert.equal((await wire.response())?.correlationId, 8)
    wire.end()
  })
  await bench.check('answered: a batch whose checksum is wrong', async () => {
    const wire = await bench.open()
    wire.send(produceCorrupt())
    const response = await wire.response()
    // One topic, one partition: array length, name, array length, partition, then the error.
    const at = 4 + 2 + TOPIC.length + 4 + 4
    assert.equal(response?.body.readInt16BE(at), CORRUPT_MESSAGE)
    wire.end()
    const latest = await ask(bench.client, bench.broker.bootstrap, { op: 'list-offsets', topic: TOPIC, at: 'latest' })
    assert.deepEqual(latest, { 0: 0 })
  })
  await bench.check('answered in order: 500 requests at once', async () => {
    const wire = await bench.open()
    wire.send(Buffer.concat(Array.from({ length: 500 }, (_, i) => apiVersions(i))))
    for (let i = 0; i < 500; i++) assert.equal((await wire.response())?.correlationId, i)
    wire.end()
  })
}

/** Produce v3 of one batch of magic 2 whose CRC is not that of its bytes. */
function produceCorrupt(): Buffer {
  const batch = Buffer.alloc(61 + 7)
  batch.writeInt32BE(batch.length - 12, 8)
  batch[16] = 2
  batch.writeUInt32BE(0xdeadbeef, 17)
  batch.writeInt32BE(1, 57)
  const partition = Buffer.concat([int32(1), int32(0), int32(batch.length), batch])
  const body = Buffer.concat([int16(-1), int16(-1), int32(5000), int32(1), string(TOPIC), partition])
  return request(PRODUCE, 3, 1, body)
}

async function slowPeers(bench: Bench): Promise<void> {
  await bench.check('slow: a request that comes byte by byte', async () => {
    const wire = await bench.open()
    wire.socket.setNoDelay(true)
    for (const byte of apiVersions(3)) {
      wire.send(Buffer.from([byte]))
      await sleep(3)
    }
    assert.equal((await wire.response())?.correlationId, 3)
    wire.end()
  })
  await bench.check('slow: 200 peers that go silent in the middle of a frame', async () => {
    const wires = await Promise.all(Array.from({ length: 200 }, () => bench.open()))
    for (const [i, wire] of wires.entries()) wire.send(apiVersions(i).subarray(0, 3 + (i % 10)))
    await sleep(500)
    assert.deepEqual(wires.filter(wire => wire.closed).length, 0)
    await bench.others()
    for (const wire of wires) wire.socket.resetAndDestroy()
  })
  const claim = 'slow: 200 peers that claim 100 MB each and send nothing more'
  if (bench.broker.kind === 'kafka') {
    const reason = 'Apache Kafka sets the memory of a frame aside at its first bytes, and 20 GB end it'
    bench.context.report.skip(`bad-input/${claim}`, reason)
    return
  }
  await bench.check(claim, async () => {
    const before = bench.broker.rssBytes()
    const wires = await Promise.all(Array.from({ length: 200 }, () => bench.open()))
    for (const wire of wires) wire.send(Buffer.concat([int32(100_000_000), Buffer.from([0, 0, 0, 3])]))
    await sleep(500)
    await bench.others()
    const grown = bench.broker.rssBytes() - before
    for (const wire of wires) wire.end()
    assert.ok(grown < 400 * MIB, `memory grew by ${Math.round(grown / MIB)} MiB`)
  })
}

/** Frames of the largest size, whose content would be many times as large in memory. */
async function tinyStructs(bench: Bench): Promise<void> {
  const claim = 'memory: 4 peers that send 100 MB of topics without a name each'
  if (bench.broker.kind === 'kafka') {
    bench.context.report.skip(`bad-input/${claim}`, 'Apache Kafka makes gigabytes of objects of them, and is stuck')
    return
  }
  await bench.check(claim, async () => {
    const before = bench.broker.rssBytes()
    let peak = before
    const look = setInterval(() => {
      peak = Math.max(peak, bench.broker.rssBytes())
    }, 50)
    const count = 49_000_000
    const requests = Array.from({ length: 4 }, async (_, i) => {
      const wire = await bench.open()
      wire.send(request(METADATA, 1, i, Buffer.concat([int32(count), Buffer.alloc(2 * count)])))
      assert.ok(await wire.closes(30_000), 'the connection is open after 30 s')
    })
    await Promise.all([...requests, bench.others()])
    clearInterval(look)
    await bench.others()
    const grown = peak - before
    bench.context.report.note(`its memory grew by ${Math.round(grown / MIB)} MiB at most`)
    assert.ok(grown < 900 * MIB, `memory grew by ${Math.round(grown / MIB)} MiB`)
  })
}

/** Requests with some bytes changed at random, from one seed: each is answered or its connection closed. */
async function mutations(bench: Bench): Promise<void> {
  const count = bench.context.quick ? 100 : 1000
  await bench.check(`mutated: ${count} requests`, async () => {
    const metadata = request(METADATA, 1, 1, Buffer.concat([int32(1), string(TOPIC)]))
    const valid = [apiVersions(1), metadata, fetch(1, TOPIC, 0, 0, MIB), produceCorrupt()]
    for (let i = 0; i < count; i++) {
      const bytes = Buffer.from(valid[i % valid.length]!)
      const [where, value, where2, value2] = noise(4, i + 1)
      bytes[4 + (where! % (bytes.length - 4))] = value!
      if (i % 3 === 0) bytes[4 + (where2! % (bytes.length - 4))] = value2!
      const wire = await bench.open()
      wire.send(bytes)
      // A fetch may now wait long, a request need no answer: only a broker that fails is wrong here.
      await Promise.race([wire.response(CLOSE_MS).catch(() => null), sleep(20)])
      wire.end()
    }
  })
}

async function neverReading(bench: Bench): Promise<void> {
  const { bootstrap } = bench.broker
  await bench.check('memory: 20 peers that ask for 1 GB in all and never read', async () => {
    const topic = 'large'
    await createTopics(bench.client, bootstrap, [{ name: topic, partitions: 1 }])
    const file = join(bench.context.kit.scratch, 'large.jsonl')
    const value = noise(900_000, 3).toString('base64')
    const record = JSON.stringify({ key: null, value, headers: [], timestamp: Date.now() })
    writeFileSync(file, `${record}\n`.repeat(55))
    await call(bench.client, 'produce', {
      bootstrap,
      batches: [{ topic, codec: 'none', acks: -1, idempotent: false }],
      records: file,
    })
    const before = bench.broker.rssBytes()
    const wires = await Promise.all(Array.from({ length: 20 }, () => bench.open()))
    for (const wire of wires) {
      wire.socket.pause()
      wire.send(Buffer.concat(Array.from({ length: 20 }, (_, i) => fetch(i, topic, 0, 0, 50 * MIB))))
    }
    await sleep(1000)
    await bench.others()
    await sleep(1000)
    const grown = bench.broker.rssBytes() - before
    bench.context.report.note(`its memory grew by ${Math.round(grown / MIB)} MiB`)
    for (const wire of wires) wire.end()
    assert.ok(grown < 300 * MIB, `memory grew by ${Math.round(grown / MIB)} MiB`)
  })
}

async function idleConnections(bench: Bench): Promise<void> {
  const { report, quick } = bench.context
  const limits = await run(['sh', '-c', 'ulimit -Hn'])
  const possible = Math.min(bench.broker.openFiles() - 500, Number(limits.stdout) - 100 || 1e9)
  const wanted = quick ? 1000 : 10_000
  const count = Math.min(wanted, possible)
  if (count < wanted) report.skip(`bad-input/idle: ${wanted} connections`, `only ${count} files can be open here`)
  await bench.check(`idle: ${count} connections`, async () => {
    const before = bench.broker.rssBytes()
    const program = join(import.meta.dirname, '../idle.ts')
    const raised = ['sh', '-c', 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"', 'sh']
    const idle = new Child([...raised, process.execPath, program, bench.broker.bootstrap, String(count)])
    try {
      const opened = await idle.until('the connections', () => idle.lines[0], 60_000)
      assert.deepEqual(JSON.parse(opened), { open: count })
      await bench.others()
      const grown = bench.broker.rssBytes() - before
      report.note(`${count} connections took ${Math.round(grown / MIB)} MiB`)
      assert.ok(grown < 400 * MIB, `memory grew by ${Math.round(grown / MIB)} MiB`)
      idle.write('\n')
      const answered = await idle.until('their answers', () => idle.lines[1], 60_000)
      assert.deepEqual(JSON.parse(answered), { answered: count })
    } finally {
      await idle.stop('SIGKILL')
    }
  })
}
