/**
 * The share partitions of this node, as handlers see them: loaded when a member first asks for one, forgotten when the
 * partition is led elsewhere, when their state has gone, or when the last member has closed its connection.
 */
import type { World } from '@ottla/io'
import type { Persister } from '../coordinator/share-coordinator.ts'
import { ApiError, errorCodeOf, isExpected, messageOf } from '../errors.ts'
import type { TopicCounterName, Windows } from '../metrics/index.ts'
import type { ReplicaManager } from '../replica/replica-manager.ts'
import type { AcknowledgementBatch } from './acknowledge.ts'
import { LoadedSharePartition } from './loaded-share-partition.ts'
import { ShareFetch, type ShareFetchLimits, type ShareFetchResult } from './share-fetch.ts'
import { ShareGroupMeter, ShareMetrics } from './share-metrics.ts'
import { type SessionPartition, type SessionRequest, type ShareFetchPlan, ShareSessions } from './share-sessions.ts'
import type { ShareLimits } from './share-window.ts'
import type { OffsetReset } from './start-offset.ts'

export interface SharePartitionManagerOptions {
  readonly world: World
  readonly replicas: ReplicaManager
  readonly persister: Persister
  /** group.share.max.share.sessions */
  readonly maxSessions: number
  readonly limits: (groupId: string) => ShareLimits
  readonly offsetReset: (groupId: string) => OffsetReset
  readonly metricsWindows: Windows
}

/** What of one group is loaded. */
interface LoadedGroup {
  readonly meter: ShareGroupMeter
  /** By topic id and partition. */
  readonly partitions: Map<string, LoadedSharePartition>
}

export interface Acknowledged extends SessionPartition {
  readonly batches: readonly AcknowledgementBatch[]
}

export interface AcknowledgeResult extends SessionPartition {
  readonly errorCode: number
  readonly errorMessage: string | null
}

export class SharePartitionManager {
  readonly metrics: ShareMetrics
  readonly #options: SharePartitionManagerOptions
  readonly #sessions: ShareSessions
  readonly #groups = new Map<string, LoadedGroup>()
  /** What a connection has opened: members by group. */
  readonly #connections = new Map<number, Map<string, { readonly groupId: string; readonly memberId: string }>>()

  constructor(options: SharePartitionManagerOptions) {
    this.#options = options
    this.#sessions = new ShareSessions(options.maxSessions)
    this.metrics = new ShareMetrics(options.metricsWindows)
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  // -------------------------------------------------------------------------------------------------------- sessions

  /** Throws an ApiError. The session ends when `signal` is aborted, with the connection. */
  plan(request: SessionRequest, signal: AbortSignal): ShareFetchPlan {
    const plan = this.#sessions.plan(request)
    const { groupId, memberId, connectionId } = request
    if (this.#sessions.get(groupId, memberId)?.connectionId === connectionId) {
      this.#bind(connectionId, groupId, memberId, signal)
    }
    return plan
  }

  /** For a ShareAcknowledge. Throws an ApiError. */
  touch(groupId: string, memberId: string, epoch: number): void {
    this.#sessions.touch(groupId, memberId, epoch)
  }

  #bind(connectionId: number, groupId: string, memberId: string, signal: AbortSignal): void {
    let members = this.#connections.get(connectionId)
    if (!members) {
      members = new Map()
      this.#connections.set(connectionId, members)
      signal.addEventListener('abort', () => this.#onDisconnect(connectionId), { once: true })
    }
    members.set(`${groupId.length}:${groupId}${memberId}`, { groupId, memberId })
  }

  #onDisconnect(connectionId: number): void {
    const members = this.#connections.get(connectionId)
    this.#connections.delete(connectionId)
    for (const { groupId, memberId } of members?.values() ?? []) {
      if (this.#sessions.get(groupId, memberId)?.connectionId === connectionId) {
        this.metrics.sessionEvictions++
        this.releaseSession(groupId, memberId)
      }
      if (!this.#sessions.hasMembers(groupId)) this.#forgetGroup(groupId)
    }
  }

  /** The member is gone: others may have what it had. */
  releaseSession(groupId: string, memberId: string): void {
    const session = this.#sessions.remove(groupId, memberId)
    for (const { topicId, partition } of session?.partitions.values() ?? []) {
      const loaded = this.#find(groupId, topicId, partition)
      loaded?.release(memberId).catch(error => {
        const fields = { groupId, memberId, partition: loaded.replica.name }
        this.#options.world.logger.warn('what a member had stays locked for its time', { ...fields, error })
      })
    }
  }

  // -------------------------------------------------------------------------------------------------------- requests

  /** Partitions about which there is nothing to say are left out. */
  async fetch(
    groupId: string,
    wanted: readonly SessionPartition[],
    limits: ShareFetchLimits,
    signal: AbortSignal,
  ): Promise<ShareFetchResult[]> {
    if (wanted.length === 0 || limits.maxRecords === 0 || limits.maxBytes <= 0) return []
    const { world, replicas } = this.#options
    this.#countTopics('shareFetchRequests', wanted)
    // A log may have gone for a moment, while another one takes its place.
    const closed = wanted
      .map(({ topicId, partition }) => replicas.find(topicId, partition))
      .filter(one => one && !one.log)
    if (closed.length > 0) await Promise.all(closed.map(replica => replica!.ready))
    const refused: ShareFetchResult[] = []
    const partitions: LoadedSharePartition[] = []
    for (const one of wanted) {
      try {
        const partition = this.#get(groupId, one)
        void partition.load()
        partitions.push(partition)
      } catch (error) {
        refused.push(failureOf(one, error, world))
      }
    }
    const results = partitions.length === 0 ? [] : await this.#fetch(groupId, partitions, limits).run(signal)
    const all = [...results, ...refused]
    this.#countTopics(
      'failedShareFetchRequests',
      all.filter(({ errorCode }) => errorCode !== 0),
    )
    return all
  }

