/** Cases about share groups: each has a group of its own and a topic, which the group reads from the start. */
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeBatch, type Init } from '@ottla/protocol'
import {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/describe-share-group-offsets'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '@ottla/protocol/messages/share-acknowledge'
import { ShareFetchRequest, ShareFetchResponse } from '@ottla/protocol/messages/share-fetch'
import { ShareGroupDescribeRequest, ShareGroupDescribeResponse } from '@ottla/protocol/messages/share-group-describe'
import { ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse } from '@ottla/protocol/messages/share-group-heartbeat'
import type { Asker } from './prober.ts'
import { poll } from './process.ts'
import { TopicProbe } from './topic-probe.ts'

export const HEARTBEAT = { request: ShareGroupHeartbeatRequest, response: ShareGroupHeartbeatResponse }
export const FETCH = { request: ShareFetchRequest, response: ShareFetchResponse }
export const ACKNOWLEDGE = { request: ShareAcknowledgeRequest, response: ShareAcknowledgeResponse }
export const OFFSETS = { request: DescribeShareGroupOffsetsRequest, response: DescribeShareGroupOffsetsResponse }
const DESCRIBE = { request: ShareGroupDescribeRequest, response: ShareGroupDescribeResponse }
const PRODUCE = { request: ProduceRequest, response: ProduceResponse }
const CONFIGS = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }

const GROUP = 32

export class ShareProbe extends TopicProbe {
  readonly group: string

  constructor(name: string, bootstrap: string, partitions = 2) {
    super(name, bootstrap, partitions)
    this.group = this.topic
    this.notes.name(this.group, 'G')
  }

  admin(): Asker {
    return this.asker('admin')
  }

  async configure(configs: Record<string, string>): Promise<void> {
    const entries = Object.entries(configs).map(([name, value]) => ({ name, value, configOperation: 0 }))
    const resources = [{ resourceType: GROUP, resourceName: this.group, configs: entries }]
    await this.admin().ask(CONFIGS, 1, { resources, validateOnly: false })
    // A broker goes by them a moment later.
    await sleep(200)
  }

  /** So many records a batch. */
  async produce(sizes: readonly number[], partition = 0): Promise<void> {
    for (const size of sizes) {
      const records = encodeBatch(Array.from({ length: size }, (_, i) => ({ value: Buffer.from(`record ${i}`) })))
      const partitionData = [{ index: partition, records }]
      const { responses } = await this.admin().ask(PRODUCE, 13, {
        acks: -1,
        timeoutMs: 10_000,
        topicData: [{ topicId: this.topicId, partitionData }],
      })
      const { errorCode } = responses[0]!.partitionResponses[0]!
      if (errorCode !== 0) throw new Error(`produce failed with ${errorCode}`)
    }
  }

  /** With a member that has both partitions, which is gone when it has them: the group is there, and its state, too. */
  async begin(configs: Record<string, string> = {}): Promise<void> {
    await this.configure({ 'share.auto.offset.reset': 'earliest', ...configs })
    const first = this.member('first')
    await first.join()
    await first.leave()
  }

  member(name: string): ShareMember {
    return new ShareMember(this, name)
  }

  async groupState(): Promise<string> {
    const { groups } = await this.admin().ask(DESCRIBE, 1, { groupIds: [this.group] })
    return groups[0]!.groupState
  }

  /** Start offsets and lags. */
  async tellOffsets(what: string): Promise<void> {
    // The log of what is done is a moment behind.
    await sleep(100)
    const groups = [{ groupId: this.group, topics: [{ topicName: this.topic, partitions: [...this.indexes] }] }]
    await this.tell(what, this.admin().ask(OFFSETS, 1, { groups }))
  }
}

type Acknowledged = readonly [first: number, last: number, ...types: number[]]

export class ShareMember {
  readonly #probe: ShareProbe
  readonly #name: string
  epoch = 0
  sessionEpoch = 0

  constructor(probe: ShareProbe, name: string) {
    this.#probe = probe
    this.#name = name
  }

  get #asker(): Asker {
    return this.#probe.asker(this.#name)
  }

  /** The connection is closed, without a word. */
  vanish(): void {
    this.#asker.end()
  }

  async beat(more: Init<typeof ShareGroupHeartbeatRequest> = {}) {
    const response = await this.#asker.ask(HEARTBEAT, 1, {
      groupId: this.#probe.group,
      memberId: this.#name,
      memberEpoch: this.epoch,
      ...more,
    })
    if (response.errorCode === 0) this.epoch = response.memberEpoch
    return response
  }

  /** Until it is assigned something. */
  async join(topics: readonly string[] = [this.#probe.topic]): Promise<void> {
    const isAssigned = async () => {
      const { assignment } = await this.beat({ subscribedTopicNames: [...topics] })
      return assignment && assignment.topicPartitions.length > 0 ? true : undefined
    }
    await poll('an assignment', isAssigned, 20_000, 50)
  }

  async leave() {
    const response = await this.beat({ memberEpoch: -1 })
    this.epoch = 0
    return response
  }

  /** From partition 0, unless the session has others. */
  async fetch(more: Init<typeof ShareFetchRequest> = {}, version = 2) {
    const isNew = this.sessionEpoch === 0
    const partitions = [{ partitionIndex: 0 }]
    const response = await this.#asker.ask(FETCH, version, {
      groupId: this.#probe.group,
      memberId: this.#name,
      shareSessionEpoch: this.sessionEpoch,
      maxWaitMs: 300,
      minBytes: 1,
      maxBytes: 1_000_000,
      maxRecords: 500,
      batchSize: 500,
      topics: isNew ? [{ topicId: this.#probe.topicId, partitions }] : [],
      ...more,
    })
    if (response.errorCode === 0) this.sessionEpoch++
    return response
  }

  /** Until it gets something: a share partition is loaded when it is asked for first. */
  async fetchSome(more: Init<typeof ShareFetchRequest> = {}) {
    return await poll(
      'records',
      async () => {
        const response = await this.fetch({ maxWaitMs: 1000, ...more })
        if (response.errorCode !== 0) return response
        const hasSome = response.responses.some(({ partitions }) =>
          partitions.some(({ acquiredRecords, errorCode }) => acquiredRecords.length > 0 || errorCode !== 0),
        )
        return hasSome ? response : undefined
      },
      10_000,
      50,
    )
  }

  async acknowledge(
    acknowledged: readonly Acknowledged[],
    more: Init<typeof ShareAcknowledgeRequest> = {},
    version = 2,
  ) {
    const response = await this.#asker.ask(ACKNOWLEDGE, version, {
      groupId: this.#probe.group,
      memberId: this.#name,
      shareSessionEpoch: this.sessionEpoch,
      topics: this.acknowledgements(acknowledged),
      ...more,
    })
    if (response.errorCode === 0) this.sessionEpoch++
    return response
  }

  acknowledgements(acknowledged: readonly Acknowledged[], partitionIndex = 0) {
    const acknowledgementBatches = acknowledged.map(([firstOffset, lastOffset, ...acknowledgeTypes]) => ({
      firstOffset,
      lastOffset,
      acknowledgeTypes,
    }))
    return [{ topicId: this.#probe.topicId, partitions: [{ partitionIndex, acknowledgementBatches }] }]
  }
}
