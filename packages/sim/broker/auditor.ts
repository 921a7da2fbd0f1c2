/**
 * Looks at all that was promised, undisturbed: after each start of the node, and at the end. It also finds out where a log
 * ends after a loss of power that may have taken its end.
 */
import { Actor } from './actor.ts'
import { apis, LAST_WITH_NAMES } from './apis.ts'
import { isOutOfRange } from './consumer.ts'
import { readWhole } from './keeper.ts'
import type { TopicModel } from './ledger.ts'
import type { LinkMaker } from './link.ts'
import type { PartitionModel } from './partition-model.ts'
import { SHARED_TOPIC } from './setup.ts'
import { SHARE_GROUP } from './share-member.ts'
import { demand } from './simulation.ts'
import { groupOf } from './transactor.ts'

const EARLIEST = -2n
/** Acknowledged or archived, in the state of share groups. */
const DONE: ReadonlySet<number> = new Set([2, 4])
const NOWHERE = -1

export class Auditor extends Actor {
  protected override async step(): Promise<void> {}
  protected override async finish(): Promise<void> {}

  ask: LinkMaker['ask'] = (api, value, maxVersion) => this.links.ask(api, value, maxVersion)

  /** When nothing is disturbed any more; what was before may still break a connection. */
  auditAtLast(): Promise<void> {
    return this.insist(() => this.audit())
  }

  /** Rejects with `NoAnswer` if the node goes meanwhile. */
  async audit(): Promise<void> {
    await this.#checkTopics()
    for (const topic of [...this.ledger.topics.values()]) {
      for (const [partition, model] of [...topic.partitions.entries()]) {
        if (topic.isDeleted) continue
        await this.#checkPartition(topic, partition, model)
      }
    }
    await this.#checkCompacted()
    await this.groups.audit(this.links)
    if (this.sim.setup.shareMembers > 0) await this.#checkShareStarts()
    this.say('has found all that was promised')
  }

