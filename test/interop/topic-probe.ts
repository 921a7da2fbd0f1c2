/** Cases that each have a topic, of two partitions if they don't say another number. */
import { ZERO_UUID } from '@ottla/protocol'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { ListOffsetsRequest, ListOffsetsResponse } from '@ottla/protocol/messages/list-offsets'
import type { RunningBroker } from './brokers.ts'
import { Probe, runCases } from './cases.ts'
import type { Context } from './context.ts'
import { Closed } from './prober.ts'
import { poll } from './process.ts'

const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const OFFSETS = { request: ListOffsetsRequest, response: ListOffsetsResponse }

export class TopicProbe extends Probe {
  readonly topic: string
  topicId = ZERO_UUID
  readonly indexes: readonly number[]

  constructor(name: string, bootstrap: string, partitions: number = 2) {
    super(bootstrap)
    this.indexes = Array.from({ length: partitions }, (_, partition) => partition)
    this.topic = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  }

  /** In the notes the topic and its id are T. */
  async create(configs: Record<string, string>): Promise<void> {
    const entries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const wanted = { name: this.topic, numPartitions: this.indexes.length, replicationFactor: 1, configs: entries }
    const { topics } = await this.asker('setup').ask(CREATE, 7, { topics: [wanted], timeoutMs: 10_000 })
    this.topicId = topics[0]!.topicId
    this.notes.name(this.topicId, 'T')
    this.notes.name(this.topic, 'T')
    await this.untilLed()
  }

  /** A broker knows a topic by name a moment before it leads its partitions. */
  async untilLed(): Promise<void> {
    const partitions = this.indexes.map(partitionIndex => ({ partitionIndex, timestamp: -1n }))
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
}

export interface TopicCase<P extends TopicProbe> {
  /** Of the topic. */
  readonly configs?: Record<string, string>
  readonly run: (probe: P) => Promise<void>
}

/** As `runCases`, each case with its topic. */
export function runTopicCases<P extends TopicProbe>(
  scenario: string,
  context: Context,
  broker: RunningBroker,
  cases: Readonly<Record<string, TopicCase<P>>>,
  makeProbe: (name: string) => P,
): Promise<void> {
  const bodies = Object.entries(cases).map(([name, { configs = {}, run }]) => {
    const body = async (probe: P) => {
      await probe.create(configs)
      await run(probe)
    }
    return [name, body] as const
  })
  return runCases(scenario, context, broker, Object.fromEntries(bodies), makeProbe)
}
