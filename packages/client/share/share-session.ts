/**
 * A share session with one broker: what it is to read from, told once and then by its changes, one request after another by
 * numbers. A session that is lost begins anew; what was acquired in it others get.
 */
import { batches, decodeRecords } from '@ottla/protocol'
import { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '@ottla/protocol/messages/share-acknowledge'
import { ShareFetchRequest, ShareFetchResponse } from '@ottla/protocol/messages/share-fetch'
import type { BrokerConnection } from '../connection.ts'
import { check } from '../errors.ts'
import type { ConsumerRecord } from '../fetcher.ts'
import { Acknowledgements, AcknowledgeType } from './acknowledgements.ts'

export interface ShareRecord extends ConsumerRecord {
  /** This one counts, too. */
  readonly deliveryCount: number
}

export interface SharePartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

export interface ShareFetchOptions {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxRecords: number
}

/** What the broker said to what was said of some records. */
export interface Acknowledged {
  readonly topic: string
  readonly partition: number
  readonly offsets: readonly number[]
  readonly errorCode: number
}

type Partition = ShareFetchResponse['responses'][number]['partitions'][number]

const fetchApi = { request: ShareFetchRequest, response: ShareFetchResponse }
const acknowledgeApi = { request: ShareAcknowledgeRequest, response: ShareAcknowledgeResponse }
const FIRST_EPOCH = 0
const FINAL_EPOCH = -1
const LAST_EPOCH = 0x7fffffff
const ANSWER_MS = 30_000

const keyOf = ({ topicId, partition }: { topicId: string; partition: number }) => `${topicId} ${partition}`

export class ShareSession {
  readonly #groupId: string
  readonly #memberId: string
  readonly connection: BrokerConnection
  #epoch = FIRST_EPOCH
  readonly #partitions = new Map<string, SharePartition>()
  readonly #marks = new Map<string, { readonly of: SharePartition; readonly acknowledgements: Acknowledgements }>()

  constructor(groupId: string, memberId: string, connection: BrokerConnection) {
    this.#groupId = groupId
    this.#memberId = memberId
    this.connection = connection
  }

  acknowledge(of: SharePartition, offset: number, type: AcknowledgeType): void {
    const known = this.#marks.get(keyOf(of)) ?? { of, acknowledgements: new Acknowledgements() }
    this.#marks.set(keyOf(of), known)
    known.acknowledgements.set(offset, type)
  }

  /** Records that something was said of, and the broker has not heard yet. */
  get marked(): Omit<Acknowledged, 'errorCode'>[] {
    return [...this.#marks.values()].map(({ of: { topic, partition }, acknowledgements }) => {
      return { topic, partition, offsets: acknowledgements.offsets }
    })
  }

  /** From `wanted`. `onError`: of one partition. */
  async fetch(
    wanted: readonly SharePartition[],
    { maxWaitMs, minBytes, maxBytes, maxRecords }: ShareFetchOptions,
    onError: (partition: SharePartition, errorCode: number) => void,
  ): Promise<ShareRecord[]> {
    const keys = new Set(wanted.map(keyOf))
    const added = wanted.filter(one => !this.#partitions.has(keyOf(one)))
    const gone = [...this.#partitions.values()].filter(one => !keys.has(keyOf(one)))
    const response = await this.connection.send(
      fetchApi,
      {
        groupId: this.#groupId,
        memberId: this.#memberId,
        shareSessionEpoch: this.#epoch,
        maxWaitMs,
        minBytes,
        maxBytes,
        maxRecords,
        batchSize: maxRecords,
        topics: [...byTopicId(added)].map(([topicId, named]) => ({
          topicId,
          partitions: named.map(({ partition }) => ({ partitionIndex: partition })),
        })),
        forgottenTopicsData: [...byTopicId(gone)].map(([topicId, named]) => ({
          topicId,
          partitions: named.map(({ partition }) => partition),
        })),
      },
      { timeoutMs: maxWaitMs + ANSWER_MS },
    )
    check(response.errorCode, 'share fetch', response.errorMessage)
    this.#next()
    for (const one of gone) this.#partitions.delete(keyOf(one))
    for (const one of added) this.#partitions.set(keyOf(one), one)
    const records: ShareRecord[] = []
    for (const { topicId, partitions } of response.responses) {
      for (const data of partitions) {
        const of = this.#partitions.get(keyOf({ topicId, partition: data.partitionIndex }))
        if (!of) continue
        if (data.errorCode === 0) records.push(...this.#take(of, data))
        else {
          // It is asked for again, here or elsewhere.
          this.#partitions.delete(keyOf(of))
          onError(of, data.errorCode)
        }
      }
    }
    return records
  }

  /** Only what was acquired counts of what came; where no record is, nothing has to be done, and that is said. */
  #take(of: SharePartition, { records, acquiredRecords }: Partition): ShareRecord[] {
    const { topic, partition } = of
    const found: ShareRecord[] = []
    const there = new Set<number>()
    const bytes = records ?? new Uint8Array(0)
    for (const batch of batches(bytes, 'skip')) {
      if (batch.isControl) continue
      for (const record of decodeRecords(bytes, batch)) {
        const range = acquiredRecords.find(one => one.firstOffset <= record.offset && record.offset <= one.lastOffset)
        if (!range) continue
        there.add(record.offset)
        const { deliveryCount } = range
        found.push({ ...record, topic, partition, timestampType: batch.timestampType, deliveryCount })
      }
    }
    for (const { firstOffset, lastOffset } of acquiredRecords) {
      for (let offset = firstOffset; offset <= lastOffset; offset++)
        if (!there.has(offset)) this.acknowledge(of, offset, AcknowledgeType.gap)
    }
    return found
  }

  /** Tells the broker of all marks. `isLast`: and gives back what has none. */
  async commit(isLast = false): Promise<Acknowledged[]> {
    const marks = [...this.#marks.values()]
    this.#marks.clear()
    if (this.#epoch === FIRST_EPOCH || (marks.length === 0 && !isLast)) return []
    const taken = marks.map(({ of, acknowledgements }) => ({ ...of, ...acknowledgements.take() }))
    const response = await this.connection.send(acknowledgeApi, {
      groupId: this.#groupId,
      memberId: this.#memberId,
      shareSessionEpoch: isLast ? FINAL_EPOCH : this.#epoch,
      isRenewAck: taken.some(({ batches: all }) =>
        all.some(one => one.acknowledgeTypes.includes(AcknowledgeType.renew)),
      ),
      topics: [...byTopicId(taken)].map(([topicId, named]) => ({
        topicId,
        partitions: named.map(({ partition, batches: acknowledgementBatches }) => ({
          partitionIndex: partition,
          acknowledgementBatches,
        })),
      })),
    })
    check(response.errorCode, 'share acknowledge', response.errorMessage)
    this.#next()
    const codes = new Map<string, number>()
    for (const { topicId, partitions } of response.responses) {
      for (const { partitionIndex: partition, errorCode } of partitions)
        codes.set(keyOf({ topicId, partition }), errorCode)
    }
    return taken
      .filter(({ offsets }) => offsets.length > 0)
      .map(({ topic, topicId, partition, offsets }) => {
        return { topic, partition, offsets, errorCode: codes.get(keyOf({ topicId, partition })) ?? 0 }
      })
  }

  #next(): void {
    this.#epoch = this.#epoch === LAST_EPOCH ? 1 : this.#epoch + 1
  }
}

function byTopicId<P extends { readonly topicId: string }>(partitions: readonly P[]): Map<string, P[]> {
  return Map.groupBy(partitions, ({ topicId }) => topicId)
}
