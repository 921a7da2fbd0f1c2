/**
 * Reads topics as a member of a share group: polls, marks what became of each record, and commits the marks. What is not marked
 * stays acquired until its lock expires or the consumer is closed.
 */
import { ErrorCode } from '@ottla/protocol'
import type { Cluster } from '../cluster.ts'
import { ConnectionError, KafkaError } from '../errors.ts'
import { isRetriable, pause } from '../retry.ts'
import type { AcknowledgeType } from './acknowledgements.ts'
import { ShareMember } from './share-member.ts'
import {
  type Acknowledged,
  type ShareFetchOptions,
  type SharePartition,
  type ShareRecord,
  ShareSession,
} from './share-session.ts'

export interface ShareConsumerOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  readonly fetch?: Partial<ShareFetchOptions>
  /** Ends waiting: a poll then has nothing. */
  readonly signal: AbortSignal
}

const SESSION_IS_LOST: ReadonlySet<string> = new Set(['SHARE_SESSION_NOT_FOUND', 'INVALID_SHARE_SESSION_EPOCH'])
const RETRY_MS = 100

export class ShareConsumer {
  readonly #cluster: Cluster
  readonly #options: ShareConsumerOptions
  readonly #fetch: ShareFetchOptions
  readonly #member: ShareMember
  /** By broker. */
  readonly #sessions = new Map<number, ShareSession>()
  /** Which session a record's partition was read in. */
  readonly #origins = new Map<string, { readonly session: ShareSession; readonly of: SharePartition }>()

  readonly #lost: Acknowledged[] = []

  constructor(cluster: Cluster, options: ShareConsumerOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#fetch = { maxWaitMs: 500, minBytes: 1, maxBytes: 52_428_800, maxRecords: 500, ...options.fetch }
    this.#member = new ShareMember(cluster, options.groupId, options.topics)
  }

  /** The next records; none if none came in time. */
  async poll(timeoutMs: number): Promise<ShareRecord[]> {
    const { clock } = this.#cluster.world
    const deadlineMs = clock.monotonic() + timeoutMs
    const { signal } = this.#options
    while (!signal.aborted) {
      const leftMs = deadlineMs - clock.monotonic()
      const wanted = await this.#wanted()
      if (wanted.size === 0) {
        if (leftMs <= 0) return []
        const waiting = new AbortController()
        await Promise.race([this.#member.changed(), pause(clock, leftMs, AbortSignal.any([signal, waiting.signal]))])
        waiting.abort()
        continue
      }
      const maxWaitMs = Math.max(0, Math.min(this.#fetch.maxWaitMs, Math.ceil(leftMs)))
      const rounds = [...wanted].map(([broker, partitions]) => this.#fetchFrom(broker, partitions, maxWaitMs))
      const records = (await Promise.all(rounds)).flat()
      if (records.length > 0 || clock.monotonic() >= deadlineMs) return records
    }
    return []
  }

  /** Of a record whose session is lost that can't be said any more: the next commit has it as failed. */
  acknowledge({ topic, partition, offset }: ShareRecord, type: AcknowledgeType): void {
    const origin = this.#origins.get(`${topic}-${partition}`)
    const isThere = origin !== undefined && [...this.#sessions.values()].includes(origin.session)
    if (isThere) origin.session.acknowledge(origin.of, offset, type)
    else this.#lost.push({ topic, partition, offsets: [offset], errorCode: ErrorCode.SHARE_SESSION_NOT_FOUND })
  }

  /** Sends what was marked; what became of it, by partition. */
  async commit(): Promise<Acknowledged[]> {
    const sessions = [...this.#sessions].map(([broker, session]) => this.#commitIn(broker, session, false))
    return [...this.#lost.splice(0), ...(await Promise.all(sessions)).flat()]
  }

  /** Sends what was marked, gives the rest back, and leaves the group. */
  async close(): Promise<Acknowledged[]> {
    const sessions = [...this.#sessions].map(([broker, session]) => this.#commitIn(broker, session, true))
    const last = (await Promise.all(sessions)).flat()
    await this.#member.leave()
    return last
  }

  /** Marks that are lost with their session have failed. */
  #commitIn(broker: number, session: ShareSession, isLast: boolean): Promise<Acknowledged[]> {
    const { marked } = session
    const failed = (errorCode: number) => marked.map(one => ({ ...one, errorCode }))
    return this.#inSession(broker, () => session.commit(isLast), failed)
  }

  /** What is assigned, by the broker that leads it. */
  async #wanted(): Promise<Map<number, SharePartition[]>> {
    const { assignment } = this.#member
    const wanted = new Map<number, SharePartition[]>()
    // A broker of which nothing is wanted any more forgets it that way.
    for (const broker of this.#sessions.keys()) wanted.set(broker, [])
    if (assignment.length === 0) return new Map()
    for (const topic of this.#options.topics) {
      const { topicId, partitions } = await this.#cluster.topic(topic)
      const own = assignment.find(one => one.topicId === topicId)
      for (const partition of own?.partitions ?? []) {
        const leader = partitions.find(({ partitionIndex }) => partitionIndex === partition)?.leaderId
        if (leader === undefined || leader < 0) this.#cluster.forgetTopic(topic)
        else wanted.set(leader, [...(wanted.get(leader) ?? []), { topic, topicId, partition }])
      }
    }
    return wanted
  }

  #fetchFrom(broker: number, wanted: readonly SharePartition[], maxWaitMs: number): Promise<ShareRecord[]> {
    return this.#inSession(
      broker,
      async () => {
        const session = await this.#session(broker)
        const records = await session.fetch(wanted, { ...this.#fetch, maxWaitMs }, ({ topic }) => {
          this.#cluster.forgetTopic(topic)
        })
        for (const of of wanted) this.#origins.set(`${of.topic}-${of.partition}`, { session, of })
        return records
      },
      () => [],
    )
  }

  async #session(broker: number): Promise<ShareSession> {
    const connection = await this.#cluster.broker(broker)
    const known = this.#sessions.get(broker)
    // A session ends with its connection.
    if (known?.connection === connection) return known
    const made = new ShareSession(this.#options.groupId, this.#member.memberId, connection)
    this.#sessions.set(broker, made)
    return made
  }

  /** A session that was lost is begun anew with the next fetch. */
  async #inSession<T>(broker: number, work: () => Promise<T>, otherwise: (errorCode: number) => T): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const isLost = error instanceof KafkaError && SESSION_IS_LOST.has(error.code)
      if (!isLost && !(error instanceof ConnectionError) && !isRetriable(error)) throw error
      this.#sessions.delete(broker)
      for (const topic of this.#options.topics) this.#cluster.forgetTopic(topic)
      await pause(this.#cluster.world.clock, RETRY_MS, this.#options.signal)
      return otherwise(error instanceof KafkaError ? error.errorCode : ErrorCode.NETWORK_EXCEPTION)
    }
  }
}
