/**
 * Requests, the log's tail and reads from files use memory again. Here much more goes through the broker than it keeps,
 * in batches of all sizes and with each kind of acknowledgement, while readers who take their time hold on to what they
 * were sent: no byte of one may turn up in another.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  batches,
  decodeRecords,
  decodeResponse,
  encodeBatch,
  encodeRequest,
  FrameReader,
  type Init,
  type Message,
} from '@ottla/protocol'
import { FetchRequest, FetchResponse } from '@ottla/protocol/messages/fetch'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { createCluster } from 'ottla'

const TOPIC = 't'
const PARTITIONS = 3
/** Of each partition: three times the tail cache over all of them. */
const BYTES = 64 * 1024 * 1024
const SIZES = [100, 5_000, 20_000, 70_000, 300_000, 1_000_000]
/** More than the log's tail in memory. */
const ENOUGH_BYTES = 100 * 1024 * 1024
const [PRODUCE, FETCH] = [9, 11]

/** What has been done so far, by all. */
interface Work {
  bytes: number
  /** Offsets of each partition that have been answered for. */
  readonly written: number[]
  isDone: boolean
}

/** What is at an offset follows from the offset. */
function valueAt(partition: number, offset: number): Buffer {
  const size = SIZES[(offset * 7 + partition) % SIZES.length]!
  return Buffer.alloc(size, `${partition}:${offset};`)
}

class RawClient {
  readonly socket: Socket
  readonly #frames = new FrameReader(100_000_000)
  readonly #waiting: ((frame: Uint8Array) => void)[] = []

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', bytes => {
      this.#frames.push(bytes)
      for (let frame = this.#frames.next(); frame; frame = this.#frames.next()) this.#waiting.shift()!(frame)
    })
  }

  send<M extends Message>(schema: M, version: number, value: Init<M>): void {
    const request = encodeRequest(schema, version, { correlationId: 1, clientId: 'test' }, value)
    this.socket.write(Buffer.concat(request))
  }

  answer(): Promise<Uint8Array> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }
}

/** Several batches on the way at a time; the one that asks for no answer is followed by one that does. */
async function produce(port: number, partition: number, work: Work): Promise<number> {
  const client = new RawClient(port)
  const answers: Promise<void>[] = []
  let offset = 0
  for (let bytes = 0; bytes < BYTES; offset++) {
    const value = valueAt(partition, offset)
    const acks = [-1, 0, 1][offset % 3]!
    const data = { index: partition, records: encodeBatch([{ value, timestamp: Date.now() }]) }
    client.send(ProduceRequest, PRODUCE, {
      acks,
      timeoutMs: 10_000,
      topicData: [{ name: TOPIC, partitionData: [data] }],
    })
    if (acks !== 0) answers.push(client.answer().then(frame => checkProduced(frame, data.index)))
    if (answers.length > 4) await answers.shift()
    bytes += value.length
    work.bytes += value.length
    work.written[partition] = Math.max(0, offset - 10)
  }
  await Promise.all(answers)
  client.socket.destroy()
  return offset
}

function checkProduced(frame: Uint8Array, partition: number): void {
  const { body } = decodeResponse(ProduceResponse, PRODUCE, frame)
  assert.equal(body.responses[0]!.partitionResponses[0]!.errorCode, 0, `partition ${partition}`)
}

/** Reads all, twice: the second time from files. */
async function consume(port: number, partition: number, count: Promise<number>, work: Work): Promise<void> {
  const client = new RawClient(port)
  let end = Number.POSITIVE_INFINITY
  count.then(known => {
    end = known
  })
  for (const round of [1, 2]) {
    for (let offset = 0; offset < end; ) {
      const frame = await fetch(client, partition, offset)
      work.bytes += frame.length
      offset = check(frame, partition, offset)
    }
    if (round === 1) await count
  }
  client.socket.destroy()
}

/**
 * Asks for so much at once that most of it has to wait in the broker, and does not look until many times what the broker
 * keeps in memory has gone through it: for what was written last, and for what is only in files by now.
 */
async function consumeLate(port: number, partition: number, work: Work): Promise<void> {
  const client = new RawClient(port)
  for (let at = 0; !work.isDone; at++) {
    const offset = at % 2 === 0 ? Math.max(0, work.written[partition]! - 10) : Math.floor(work.written[partition]! / 4)
    client.socket.pause()
    const answers = Array.from({ length: 12 }, () => fetch(client, partition, offset))
    const enough = work.bytes + ENOUGH_BYTES
    while (work.bytes < enough && !work.isDone) await new Promise(resolve => setImmediate(resolve))
    client.socket.resume()
    for (const frame of await Promise.all(answers)) check(frame, partition, offset)
  }
  client.socket.destroy()
}

function fetch(client: RawClient, partition: number, fetchOffset: number): Promise<Uint8Array> {
  const wanted = { partition, fetchOffset, partitionMaxBytes: 1_900_000 }
  client.send(FetchRequest, FETCH, { maxWaitMs: 20, topics: [{ topic: TOPIC, partitions: [wanted] }] })
  return client.answer()
}

function check(frame: Uint8Array, partition: number, from: number): number {
  const { body } = decodeResponse(FetchResponse, FETCH, frame)
  let offset = from
  const records = body.responses[0]!.partitions[0]!.records ?? new Uint8Array(0)
  for (const batch of batches(records, 'skip')) {
    for (const record of decodeRecords(records, batch)) {
      const expected = valueAt(partition, offset)
      assert.equal(record.offset, offset)
      assert.equal(Buffer.compare(record.value!, expected), 0, `offset ${offset} of partition ${partition}`)
      offset++
    }
  }
  return offset
}

test('memory that is used again never shows', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-memory-'))
  try {
    await using cluster = await createCluster({ folder, topics: [{ name: TOPIC, partitions: PARTITIONS }] })
    const port = Number(cluster.bootstrapServers.split(':')[1])
    const partitions = Array.from({ length: PARTITIONS }, (_, i) => i)
    const work: Work = { bytes: 0, written: partitions.map(() => 0), isDone: false }
    const late = Promise.all(partitions.map(partition => consumeLate(port, partition, work)))
    await Promise.all(
      partitions.map(async partition => {
        const count = produce(port, partition, work)
        await Promise.all([consume(port, partition, count, work), consume(port, partition, count, work)])
      }),
    )
    work.isDone = true
    await late
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