  #fetch(groupId: string, partitions: readonly LoadedSharePartition[], limits: ShareFetchLimits): ShareFetch {
    const { clock, logger } = this.#options.world
    // Forgotten while it is under way, it is one that nobody looks at.
    const group = this.#groups.get(groupId)?.meter ?? new ShareGroupMeter(this.metrics.windows)
    return new ShareFetch(partitions, limits, { all: this.metrics, group }, clock, logger)
  }

  /** Once for each topic, however many of its partitions there are, as Kafka does. */
  #countTopics(name: TopicCounterName, partitions: readonly SessionPartition[]): void {
    const counted = new Set<string>()
    for (const { topicId, partition } of partitions) {
      const replica = counted.has(topicId) ? undefined : this.#options.replicas.find(topicId, partition)
      if (!replica) continue
      counted.add(topicId)
      replica.meter.add(name, 1)
    }
  }

  async acknowledge(
    groupId: string,
    memberId: string,
    acknowledged: readonly Acknowledged[],
  ): Promise<AcknowledgeResult[]> {
    this.#countTopics('shareAcknowledgementRequests', acknowledged)
    const results = await Promise.all(
      acknowledged.map(async ({ topicId, partition, batches }): Promise<AcknowledgeResult> => {
        try {
          const loaded = this.#find(groupId, topicId, partition)
          if (!loaded)
            throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
          await loaded.acknowledge(memberId, batches)
          this.metrics.onAcknowledged(batches)
          return { topicId, partition, errorCode: 0, errorMessage: null }
        } catch (error) {
          const { errorCode, errorMessage } = failureOf({ topicId, partition }, error, this.#options.world)
          return { topicId, partition, errorCode, errorMessage }
        }
      }),
    )
    this.#countTopics(
      'failedShareAcknowledgementRequests',
      results.filter(({ errorCode }) => errorCode !== 0),
    )
    return results
  }

  // ------------------------------------------------------------------------------------------------ share partitions

  #find(groupId: string, topicId: string, partition: number): LoadedSharePartition | undefined {
    return this.#groups.get(groupId)?.partitions.get(`${topicId}:${partition}`)
  }

  /** Throws if this node does not lead the partition. */
  #get(groupId: string, { topicId, partition }: SessionPartition): LoadedSharePartition {
    const known = this.#find(groupId, topicId, partition)
    if (known) return known
    const { world, replicas, persister, limits, offsetReset } = this.#options
    const loaded = new LoadedSharePartition({
      groupId,
      replica: replicas.get(topicId, partition),
      clock: world.clock,
      logger: world.logger,
      persister,
      limits: () => limits(groupId),
      offsetReset: () => offsetReset(groupId),
      onFenced: fenced => this.#forget(fenced),
      onLoaded: tookMs => this.metrics.partitionLoadTimeMs.record(tookMs, world.clock.monotonic()),
    })
    const meter = () => new ShareGroupMeter(this.metrics.windows)
    const group = this.#groups.get(groupId) ?? { meter: meter(), partitions: new Map<string, LoadedSharePartition>() }
    group.partitions.set(`${topicId}:${partition}`, loaded)
    this.#groups.set(groupId, group)
    return loaded
  }

  #forget(loaded: LoadedSharePartition): void {
    const { groupId, replica } = loaded
    const group = this.#groups.get(groupId)
    const key = `${replica.topicId}:${replica.partition}`
    if (group?.partitions.get(key) !== loaded) return
    group.partitions.delete(key)
    if (group.partitions.size === 0) this.#groups.delete(groupId)
  }

  #forgetGroup(groupId: string): void {
    for (const loaded of [...(this.#groups.get(groupId)?.partitions.values() ?? [])]) loaded.fence()
  }

  // ------------------------------------------------------------------------------------------------ for who watches

  /** In all sessions. */
  get sessionPartitionCount(): number {
    return this.#sessions.partitionCount
  }

  *groups(): Iterable<readonly [groupId: string, meter: ShareGroupMeter]> {
    for (const [groupId, { meter }] of this.#groups) yield [groupId, meter]
  }

  *loaded(): Iterable<LoadedSharePartition> {
    for (const { partitions } of this.#groups.values()) yield* partitions.values()
  }

  close(): void {
    for (const groupId of [...this.#groups.keys()]) this.#forgetGroup(groupId)
  }
}

function failureOf({ topicId, partition }: SessionPartition, error: unknown, world: World): ShareFetchResult {
  if (!isExpected(error)) world.logger.error('a share partition failed', { topicId, partition, error: error as Error })
  return {
    topicId,
    partition,
    errorCode: errorCodeOf(error),
    errorMessage: messageOf(error),
    chunks: [],
    acquired: [],
    release: null,
  }
}
