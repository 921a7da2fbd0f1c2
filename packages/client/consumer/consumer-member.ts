/**
 * A member of a consumer group with the consumer protocol (KIP-848): the coordinator assigns, heartbeats carry everything.
 * Partitions that are taken away are given up, those that are new taken, and then the coordinator is told.
 */
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '@ottla/protocol/messages/consumer-group-heartbeat'
import { askCoordinator } from '../ask.ts'
import type { Cluster } from '../cluster.ts'
import { ConnectionError, check, KafkaError } from '../errors.ts'
import { type Assignment, commitOffsets, committedOffsets, type TopicPartitions } from '../group-member.ts'
import { isRetriable, pause } from '../retry.ts'

export interface ConsumerMemberOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  /** As the coordinator names it; null: its own choice. */
  readonly remoteAssignor?: string | null
  /** A static member. */
  readonly instanceId?: string | null
  readonly rebalanceTimeoutMs?: number
  readonly signal?: AbortSignal
}

const heartbeatApi = { request: ConsumerGroupHeartbeatRequest, response: ConsumerGroupHeartbeatResponse }
const JOIN_EPOCH = 0
const LEAVE_EPOCH = -1
const LEAVE_FOR_A_WHILE_EPOCH = -2
const MUST_REJOIN: ReadonlySet<string> = new Set(['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID'])
const NOT_ITS_OWN: ReadonlySet<string> = new Set(['STALE_MEMBER_EPOCH', 'ILLEGAL_GENERATION', ...MUST_REJOIN])

type Target = NonNullable<ConsumerGroupHeartbeatResponse['assignment']>['topicPartitions']

export class ConsumerMember {
  readonly #cluster: Cluster
  readonly #options: ConsumerMemberOptions
  readonly #memberId: string
  #epoch = JOIN_EPOCH
  #isMember = false
  #intervalMs = 0
  #owned: Target = []
  /** What was given and is not held yet. */
  #target: Target | null = null

  constructor(cluster: Cluster, options: ConsumerMemberOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#memberId = cluster.world.random.uuid()
  }

  /** Calls `consume` with one assignment after another until the signal is aborted; then leaves the group. */
  async run(consume: (assignment: Assignment) => Promise<void>): Promise<void> {
    const { signal } = this.#options
    try {
      while (!signal?.aborted) {
        if (this.#epoch === JOIN_EPOCH) await this.#join()
        const target = this.#target
        if (target) {
          this.#target = null
          this.#owned = target
          await this.#heartbeat(this.#owned)
        }
        if (this.#target === null) await this.#hold(consume)
      }
    } finally {
      await this.#leave()
    }
  }

  /** False: the assignment is over and nothing was committed; whoever is given the partitions next reads again. */
  async commit(offsets: readonly { topic: string; partition: number; offset: number }[]): Promise<boolean> {
    if (offsets.length === 0) return true
    const { groupId, instanceId = null } = this.#options
    try {
      const member = { memberId: this.#memberId, generationId: this.#epoch, instanceId }
      await commitOffsets(this.#cluster, groupId, offsets, member)
      return true
    } catch (error) {
      if (error instanceof KafkaError && NOT_ITS_OWN.has(error.code)) return false
      throw error
    }
  }

  /** Committed offsets by `topic-partition`; -1 where there is none. */
  committed(partitions: readonly TopicPartitions[]): Promise<Map<string, number>> {
    return committedOffsets(this.#cluster, this.#options.groupId, partitions)
  }

  async #join(): Promise<void> {
    this.#owned = []
    await this.#heartbeat([])
    this.#target ??= []
  }

  async #hold(consume: (assignment: Assignment) => Promise<void>): Promise<void> {
    const over = new AbortController()
    const stop = () => over.abort()
    const { signal } = this.#options
    signal?.addEventListener('abort', stop)
    if (signal?.aborted) stop()
    const partitions = await this.#named(this.#owned)
    const heartbeats = this.#beat(over)
    const consumed = consume({ partitions, signal: over.signal }).finally(() => {
      over.abort()
      signal?.removeEventListener('abort', stop)
    })
    for (const result of await Promise.allSettled([consumed, heartbeats]))
      if (result.status === 'rejected') throw result.reason
  }

  /** Until there is another assignment, or the member is none any more. */
  async #beat(over: AbortController): Promise<void> {
    const { clock } = this.#cluster.world
    while (!over.signal.aborted) {
      await pause(clock, this.#intervalMs, over.signal)
      if (over.signal.aborted) return
      try {
        await this.#heartbeat(null)
      } catch (error) {
        if (isRetriable(error)) continue
        over.abort()
        throw error
      }
      if (this.#target !== null || this.#epoch === JOIN_EPOCH) over.abort()
    }
  }

  /** `owned`: what it holds; null: as before. */
  async #heartbeat(owned: Target | null): Promise<void> {
    const { groupId, topics, remoteAssignor = null, instanceId = null, rebalanceTimeoutMs = 300_000 } = this.#options
    const isJoining = this.#epoch === JOIN_EPOCH
    const subscription = {
      rebalanceTimeoutMs,
      subscribedTopicNames: [...topics].sort(),
      serverAssignor: remoteAssignor,
    }
    const request = {
      groupId,
      memberId: this.#memberId,
      memberEpoch: this.#epoch,
      instanceId,
      ...(isJoining ? subscription : {}),
      topicPartitions: owned,
    }
    const response = await askCoordinator(
      this.#cluster,
      'group',
      groupId,
      connection => connection.send(heartbeatApi, request),
      ({ errorCode }) => errorCode,
    )
    const error = response.errorCode === 0 ? null : new KafkaError(response.errorCode, '')
    if (error && MUST_REJOIN.has(error.code)) {
      this.#epoch = JOIN_EPOCH
      return
    }
    check(response.errorCode, `heartbeat in group '${groupId}'`, response.errorMessage)
    this.#isMember = true
    this.#epoch = response.memberEpoch
    this.#intervalMs = response.heartbeatIntervalMs
    if (response.assignment && !isSame(response.assignment.topicPartitions, this.#owned))
      this.#target = response.assignment.topicPartitions
  }

  async #leave(): Promise<void> {
    if (!this.#isMember) return
    const { groupId, instanceId = null } = this.#options
    const memberEpoch = instanceId === null ? LEAVE_EPOCH : LEAVE_FOR_A_WHILE_EPOCH
    try {
      const connection = await this.#cluster.groupCoordinator(groupId)
      await connection.send(heartbeatApi, { groupId, memberId: this.#memberId, memberEpoch, instanceId })
    } catch (error) {
      // Nobody hears it; the session will expire.
      if (!(error instanceof ConnectionError)) throw error
    }
  }

  async #named(target: Target): Promise<TopicPartitions[]> {
    const named: TopicPartitions[] = []
    for (const topic of this.#options.topics) {
      const { topicId } = await this.#cluster.topic(topic)
      const given = target.find(one => one.topicId === topicId)
      if (given && given.partitions.length > 0) named.push({ topic, partitions: given.partitions })
    }
    return named
  }
}

function isSame(a: Target, b: Target): boolean {
  const text = (target: Target) =>
    target
      .flatMap(({ topicId, partitions }) => partitions.map(partition => `${topicId} ${partition}`))
      .sort()
      .join()
  return text(a) === text(b)
}
