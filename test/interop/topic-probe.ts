/** One case of a scenario that asks by the protocol itself: a topic of two partitions, connections, and notes of what came back. */
import { ZERO_UUID } from '@ottla/protocol'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import type { RunningBroker } from './brokers.ts'
import type { Context } from './context.ts'
import { Asker, Closed, Notes } from './prober.ts'
import { poll } from './process.ts'
import { Transcript } from './transcript.ts'

const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const OFFSETS = { request: ListOffsetsRequest, response: ListOffsetsResponse }

export class TopicProbe {
  readonly topic: string
  readonly notes = new Notes()
  readonly bootstrap: string
  topicId = ZERO_UUID
  readonly #askers = new Map<string, Asker>()

  constructor(name: string, bootstrap: string) {
    this.topic = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
    this.bootstrap = bootstrap
  }

  /** A connection of this name, which is the client id, too; a new one if the broker has closed it. */
  asker(name = 'client'): Asker {
    let asker = this.#askers.get(name)
    if (!asker || asker.isClosed) {
      asker = new Asker(name, this.bootstrap)
      this.#askers.set(name, asker)
    }
    return asker
  }

  /** In the notes the topic and its id are T. */
  async create(configs: Record<string, string>): Promise<void> {
    const entries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const wanted = { name: this.topic, numPartitions: 2, replicationFactor: 1, configs: entries }
    const { topics } = await this.asker('setup').ask(CREATE, 7, { topics: [wanted], timeoutMs: 10_000 })
    this.topicId = topics[0]!.topicId
    this.notes.name(this.topicId, 'T')
    this.notes.name(this.topic, 'T')
    await this.untilLed()
  }

  /** A broker knows a topic by name a moment before it leads its partitions. */
  async untilLed(): Promise<void> {
    const partitions = [0, 1].map(partitionIndex => ({ partitionIndex, timestamp: -1n }))
    const request = { replicaId: -1, topics: [{ name: this.topic, partitions }] }
    const isThere = async () => {
      const [found] = (await this.asker('setup').ask(OFFSETS, 4, request)).topics
      return found!.partitions.every(({ errorCode }) => errorCode === 0) || undefined
    }
    await poll('the topic', isThere, 10_000, 10)
  }

  /** Writes down the answer; that the connection is closed is one. */
  async tell(what: string, answer: Promise<object>): Promise<void> {
    await this.notes.tell(what, answer).catch(error => {
      if (!(error instanceof Closed)) throw error
    })
  }

  end(): void {
    for (const asker of this.#askers.values()) asker.end()
  }
}

export interface ProbeCase<Probe extends TopicProbe> {
  /** Of the topic. */
  readonly configs?: Record<string, string>
  readonly run: (probe: Probe) => Promise<void>
}

/** Each case is a check: what it notes has to be what was noted against Apache Kafka, which `--record` keeps. */
export async function runCases<Probe extends TopicProbe>(
  scenario: string,
  { report, record }: Context,
  broker: RunningBroker,
  cases: Readonly<Record<string, ProbeCase<Probe>>>,
  makeProbe: (name: string) => Probe,
): Promise<void> {
  const transcript = new Transcript(scenario)
  for (const [name, { configs = {}, run }] of Object.entries(cases)) {
    await report.check(`${scenario}/${name}`, async () => {
      const probe = makeProbe(name)
      try {
        await probe.create(configs)
        await run(probe)
      } finally {
        probe.end()
      }
      const output = probe.notes.lines.join('\n')
      if (record) transcript.add(name, output)
      else transcript.compare(name, output)
    })
  }
  if (record) transcript.save()
  await broker.stop()
}
