/**
 * A member of a classic consumer group with an eager assignor: joins, is given partitions, heartbeats, commits, leaves.
 * A rebalance ends the current assignment; `run` is then called with the next one.
 */
import { decode, encode, Reader, Writer } from '@ottla/protocol'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '@ottla/protocol/messages/consumer-protocol'
import { HeartbeatRequest, HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import { JoinGroupRequest, JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import { LeaveGroupRequest, LeaveGroupResponse } from '@ottla/protocol/messages/leave-group'
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { SyncGroupRequest, SyncGroupResponse } from '@ottla/protocol/messages/sync-group'
import { askCoordinator } from './ask.ts'
import type { Cluster } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'
import { ASSIGNORS, type AssignorName } from './consumer/classic-assignors.ts'
import { ConnectionError, check, KafkaError } from './errors.ts'
import { isRetriable, pause, retry } from './retry.ts'

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface GroupMemberOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs?: number
  readonly rebalanceTimeoutMs?: number
  readonly assignor?: AssignorName
  /** A static member: it keeps its partitions while it is away for no longer than a session (KIP-345). */
  readonly instanceId?: string | null
  readonly signal?: AbortSignal
}

export interface Assignment {
  readonly partitions: readonly TopicPartitions[]
  /** Aborted when the assignment is over: stop reading, commit, return. */
  readonly signal: AbortSignal
}

const joinApi = { request: JoinGroupRequest, response: JoinGroupResponse }
const syncApi = { request: SyncGroupRequest, response: SyncGroupResponse }
const heartbeatApi = { request: HeartbeatRequest, response: HeartbeatResponse }
const leaveApi = { request: LeaveGroupRequest, response: LeaveGroupResponse }
const commitApi = { request: OffsetCommitRequest, response: OffsetCommitResponse }
const fetchApi = { request: OffsetFetchRequest, response: OffsetFetchResponse }

const PROTOCOL_TYPE = 'consumer'
const WITH_TOPIC_NAMES = 9
const SINGLE_GROUP = 7
const HEARTBEATS_A_SESSION = 15
const MEMBER_ID_REQUIRED = 79
const REBALANCE: ReadonlySet<string> = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'])

export class GroupMember {
  readonly #cluster: Cluster
  readonly #options: Required<Omit<GroupMemberOptions, 'signal'>> & { readonly signal?: AbortSignal }
  #memberId = ''
  #generationId = -1

  constructor(cluster: Cluster, options: GroupMemberOptions) {
    this.#cluster = cluster
    const { instanceId = null, assignor = 'range' } = options
    this.#options = { sessionTimeoutMs: 45_000, rebalanceTimeoutMs: 60_000, ...options, instanceId, assignor }
  }

  /** Calls `consume` with one assignment after another until the signal is aborted; then leaves the group. */
  async run(consume: (assignment: Assignment) => Promise<void>): Promise<void> {
    try {
      while (!this.#options.signal?.aborted) {
        const partitions = await this.#join()
        if (partitions) await this.#hold(partitions, consume)
      }
    } finally {
      await this.#leave()
    }
  }

  /** False: the assignment is over and nothing was committed; whoever is given the partitions next reads again. */
  async commit(offsets: readonly { topic: string; partition: number; offset: number }[]): Promise<boolean> {
    if (offsets.length === 0) return true
    try {
      await commitOffsets(this.#cluster, this.#options.groupId, offsets, {
        memberId: this.#memberId,
        generationId: this.#generationId,
        instanceId: this.#options.instanceId,
      })
      return true
    } catch (error) {
      if (error instanceof KafkaError && this.#mustRejoin(error.errorCode)) return false
      throw error
    }
  }

  /** Committed offsets by `topic-partition`; -1 where there is none. */
  committed(partitions: readonly TopicPartitions[]): Promise<Map<string, number>> {
    return committedOffsets(this.#cluster, this.#options.groupId, partitions)
  }

  /** null: the group rebalances again already. */
  async #join(): Promise<TopicPartitions[] | null> {
    const { groupId, topics, sessionTimeoutMs, rebalanceTimeoutMs, instanceId, assignor } = this.#options
    const metadata = encodeProtocol(ConsumerProtocolSubscription, { topics: [...topics].sort() })
    const join = await this.#ask(connection =>
      connection.send(
        joinApi,
        {
          groupId,
          sessionTimeoutMs,
          rebalanceTimeoutMs,
          memberId: this.#memberId,
          groupInstanceId: instanceId,
          protocolType: PROTOCOL_TYPE,
          protocols: [{ name: assignor, metadata }],
        },
        { timeoutMs: rebalanceTimeoutMs + 10_000 },
      ),
    )
    if (join.errorCode === MEMBER_ID_REQUIRED) {
      this.#memberId = join.memberId
      return null
    }
    if (this.#mustRejoin(join.errorCode)) return null
    check(join.errorCode, `join group '${groupId}'`)
    this.#memberId = join.memberId
    this.#generationId = join.generationId
    const assignments = join.leader === join.memberId ? await this.#assign(join) : []
    const sync = await this.#ask(connection =>
      connection.send(
        syncApi,
        {
          groupId,
          generationId: this.#generationId,
          memberId: this.#memberId,
          groupInstanceId: instanceId,
          protocolType: PROTOCOL_TYPE,
          protocolName: assignor,
          assignments,
        },
        { timeoutMs: rebalanceTimeoutMs + 10_000 },
      ),
    )
    if (this.#mustRejoin(sync.errorCode)) return null
    check(sync.errorCode, `sync group '${groupId}'`)
    if (sync.assignment.length === 0) return []
    const { assignedPartitions } = decodeProtocol(ConsumerProtocolAssignment, sync.assignment)
    return assignedPartitions
  }

  async #assign(join: JoinGroupResponse) {
    const members = join.members.map(({ memberId, groupInstanceId, metadata }) => ({
      memberId,
      instanceId: groupInstanceId,
      topics: decodeProtocol(ConsumerProtocolSubscription, metadata).topics,
    }))
    const partitionsOf = new Map<string, number[]>()
    for (const topic of new Set(members.flatMap(member => member.topics))) {
      const { partitions } = await this.#cluster.topic(topic)
      const ids = partitions.map(({ partitionIndex }) => partitionIndex)
      partitionsOf.set(
        topic,
        ids.sort((a, b) => a - b),
      )
    }
    return [...ASSIGNORS[this.#options.assignor](members, partitionsOf)].map(([memberId, assignedPartitions]) => ({
      memberId,
      assignment: encodeProtocol(ConsumerProtocolAssignment, { assignedPartitions }),
    }))
  }

  async #hold(partitions: TopicPartitions[], consume: (assignment: Assignment) => Promise<void>): Promise<void> {
    const over = new AbortController()
    const stop = () => over.abort()
    this.#options.signal?.addEventListener('abort', stop)
    const heartbeats = this.#heartbeat(over)
    if (this.#options.signal?.aborted) stop()
    const consumed = consume({ partitions, signal: over.signal }).finally(() => {
      over.abort()
      this.#options.signal?.removeEventListener('abort', stop)
    })
    for (const result of await Promise.allSettled([consumed, heartbeats]))
      if (result.status === 'rejected') throw result.reason
  }

  async #heartbeat(over: AbortController): Promise<void> {
    const { groupId, sessionTimeoutMs, instanceId: groupInstanceId } = this.#options
    while (!over.signal.aborted) {
      await pause(this.#cluster.world.clock, sessionTimeoutMs / HEARTBEATS_A_SESSION, over.signal)
      if (over.signal.aborted) return
      try {
        const response = await this.#ask(connection =>
          connection.send(heartbeatApi, {
            groupId,
            generationId: this.#generationId,
            memberId: this.#memberId,
            groupInstanceId,
          }),
        )
        if (this.#mustRejoin(response.errorCode)) over.abort()
        else check(response.errorCode, `heartbeat in group '${groupId}'`)
      } catch (error) {
        if (isRetriable(error)) continue
        over.abort()
        throw error
      }
    }
  }

  #mustRejoin(errorCode: number): boolean {
    if (errorCode === 0) return false
    const { code } = new KafkaError(errorCode, '')
    if (code === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
    return REBALANCE.has(code)
  }

  async #leave(): Promise<void> {
    const { groupId, instanceId } = this.#options
    if (this.#memberId === '' || instanceId !== null) return
    const memberId = this.#memberId
    try {
      const connection = await this.#cluster.groupCoordinator(groupId)
      await connection.send(leaveApi, { groupId, members: [{ memberId, reason: 'the consumer is closed' }] })
    } catch (error) {
      // Nobody hears it; the session will expire.
      if (!(error instanceof ConnectionError)) throw error
    }
  }

  /** Asks the coordinator, looking for it again while it is moving or loading. */
  #ask<R extends { errorCode: number }>(request: (connection: BrokerConnection) => Promise<R>): Promise<R> {
    return askGroup(this.#cluster, this.#options.groupId, request)
  }
}

