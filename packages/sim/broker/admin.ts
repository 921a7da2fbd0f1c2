/**
 * An admin: makes topics, writes to them and deletes them, adds partitions, changes configs, deletes records. What it got
 * no answer for it can't know, not even later: the request may still be on its way. Such a topic, or config, is left
 * alone from then on.
 */
import { encodeBatch, errorName } from '@ottla/protocol'
import { Actor } from './actor.ts'
import { apis, LAST_WITH_NAMES } from './apis.ts'
import type { TopicModel } from './ledger.ts'
import { NoAnswer } from './link.ts'
import { isPassing, makeRecords } from './producer.ts'
import { pick } from './setup.ts'
import { demand } from './simulation.ts'

const TIMEOUT_MS = 10_000
const SET = 0
const TOPIC_RESOURCE = 2
const MAX_PARTITIONS = 4
const MAX_PASSING = 3
const PASSING_CONFIGS = { 'flush.messages': '1', 'internal.segment.bytes': '2500' }
const PASSING_TRAITS = { isDurable: true, keepsAll: true, keepsBytes: true }
/** Values that change how the log works, not what it keeps. */
const CONFIGS: Readonly<Record<string, readonly string[]>> = {
  'internal.segment.bytes': ['2500', '5000', '50000'],
  'max.message.bytes': ['100000', '200000', '300000'],
  'segment.ms': ['200', '1000', '600000'],
  'file.delete.delay.ms': ['0', '700'],
}

export class Admin extends Actor {
  protected override readonly pauseMs = [20, 150] as const
  /** Names of topics that were deleted for certain. */
  readonly #free: string[] = []
  readonly #spoiled = new Set<string>()
  #names = 0

  protected override async step(): Promise<void> {
    const passing = this.#passing()
    const dice = this.random.float()
    if (dice < 0.2 && passing.length < MAX_PASSING) await this.#create()
    else if (dice < 0.45 && passing.length > 0) await this.#write(pick(this.random, passing))
    else if (dice < 0.55 && passing.length > 0) await this.#delete(pick(this.random, passing))
    else if (dice < 0.65) await this.#grow()
    else if (dice < 0.8) await this.#alter()
    else await this.#deleteRecords()
  }

