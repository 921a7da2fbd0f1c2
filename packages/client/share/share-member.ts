/** A member of a share group (KIP-932): heartbeats by itself, and knows what it is assigned. Nothing is given up or told of. */
import { ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse } from '@ottla/protocol/messages/share-group-heartbeat'
import { askCoordinator } from '../ask.ts'
import type { Cluster } from '../cluster.ts'
import { ConnectionError, check, KafkaError } from '../errors.ts'
import { isRetriable, pause } from '../retry.ts'

const heartbeatApi = { request: ShareGroupHeartbeatRequest, response: ShareGroupHeartbeatResponse }
const JOIN_EPOCH = 0
const LEAVE_EPOCH = -1
const MUST_REJOIN: ReadonlySet<string> = new Set(['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID'])

export interface ShareAssignment {
  readonly topicId: string
  readonly partitions: readonly number[]
}

export class ShareMember {
  readonly #cluster: Cluster
  readonly #groupId: string
  readonly #topics: readonly string[]
  readonly memberId: string
  readonly #stop = new AbortController()
  #epoch = JOIN_EPOCH
  #isMember = false
  #beating: Promise<void> | null = null
  #failure: Error | null = null
  #assignment: readonly ShareAssignment[] = []
  #onChange: (() => void)[] = []

  constructor(cluster: Cluster, groupId: string, topics: readonly string[]) {
    this.#cluster = cluster
    this.#groupId = groupId
    this.#topics = topics
    this.memberId = cluster.world.random.uuid()
  }

  /** What it may read now; joins if it has not. Throws what ended its membership. */
  get assignment(): readonly ShareAssignment[] {
    this.#beating ??= this.#beat()
    if (this.#failure) throw this.#failure
    return this.#assignment
  }

  /** Resolves when the assignment is another, or the membership has failed. */
  changed(): Promise<void> {
    return new Promise(resolve => this.#onChange.push(resolve))
  }

  async leave(): Promise<void> {
    this.#stop.abort()
    await this.#beating
    if (!this.#isMember) return
    try {
      const connection = await this.#cluster.groupCoordinator(this.#groupId)
      const request = { groupId: this.#groupId, memberId: this.memberId, memberEpoch: LEAVE_EPOCH }
      await connection.send(heartbeatApi, request)
    } catch (error) {
      // Nobody hears it; the session will expire.
      if (!(error instanceof ConnectionError)) throw error
    }
  }

  async #beat(): Promise<void> {
    const { clock } = this.#cluster.world
    let intervalMs = 0
    while (!this.#stop.signal.aborted) {
      try {
        intervalMs = await this.#heartbeat()
      } catch (error) {
        if (!isRetriable(error)) {
          this.#failure = error as Error
          this.#tell()
          return
        }
      }
      await pause(clock, intervalMs, this.#stop.signal)
    }
  }

  /** When the next one is due. */
  async #heartbeat(): Promise<number> {
    const groupId = this.#groupId
    const isJoining = this.#epoch === JOIN_EPOCH
    const request = {
      groupId,
      memberId: this.memberId,
      memberEpoch: this.#epoch,
      ...(isJoining ? { subscribedTopicNames: [...this.#topics].sort() } : {}),
    }
    const response = await askCoordinator(
      this.#cluster,
      'group',
      groupId,
      connection => connection.send(heartbeatApi, request),
      ({ errorCode }) => errorCode,
    )
    if (response.errorCode !== 0 && MUST_REJOIN.has(new KafkaError(response.errorCode, '').code)) {
      this.#epoch = JOIN_EPOCH
      this.#assignment = []
      this.#tell()
      return 0
    }
    check(response.errorCode, `heartbeat in share group '${groupId}'`, response.errorMessage)
    this.#isMember = true
    this.#epoch = response.memberEpoch
    if (response.assignment) {
      this.#assignment = response.assignment.topicPartitions
      this.#tell()
    }
    return response.heartbeatIntervalMs
  }

  #tell(): void {
    for (const resolve of this.#onChange.splice(0)) resolve()
  }
}
