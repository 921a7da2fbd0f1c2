/** A group coordinator over logs in memory and virtual time, with every partition of the offsets topic led here. */
import { type MemoryWorld, memoryWorld } from '@ottla/io'
import { ErrorCode, type Init, type Message, type Of } from '@ottla/protocol'
import { JoinGroupRequest } from '@ottla/protocol/messages/join-group'
import { OffsetCommitRequest } from '@ottla/protocol/messages/offset-commit'
import { OffsetFetchRequest } from '@ottla/protocol/messages/offset-fetch'
import { TxnOffsetCommitRequest } from '@ottla/protocol/messages/txn-offset-commit'
import { developerDefaults, loadConfig, resolveBrokerConfig, resolveGroupConfig } from '../../config/index.ts'
import { ApiError } from '../../errors.ts'
import { EMPTY_IMAGE } from '../../image/index.ts'
import { GroupCoordinator } from '../group-coordinator.ts'
import type { KnownTopic } from '../group-topics.ts'
import { MemoryCoordinatorLog } from './memory-log.ts'
import { ShareCluster } from './share-cluster.ts'

export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const TOPIC: KnownTopic = { id: TOPIC_ID, name: 't', partitions: { length: 3 } }

export interface GroupClusterOptions {
  /** By partition; one empty log if left out. */
  readonly logs?: readonly MemoryCoordinatorLog[]
  /** `name=value` */
  readonly set?: readonly string[]
  readonly world?: MemoryWorld
}

export class GroupCluster {
  readonly world: MemoryWorld
  readonly logs: readonly MemoryCoordinatorLog[]
  readonly groups: GroupCoordinator
  /** Partitions that another node leads. */
  readonly lost = new Set<number>()

  private constructor({ logs = [new MemoryCoordinatorLog()], set = [], world = memoryWorld() }: GroupClusterOptions) {
    this.world = world
    this.logs = logs
    const defaults = developerDefaults({ dataDir: '/data' })
    const config = resolveBrokerConfig(loadConfig({ defaults, set: ['group.min.session.timeout.ms=1000', ...set] }).raw)
    const groupConfig = resolveGroupConfig(config, new Map())
    this.groups = new GroupCoordinator({
      world,
      config,
      topics: {
        topic: name => (name === TOPIC.name ? TOPIC : undefined),
        topicById: id => (id === TOPIC.id ? TOPIC : undefined),
      },
      image: () => EMPTY_IMAGE,
      configOf: () => groupConfig,
      persister: new ShareCluster().shares,
      endOffset: () => Promise.resolve(0),
      partitionCount: () => logs.length,
      openLog: partition => {
        if (this.lost.has(partition)) throw new ApiError('NOT_LEADER_OR_FOLLOWER', 'another node leads')
        return logs[partition]!
      },
      verifyTransaction: async (_partition, { producerId, producerEpoch }) => ({
        producerId,
        producerEpoch,
        verificationGuard: null,
      }),
    })
  }

  /** With all partitions loaded. */
  static async start(options: GroupClusterOptions = {}): Promise<GroupCluster> {
    const cluster = new GroupCluster(options)
    const loaded = cluster.logs.map((_, partition) => cluster.groups.onElection(partition, 0))
    await cluster.until(Promise.all(loaded))
    return cluster
  }

  /** Without any. */
  static create(options: GroupClusterOptions = {}): GroupCluster {
    return new GroupCluster(options)
  }

  /** Time stands still, but everything that is due now happens. */
  until<T>(promise: Promise<T>): Promise<T> {
    return this.world.time!.runUntil(promise)
  }

  // -------------------------------------------------------------------------------------------- requests for short

  call(apiVersion: number, clientId = 'client') {
    return { apiVersion, clientId, clientAddress: '127.0.0.1' }
  }

  join(request: Init<typeof JoinGroupRequest>, apiVersion = 9) {
    const protocols = [{ name: 'range', metadata: Uint8Array.from([0, 0, 0, 0, 0, 1, 0, 1, 116, 255, 255, 255, 255]) }]
    const defaults = {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 30_000,
      protocolType: 'consumer',
      protocols,
    }
    return this.groups.joinGroup(complete(JoinGroupRequest, { ...defaults, ...request }), this.call(apiVersion))
  }

  commit(offset: number, request: Init<typeof OffsetCommitRequest> = {}, apiVersion = 9) {
    const topics = [{ name: 't', topicId: TOPIC_ID, partitions: [{ partitionIndex: 0, committedOffset: offset }] }]
    const whole = complete(OffsetCommitRequest, { groupId: 'g', topics, ...request })
    return this.groups.offsetCommit(whole, this.call(apiVersion))
  }

  /** Within a transaction of the producer. */
  commitInTransaction(offset: number, producerId: number, request: Init<typeof TxnOffsetCommitRequest> = {}) {
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: offset }] }]
    const own = { groupId: 'g', transactionalId: 'tx', producerId, producerEpoch: 0, topics }
    return this.groups.txnOffsetCommit(complete(TxnOffsetCommitRequest, { ...own, ...request }), this.call(5))
  }

  endTransaction(producerId: number, isCommit: boolean, producerEpoch = 0) {
    const end = { producerId, producerEpoch, isCommit, coordinatorEpoch: 0, transactionVersion: 0 }
    return this.groups.endTransaction(0, end)
  }

  async fetch(groupId = 'g', requireStable = false): Promise<number | string> {
    const groups = [{ groupId, topics: [{ name: 't', partitionIndexes: [0] }] }]
    const request = complete(OffsetFetchRequest, { groups, requireStable })
    const response = await this.groups.offsetFetch(request, this.call(9))
    const group = response.groups![0]!
    if (group.errorCode) return codeName(group.errorCode)
    const { errorCode, committedOffset } = group.topics![0]!.partitions![0]!
    return errorCode ? codeName(errorCode) : committedOffset!
  }

  /** Joins alone and syncs; returns the member's id. */
  async settle(groupId: string, assignment = Uint8Array.of(1)): Promise<string> {
    const { memberId } = await this.until(this.join({ groupId }, 3))
    const sync = {
      groupId,
      memberId: memberId!,
      generationId: 1,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
    }
    const assignments = [{ memberId: memberId!, assignment }]
    await this.until(this.groups.syncGroup({ ...sync, assignments }, this.call(3)))
    return memberId!
  }
}

const codes = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]))

export function codeName(code: number | undefined): string {
  return codes.get(code ?? 0) ?? String(code)
}

/** A request as it is decoded: with the defaults of what is left out. */
function complete<M extends Message>(schema: M, value: Init<M>): Of<M> {
  return withDefaults(schema.fields, value as Record<string, unknown>) as Of<M>
}

function withDefaults(fields: Message['fields'], value: Record<string, unknown>): Record<string, unknown> {
  const whole: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const given = value[name]
    const inner = field.element?.fields
    if (Array.isArray(given) && inner) whole[name] = given.map(element => withDefaults(inner, element))
    else whole[name] = given ?? (field.kind === 'array' && field.defaultValue === undefined ? [] : field.defaultValue)
  }
  return whole
}