function askGroup<R extends { errorCode: number }>(
  cluster: Cluster,
  groupId: string,
  request: (connection: BrokerConnection) => Promise<R>,
): Promise<R> {
  return askCoordinator(cluster, 'group', groupId, request, ({ errorCode }) => errorCode)
}

/** Who commits; nobody in particular has no id. */
export interface CommittingMember {
  readonly memberId: string
  /** Of the consumer protocol: the member's epoch. */
  readonly generationId: number
  readonly instanceId?: string | null
}

export async function commitOffsets(
  cluster: Cluster,
  groupId: string,
  offsets: readonly { topic: string; partition: number; offset: number }[],
  member: CommittingMember = { memberId: '', generationId: -1 },
): Promise<void> {
  const topics = Map.groupBy(offsets, ({ topic }) => topic)
  await retry(cluster.world.clock, async () => {
    const connection = await cluster.groupCoordinator(groupId)
    const response = await connection.send(
      commitApi,
      {
        groupId,
        memberId: member.memberId,
        generationIdOrMemberEpoch: member.generationId,
        groupInstanceId: member.instanceId ?? null,
        topics: [...topics].map(([name, partitions]) => ({
          name,
          partitions: partitions.map(({ partition, offset }) => ({
            partitionIndex: partition,
            committedOffset: offset,
            committedMetadata: '',
          })),
        })),
      },
      { maxVersion: WITH_TOPIC_NAMES },
    )
    for (const { name, partitions } of response.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        if (errorCode !== 0) cluster.forgetCoordinator(groupId)
        check(errorCode, `commit of ${name}-${partitionIndex} in group '${groupId}'`)
      }
    }
  })
}