  protected override async finish(): Promise<void> {
    await this.insist(() => this.#create())
    for (const topic of this.#passing()) await this.insist(() => this.#write(topic))
    for (const topic of this.#passing().slice(1)) await this.insist(() => this.#delete(topic))
  }

  #passing(): TopicModel[] {
    return [...this.ledger.topics.values()].filter(({ name, isDeleted }) => isPassing(name) && !isDeleted)
  }

  async #create(): Promise<void> {
    const name = this.#free.pop() ?? `passing${this.#names++}`
    const numPartitions = 1 + this.random.integer(2)
    const configs = Object.entries(PASSING_CONFIGS).map(([key, value]) => ({ name: key, value }))
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs }]
    this.maybeImpatient()
    const answer = await this.links.ask(apis.createTopics, { topics, timeoutMs: TIMEOUT_MS })
    const { errorCode, topicId } = answer.topics[0]!
    if (errorCode !== 0) {
      this.expectError(errorCode, `CreateTopics of ${name}`)
      return
    }
    this.say(`has made ${name} with id ${topicId}`)
    demand(!this.ledger.deleted.has(topicId), () => `topic ${name} was given the id of one that was deleted`)
    this.ledger.addTopic(name, topicId, PASSING_TRAITS, numPartitions)
  }

  async #write(topic: TopicModel): Promise<void> {
    const index = this.random.integer(topic.partitions.length)
    const model = topic.partitions[index]!
    const link = await this.links.get()
    const id = this.ledger.nextId()
    const records = makeRecords(id, this.random, this.links.world.clock.now())
    const bytes = encodeBatch(records)
    const source = `${this.name} on connection ${link.number}`
    const batch = this.ledger.addBatch(id, model, records, {
      source,
      bytes,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
      transaction: null,
    })
    const asked = model.snapshot
    const partitionData = [{ index, records: Uint8Array.from(bytes) }]
    const request = { acks: -1, timeoutMs: TIMEOUT_MS, topicData: [{ name: topic.name, partitionData }] }
    const { responses } = await link.send(apis.produce, request, LAST_WITH_NAMES.produce)
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    if (errorCode !== 0) this.expectError(errorCode, `a batch to ${model.name}`)
    else model.onAcknowledged(batch, baseOffset, asked)
  }

  async #delete(topic: TopicModel): Promise<void> {
    const { name, id } = topic
    // From here on nobody may count on it.
    topic.isDeleted = true
    const topics = this.random.chance(0.5) ? [{ name }] : [{ topicId: id }]
    const answer = await this.links.ask(apis.deleteTopics, { topics, timeoutMs: TIMEOUT_MS })
    const { errorCode } = answer.responses[0]!
    if (errorCode !== 0) {
      this.expectError(errorCode, `DeleteTopics of ${name}`)
      return
    }
    this.say(`has deleted ${name}`)
    this.ledger.deleted.set(id, name)
    this.#free.push(name)
    const left = await this.links.ask(apis.metadata, { topics: [{ name }], allowAutoTopicCreation: false })
    const code = errorName(left.topics[0]!.errorCode)
    demand(code === 'UNKNOWN_TOPIC_OR_PARTITION', () => `topic ${name} was deleted, and is ${code}`)
  }

  async #grow(): Promise<void> {
    const topic = this.ledger.topics.get('grown')!
    const count = topic.partitions.length + 1
    if (count > MAX_PARTITIONS || topic.maxPartitions >= count) return
    topic.maxPartitions = count
    const topics = [{ name: topic.name, count, assignments: null }]
    const answer = await this.links.ask(apis.createPartitions, { topics, timeoutMs: TIMEOUT_MS, validateOnly: false })
    const { errorCode } = answer.results[0]!
    if (errorCode !== 0) {
      this.expectError(errorCode, 'CreatePartitions')
      return
    }
    this.say(`has given ${topic.name} ${count} partitions`)
    this.ledger.grow(topic, count)
  }

  async #alter(): Promise<void> {
    const topics = [...this.ledger.topics.values()].filter(({ isDeleted }) => !isDeleted)
    const topic = pick(this.random, topics)
    const name = pick(this.random, Object.keys(CONFIGS))
    const key = `${topic.id} ${name}`
    if (this.#spoiled.has(key)) return
    const value = pick(this.random, CONFIGS[name]!)
    topic.configs.delete(name)
    const configs = [{ name, configOperation: SET, value }]
    const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: topic.name, configs }]
    try {
      const answer = await this.links.ask(apis.alterConfigs, { resources, validateOnly: false })
      const { errorCode } = answer.responses[0]!
      if (errorCode === 0) {
        this.say(`has set ${name} of ${topic.name} to ${value}`)
        topic.configs.set(name, value)
      } else {
        this.expectError(errorCode, `${name} of ${topic.name}`)
        this.#spoiled.add(key)
      }
    } catch (error) {
      if (error instanceof NoAnswer) this.#spoiled.add(key)
      throw error
    }
  }

  async #deleteRecords(): Promise<void> {
    const topic = this.ledger.topics.get(pick(this.random, ['grown', 'retained', 'compressed']))!
    const partitionIndex = this.random.integer(topic.partitions.length)
    const model = topic.partitions[partitionIndex]!
    const asked = model.snapshot
    const offset = this.random.integer(asked.promisedEnd + 1)
    model.deletableBelow = Math.max(model.deletableBelow, offset)
    const topics = [{ name: topic.name, partitions: [{ partitionIndex, offset }] }]
    const answer = await this.links.ask(apis.deleteRecords, { topics, timeoutMs: TIMEOUT_MS })
    const { errorCode, lowWatermark } = answer.topics[0]!.partitions[0]!
    if (errorCode !== 0) {
      // After a loss of power the end may be below what was promised before.
      this.expectError(errorCode, `DeleteRecords of ${model.name}`, 'OFFSET_OUT_OF_RANGE')
      return
    }
    demand(lowWatermark >= offset, () => `${model.name} begins at ${lowWatermark}, ${offset} was asked for`)
    model.onRecordsDeleted(lowWatermark, asked)
  }
}
