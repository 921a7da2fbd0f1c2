/**
 * How the cost of a record grows with partitions and with connections: `node test/bench/curves.ts [partitions|connections]`.
 *
 * One process of a broker after the other, ours and Apache Kafka where OTTLA_APACHE_KAFKA names its script, takes the same
 * requests from this one: 100 records of 100 bytes for each of ten partitions, the next ten in the next request. What is
 * told is the CPU time of the broker a record, and how many records a second this one generator gets rid of. Linux only.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeResponse, encodeBatch } from '@ottla/protocol'
import { CreatePartitionsRequest, CreatePartitionsResponse } from '@ottla/protocol/messages/create-partitions'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { BROKERS, BrokerProcess } from './peers/broker-process.ts'
import { frame, WireClient } from './peers/wire-client.ts'

const PRODUCE_VERSION = 12
const RECORDS_A_BATCH = 100
const BATCHES_A_REQUEST = 10
const RECORDS = 2_000_000
const PARTITIONS = [1, 10, 100, 1000, 10_000]
const CONNECTIONS = [1, 10, 100, 1000, 5000]
/** Elsewhere than where connections come from. */
const FIRST_PORT = 20_192

const batch = encodeBatch(
  Array.from({ length: RECORDS_A_BATCH }, () => ({ value: Buffer.alloc(100, 'x'), timestamp: Date.now() })),
)

function produceRequests(topic: string, partitions: number, batches: number): Buffer[] {
  const requests: Buffer[] = []
  for (let first = 0; first < partitions; first += batches) {
    const indexes = Array.from({ length: Math.min(batches, partitions - first) }, (_, i) => first + i)
    const partitionData = indexes.map(index => ({ index, records: batch }))
    requests.push(
      frame(ProduceRequest, PRODUCE_VERSION, {
        acks: -1,
        timeoutMs: 60_000,
        topicData: [{ name: topic, partitionData }],
      }),
    )
  }
  return requests
}

/** Each connection has one request on the way at a time. */
async function produce(clients: readonly WireClient[], requests: readonly Buffer[], count: number): Promise<void> {
  let sent = 0
  await Promise.all(
    clients.map(async client => {
      while (sent < count) {
        const error = errorOf(await client.send(requests[sent++ % requests.length]!))
        if (error) throw new Error(error)
      }
    }),
  )
}

/** Every partition is written to: a new one may have no leader for a moment. */
async function begin(client: WireClient, requests: readonly Buffer[]): Promise<void> {
  for (const request of requests) {
    for (let tries = 0; ; tries++) {
      const error = errorOf(await client.send(request))
      if (!error) break
      if (tries === 600) throw new Error(error)
      await sleep(100)
    }
  }
}

function errorOf(response: Uint8Array): string | null {
  const { body } = decodeResponse(ProduceResponse, PRODUCE_VERSION, response)
  for (const { name, partitionResponses } of body.responses) {
    for (const { index, errorCode } of partitionResponses) {
      if (errorCode !== 0) return `${name}-${index}: error ${errorCode}`
    }
  }
  return null
}

// ------------------------------------------------------------------------------------------------------------- curves

interface Load {
  readonly partitions: number
  readonly connections: number
  readonly batches: number
}

/** A controller makes fewer than 10,000 at once. */
async function createTopic({ port }: BrokerProcess, name: string, partitions: number): Promise<void> {
  const admin = await WireClient.connect(port)
  const made = { name, numPartitions: Math.min(5000, partitions), replicationFactor: 1 }
  const created = await admin.send(frame(CreateTopicsRequest, 4, { topics: [made], timeoutMs: 60_000 }))
  const answers = [...decodeResponse(CreateTopicsResponse, 4, created).body.topics]
  if (partitions > 5000) {
    const more = { topics: [{ name, count: partitions, assignments: null }], timeoutMs: 60_000 }
    const grown = await admin.send(frame(CreatePartitionsRequest, 1, more))
    answers.push(...(decodeResponse(CreatePartitionsResponse, 1, grown).body.results as typeof answers))
  }
  for (const { errorCode } of answers) if (errorCode !== 0) throw new Error(`topic ${name}: error ${errorCode}`)
  admin.close()
}

async function measure(broker: BrokerProcess, load: Load): Promise<string> {
  const { partitions, connections, batches } = load
  const topic = `p${partitions}.c${connections}`
  await createTopic(broker, topic, partitions)
  const clients: WireClient[] = []
  while (clients.length < connections) clients.push(await WireClient.connect(broker.port))
  const requests = produceRequests(topic, partitions, batches)
  const recordsEach = RECORDS_A_BATCH * Math.min(batches, partitions)
  const count = Math.ceil(RECORDS / recordsEach)
  await begin(clients[0]!, requests)
  await produce(clients, requests, count / 4)
  const cpu = broker.cpuSeconds
  const startMs = performance.now()
  await produce(clients, requests, count)
  const seconds = (performance.now() - startMs) / 1000
  const records = count * recordsEach
  for (const client of clients) client.close()
  const cpuUs = ((broker.cpuSeconds - cpu) * 1e6) / records
  return `${cpuUs.toFixed(2)} µs, ${Math.round(records / seconds / 1000)} k/s`
}

async function curve(title: string, loads: readonly Load[], of: (load: Load) => number): Promise<void> {
  const rows = loads.map(load => [of(load).toLocaleString('en')])
  for (const [i, name] of BROKERS.entries()) {
    await using broker = await BrokerProcess.start(name, FIRST_PORT + i)
    for (const [at, load] of loads.entries()) rows[at]!.push(await measure(broker, load))
  }
  console.log(`\n| ${[title, ...BROKERS].join(' | ')} |\n|---:|${BROKERS.map(() => '---:|').join('')}`)
  for (const row of rows) console.log(`| ${row.join(' | ')} |`)
}

const wanted = process.argv[2]
if (wanted !== 'connections') {
  const loads = PARTITIONS.map(partitions => ({ partitions, connections: 4, batches: BATCHES_A_REQUEST }))
  await curve('partitions', loads, load => load.partitions)
}
if (wanted !== 'partitions') {
  const loads = CONNECTIONS.map(connections => ({ partitions: 10, connections, batches: 1 }))
  await curve('connections', loads, load => load.connections)
}