  async #checkCompacted(): Promise<void> {
    const { compacted } = this.ledger
    for (const partition of compacted?.partitions.keys() ?? []) {
      const what = `Fetch of ${compacted!.name}-${partition}`
      const problem = await readWhole(this.links, compacted!, partition, code => this.expectError(code, what))
      demand(problem === null, () => problem!)
    }
  }

  /** Where the share group begins, as anybody is told. */
  async #checkShareStarts(): Promise<void> {
    const { name: topicName, partitions: models } = this.ledger.topics.get(SHARED_TOPIC)!
    const topics = [{ topicName, partitions: [...models.keys()] }]
    const answer = await this.links.ask(apis.describeShareGroupOffsets, { groups: [{ groupId: SHARE_GROUP, topics }] })
    const parts = answer.groups.flatMap(group => group.topics).flatMap(({ partitions }) => partitions)
    for (const { partitionIndex, startOffset, errorCode } of parts) {
      const model = models[partitionIndex]!
      if (errorCode === 0) this.groups.shares.onStart(model, startOffset)
      else this.expectError(errorCode, `where the share group begins in ${model.name}`)
    }
  }

  /** When all its members have come to an end: all records are done with. */
  async checkShares(): Promise<void> {
    const { id: topicId, partitions: models } = this.ledger.topics.get(SHARED_TOPIC)!
    const partitions = models.map((_, partition) => ({ partition, leaderEpoch: -1 }))
    const request = { groupId: SHARE_GROUP, topics: [{ topicId, partitions }] }
    const { results } = await this.insist(() => this.links.ask(apis.readShareGroupState, request))
    for (const { partition, errorCode, startOffset, stateBatches } of results[0]!.partitions) {
      const model = models[partition]!
      demand(errorCode === 0, () => `the state of ${model.name} can't be read: ${errorCode}`)
      const done = stateBatches.filter(({ deliveryState }) => DONE.has(deliveryState))
      this.groups.shares.checkAtLast(model, startOffset, done)
    }
  }

  /** When nobody sends any more. */
  checkDisputes(): void {
    for (const { batch, losses } of this.ledger.disputes) {
      const { model, offset, id } = batch
      if (offset !== null || !model.keepsAll || model.deletableBelow > 0) continue
      demand(
        !model.isDurable && this.node.losses !== losses,
        () => `batch ${id} is not in ${model.name}, and was refused as out of order`,
      )
    }
  }

  /** When nobody is in a transaction any more: until the last markers are written. */
  async untilDecided(): Promise<void> {
    for (const topic of this.ledger.topics.values()) {
      for (const partition of topic.partitions.keys()) {
        if (!topic.isDeleted) await this.insist(() => this.#untilStable(topic, partition))
      }
    }
  }

  async #untilStable(topic: TopicModel, partition: number): Promise<void> {
    const partitions = [{ partition, fetchOffset: 0, partitionMaxBytes: 1 }]
    const topics = [{ topic: topic.name, partitions }]
    for (;;) {
      const request = { replicaId: -1, maxWaitMs: 0, minBytes: 0, isolationLevel: 1, topics }
      const answer = await this.links.ask(apis.fetch, request, LAST_WITH_NAMES.fetch)
      const { highWatermark, lastStableOffset } = answer.responses[0]!.partitions[0]!
      if (highWatermark === lastStableOffset) return
      await this.sim.pause(20)
    }
  }

  /** Each is committed or aborted, as a whole. */
  async checkTransactions(): Promise<void> {
    for (const { name, openTransactions } of this.ledger.partitions)
      demand(openTransactions.length === 0, () => `${openTransactions[0]!.name} is still open in ${name}`)
    for (const [transactionalId, transactions] of this.ledger.transactions) {
      for (const transaction of transactions) transaction.checkAtLast()
      const committed = transactions.filter(({ found, offset }) => found === 'commit' && offset !== null)
      const expected = Math.max(-1, ...committed.map(({ offset }) => offset!))
      const offset = await this.insist(() => this.#committedOffset(groupOf(transactionalId)))
      demand(offset === expected, () => `${transactionalId} has committed offset ${expected}, and ${offset} is found`)
    }
  }

  async #committedOffset(groupId: string): Promise<number> {
    const topics = [{ name: 'kept', partitionIndexes: [0] }]
    const request = { groupId, topics, requireStable: true }
    const answer = await this.links.ask(apis.offsetFetch, request, LAST_WITH_NAMES.offsetFetch)
    demand(answer.errorCode === 0, () => `OffsetFetch of ${groupId}: ${answer.errorCode}`)
    const { errorCode, committedOffset } = answer.topics[0]!.partitions[0]!
    demand(errorCode === 0, () => `OffsetFetch of ${groupId}: ${errorCode}`)
    return committedOffset
  }

  async #checkTopics(): Promise<void> {
    const topics = [...this.ledger.topics.values()].filter(({ isDeleted }) => !isDeleted)
    const promised = new Map(topics.map(topic => [topic, topic.partitions.length]))
    const deleted = new Set(this.ledger.deleted.keys())
    const answer = await this.links.ask(apis.metadata, { topics: null, allowAutoTopicCreation: false })
    const found = new Map(answer.topics.map(topic => [topic.name!, topic]))
    for (const { name, topicId } of answer.topics)
      demand(!deleted.has(topicId), () => `topic ${name} with id ${topicId} was deleted, and is there`)
    for (const topic of topics) {
      if (topic.isDeleted) continue
      const { name } = topic
      const there = found.get(name)
      demand(there?.topicId === topic.id, () => `topic ${name} is promised with id ${topic.id}, not ${there?.topicId}`)
      const count = there.partitions.length
      const isRight = count >= promised.get(topic)! && count <= topic.maxPartitions
      demand(isRight, () => `topic ${name} has ${count} partitions, not ${promised.get(topic)}`)
      await this.#checkConfigs(topic)
    }
  }

  async #checkConfigs(topic: TopicModel): Promise<void> {
    const expected = new Map(topic.configs)
    const resource = { resourceType: 2, resourceName: topic.name, configurationKeys: null }
    const answer = await this.links.ask(apis.describeConfigs, { resources: [resource] })
    if (topic.isDeleted) return
    const { errorCode, configs } = answer.results[0]!
    demand(errorCode === 0, () => `the configs of ${topic.name} can't be described: ${errorCode}`)
    for (const [name, value] of expected) {
      if (topic.configs.get(name) !== value) continue
      const found = configs.find(config => config.name === name)?.value
      demand(found === value, () => `config ${name} of ${topic.name} is ${found}, not ${value}`)
    }
  }

  async #checkPartition(topic: TopicModel, partition: number, model: PartitionModel): Promise<void> {
    for (;;) {
      if (topic.isDeleted) return
      const start = await this.#start(topic, partition, model)
      if (start === null) return
      const isRead = await this.#read(topic, partition, model, start)
      if (isRead || topic.isDeleted) return
    }
  }

  /** null: it can't be asked, as its disk is broken or it has been deleted. */
  async #start(topic: TopicModel, partition: number, model: PartitionModel): Promise<number | null> {
    const asked = model.snapshot
    const partitions = [{ partitionIndex: partition, timestamp: EARLIEST }]
    const answer = await this.links.ask(apis.listOffsets, { replicaId: -1, topics: [{ name: topic.name, partitions }] })
    const { errorCode, offset } = answer.topics[0]!.partitions[0]!
    if (topic.isDeleted) return null
    if (errorCode !== 0) {
      this.expectError(errorCode, `ListOffsets of ${model.name}`)
      return null
    }
    model.onBegin(offset, asked)
    return offset
  }

  /** False: its begin went away meanwhile. */
  async #read(topic: TopicModel, partition: number, model: PartitionModel, start: number): Promise<boolean> {
    for (let position = start; ; ) {
      const asked = model.snapshot
      const partitions = [{ partition, fetchOffset: position, partitionMaxBytes: 1 << 20 }]
      const request = { replicaId: -1, maxWaitMs: 0, minBytes: 0, topics: [{ topic: topic.name, partitions }] }
      const answer = await this.links.ask(apis.fetch, request, LAST_WITH_NAMES.fetch)
      const part = answer.responses[0]!.partitions[0]!
      if (topic.isDeleted) return false
      if (isOutOfRange(part.errorCode)) {
        demand(position >= start, () => `${model.name} has lost its place`)
        if (!model.mustBeCut) model.onOutOfRange(position, asked)
        return false
      }
      if (part.errorCode !== 0) {
        this.expectError(part.errorCode, `Fetch of ${model.name}`)
        return true
      }
      const { highWatermark, logStartOffset } = part
      const records = part.records instanceof Uint8Array ? part.records : new Uint8Array(0)
      // Until the end is found, what was promised of it does not bind.
      const before = model.mustBeCut ? { ...asked, promisedEnd: 0 } : asked
      if (model.mustBeCut && position === start) model.cut(start, Math.max(highWatermark, start))
      position = model.onFetched({ position, highWatermark, logStartOffset, records }, before)
      if (position < highWatermark) continue
      // Who writes meanwhile adds to what is known; only what nobody changes can be looked at as a whole.
      const begin = Math.max(start, logStartOffset)
      if (model.promisedEnd === position) model.checkWhole(begin, position)
      if (begin < position && model.keepsAll) await this.#checkTimestamp(topic, partition, model, begin, position)
      return true
    }
  }

  /** What ListOffsets finds for the time of some record, or a little before. */
  async #checkTimestamp(
    topic: TopicModel,
    partition: number,
    model: PartitionModel,
    start: number,
    end: number,
  ): Promise<void> {
    const known = model.timestampAt(start + this.random.integer(end - start))
    if (known === null) return
    const timestamp = known - this.random.integer(3)
    const partitions = [{ partitionIndex: partition, timestamp: BigInt(timestamp) }]
    const { deletableBelow } = model
    const answer = await this.links.ask(apis.listOffsets, { replicaId: -1, topics: [{ name: topic.name, partitions }] })
    // Its begin may have gone meanwhile, or all of it.
    if (topic.isDeleted || model.deletableBelow !== deletableBelow) return
    const found = answer.topics[0]!.partitions[0]!
    if (found.errorCode !== 0) {
      this.expectError(found.errorCode, `ListOffsets of ${model.name}`)
      return
    }
    const expected = model.firstNotOlder(timestamp, start)
    // What somebody has asked to delete may go at any time.
    const left = model.firstNotOlder(timestamp, Math.max(start, deletableBelow))
    if (found.offset === NOWHERE && left === null) return
    const latest = left?.offset ?? end
    const isFirst = found.offset >= (expected?.offset ?? end) && found.offset <= latest
    const isThere = found.timestamp >= timestamp && found.timestamp === model.timestampAt(found.offset)
    demand(
      isFirst && isThere,
      () => `${model.name}: ${timestamp} is found at ${found.offset}, not at ${expected?.offset}`,
    )
  }
}