/** Of the partitions given, or null for all that the group has committed. */
export async function committedOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartitions[] | null,
): Promise<Map<string, number>> {
  const topics =
    partitions?.map(({ topic, partitions: indexes }) => ({ name: topic, partitionIndexes: [...indexes] })) ?? null
  const response = await askGroup(cluster, groupId, connection =>
    connection.send(fetchApi, { groupId, topics }, { maxVersion: SINGLE_GROUP }),
  )
  check(response.errorCode, `offsets of group '${groupId}'`)
  const found = new Map<string, number>()
  for (const { name, partitions: results } of response.topics) {
    for (const { partitionIndex, committedOffset, errorCode } of results) {
      check(errorCode, `offset of ${name}-${partitionIndex} in group '${groupId}'`)
      found.set(`${name}-${partitionIndex}`, committedOffset)
    }
  }
  return found
}

/** The consumer protocol's bytes begin with their version. */
function encodeProtocol(
  schema: typeof ConsumerProtocolSubscription | typeof ConsumerProtocolAssignment,
  value: object,
): Uint8Array {
  const writer = new Writer()
  writer.int16(0)
  encode(schema as typeof ConsumerProtocolSubscription, 0, value, writer)
  return Buffer.concat(writer.finish())
}

function decodeProtocol<S extends typeof ConsumerProtocolSubscription | typeof ConsumerProtocolAssignment>(
  schema: S,
  bytes: Uint8Array,
) {
  const reader = new Reader(bytes)
  const version = Math.min(reader.int16(), schema.versions.max)
  return decode(schema, version, reader)
}
