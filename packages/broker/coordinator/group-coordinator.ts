/**
 * The group coordinator as handlers see it: one method an API, from a decoded request to the response for its version.
 * Finds the partition of `__consumer_offsets` that a group belongs to, asks its machine (group/) through the runtime, and
 * puts failures where each API has a place for them. What a client may do is checked before, by the handlers.
 */
import type { Logger, World } from '@ottla/io'
import { CODECS, ErrorCode, type Init, ZERO_UUID } from '@ottla/protocol'
import type {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '@ottla/protocol/messages/consumer-group-describe'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '@ottla/protocol/messages/consumer-group-heartbeat'
import type { DeleteGroupsRequest, DeleteGroupsResponse } from '@ottla/protocol/messages/delete-groups'
import type { DescribeGroupsRequest, DescribeGroupsResponse } from '@ottla/protocol/messages/describe-groups'
import type { HeartbeatRequest, HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import type { JoinGroupRequest, JoinGroupResponse } from '@ottla/protocol/messages/join-group'
import type { LeaveGroupRequest, LeaveGroupResponse } from '@ottla/protocol/messages/leave-group'
import type { ListGroupsRequest, ListGroupsResponse } from '@ottla/protocol/messages/list-groups'
import type { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '@ottla/protocol/messages/offset-delete'
import type { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import type { SyncGroupRequest, SyncGroupResponse } from '@ottla/protocol/messages/sync-group'
import type { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '@ottla/protocol/messages/txn-offset-commit'
import type { BrokerConfig, GroupConfig as OwnConfig } from '../config/index.ts'
import { publishRebalance } from '../diagnostics.ts'
import { ApiError, isExpected } from '../errors.ts'
import { featureLevel, type MetadataImage } from '../image/index.ts'
import { checkConsumerGroupHeartbeat } from './consumer-group-checks.ts'
import { coordinatorErrorCode } from './coordinator-errors.ts'
import type { CoordinatorLog, EndOfTransaction, TransactionalProducer } from './coordinator-log.ts'
import type { ListedGroup } from './group/administration.ts'
import type { GroupConfig } from './group/config.ts'
import type { DeletedTopic } from './group/expiry.ts'
import { GroupMachine } from './group/machine.ts'
import { GroupCensus, GroupCounters } from './group/observer.ts'
import { type FetchOffsetsRequest, type FetchOffsetsResponse, failedCommit } from './group/offset-requests.ts'
import type { GroupRecord } from './group/records.ts'
import type { GroupApi, GroupRequest, GroupResponse, RequestOf, ResponseOf } from './group/requests.ts'
import { groupSerde } from './group/serde.ts'
import { callerOf, type GroupCallContext } from './group-call.ts'
import {
  eachOnce,
  failedFetch,
  fetchedById,
  mergeTopics,
  splitCommit,
  splitDelete,
  splitFetch,
  type TopicLookup,
} from './group-topics.ts'
import { partitionFor } from './partition-for.ts'
import { CoordinatorRuntime, type LoadTimes, type PartitionState } from './runtime.ts'
import type { Persister } from './share-coordinator.ts'
import { ShareGroups } from './share-groups.ts'
import { StreamsGroups } from './streams-groups.ts'

export const OFFSETS_TOPIC = '__consumer_offsets'

/** A version of OffsetCommit that has names of topics, as TxnOffsetCommit has. */
const BY_NAME = 9

export interface GroupCoordinatorOptions {
  readonly world: World
  readonly config: BrokerConfig
  readonly topics: TopicLookup
  readonly image: () => MetadataImage
  /** What a group goes by: what was set for it, or else the broker's. */
  readonly configOf: (groupId: string) => OwnConfig
  /** Keeps how far share groups have come. */
  readonly persister: Persister
  /** Up to where consumers see records of a partition. Rejects with an ApiError. */
  readonly endOffset: (topicId: string, partition: number) => Promise<number>
  /** Of the offsets topic; what it would be created with, while it is not there. */
  readonly partitionCount: () => number
  /** Throws an ApiError NOT_LEADER_OR_FOLLOWER if this node does not lead the partition. */
  readonly openLog: (partition: number) => CoordinatorLog
  /** Whether the partition of the offsets topic is in the producer's transaction; rejects with an ApiError if not. */
  readonly verifyTransaction: (
    partition: number,
    request: TxnOffsetCommitRequest,
    apiVersion: number,
  ) => Promise<TransactionalProducer>
}

export class GroupCoordinator {
  readonly shares: ShareGroups
  readonly #runtime: CoordinatorRuntime<GroupRequest, GroupResponse, GroupRecord, GroupMachine>
  readonly #config: GroupConfig
  readonly #topics: TopicLookup
  readonly #partitionCount: () => number
  readonly #world: World
  readonly counters = new GroupCounters()
  readonly #verifyTransaction: GroupCoordinatorOptions['verifyTransaction']
  readonly streams = new StreamsGroups({
    write: (api, groupId, request, context, failed) => this.#write(api, groupId, request, context, failed),
    read: (groupId, question) => this.#runtime.read(this.partitionFor(groupId), question),
    errorCode: (api, error) => this.#errorCode(api, error),
  })
  readonly #image: () => MetadataImage
  /** group.coordinator.rebalance.protocols */
  readonly #protocols: ReadonlySet<string>

  constructor(options: GroupCoordinatorOptions) {
    const { world, config, topics, image, configOf, partitionCount, openLog } = options
    this.#world = world
    this.#verifyTransaction = options.verifyTransaction
    this.#config = groupConfig(config)
    this.#topics = topics
    this.#image = image
    this.#protocols = new Set(config.groupCoordinatorRebalanceProtocols)
    this.#partitionCount = partitionCount
    const codec = CODECS[config.offsetsTopicCompressionCodec]!
    const log = world.logger.child({ component: 'group-coordinator' })
    this.#runtime = new CoordinatorRuntime({
      topic: OFFSETS_TOPIC,
      clock: world.clock,
      logger: log,
      openLog,
      createShard: (_partition, shardLog) =>
        new GroupMachine({
          config: this.#config,
          configOf,
          image,
          newUuid: () => randomUuid(world),
          // How small compression makes a batch is not known before it is done.
          maxBatchBytes: () => (codec === 'none' ? shardLog.maxBatchBytes : Number.POSITIVE_INFINITY),
          log,
          observer: { counters: this.counters, onRebalance: publishRebalance },
        }),
      serde: groupSerde,
      codec,
      loadBufferBytes: config.offsetsLoadBufferSize,
      writeTimeoutMs: config.offsetsCommitTimeoutMs,
    })
    this.shares = this.#makeShares(options, log)
  }

  #makeShares({ persister, topics, endOffset }: GroupCoordinatorOptions, logger: Logger): ShareGroups {
    return new ShareGroups({
      persister,
      topics,
      endOffset,
      logger,
      write: (api, groupId, request, context) => {
        const call = { api, request, caller: callerOf(context) } as GroupRequest
        return this.#runtime.write(this.partitionFor(groupId), call) as Promise<ResponseOf<typeof api>>
      },
      read: (groupId, question) => this.#runtime.read(this.partitionFor(groupId), question),
    })
  }

  // ------------------------------------------------------------------------------------------------- the cluster

  /** Of the offsets topic. */
  partitionFor(groupId: string): number {
    return partitionFor(groupId, this.#partitionCount())
  }

  /** This node leads the partition of the offsets topic. Resolves when its groups are loaded, or can't be. */
  onElection(partition: number, leaderEpoch: number): Promise<void> {
    return this.#runtime.loadPartition(partition, leaderEpoch)
  }

  /** Resolves once the groups of the partition are loaded, or can't be; it need not be known yet that this node leads it. */
  whenLoaded(partition: number): Promise<void> {
    return this.#runtime.whenLoaded(partition)
  }

  /** Another node leads it; null: this node has no replica of it any more. */
  onResignation(partition: number, leaderEpoch: number | null): void {
    this.#runtime.unloadPartition(partition, leaderEpoch)
  }

  onTopicsDeleted(topics: readonly DeletedTopic[]): void {
    this.#runtime.runOnAll((machine, now) => machine.onTopicsDeleted(topics, now))
  }

  /** Names of topics that have come, gone, or grown. */
  onTopicsChanged(topics: ReadonlySet<string>): void {
    this.#runtime.runOnAll((machine, now) => machine.onTopicsChanged(topics, now))
  }

  // ------------------------------------------------------------------------------------------------------- counting

  /** Groups and offsets, over all partitions that are loaded. */
  census(): GroupCensus {
    const census = new GroupCensus()
    for (const shard of this.#runtime.survey(machine => machine.census())) census.merge(shard)
    return census
  }

  get partitionStates(): Readonly<Record<PartitionState, number>> {
    return this.#runtime.partitionStates
  }

  get loadTimes(): LoadTimes {
    return this.#runtime.loads
  }

  /** Tells all who wait that this is not their coordinator any more. */
  close(): void {
    this.#runtime.close()
  }

  // --------------------------------------------------------------------------------------------- classic protocol

  async joinGroup(request: JoinGroupRequest, context: GroupCallContext): Promise<Init<typeof JoinGroupResponse>> {
    const { groupId, memberId, sessionTimeoutMs } = request
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#config
    let response: ResponseOf<'joinGroup'>
    if (groupId === '') response = { memberId, errorCode: ErrorCode.INVALID_GROUP_ID }
    else if (sessionTimeoutMs < minSessionTimeoutMs || sessionTimeoutMs > maxSessionTimeoutMs) {
      response = { memberId, errorCode: ErrorCode.INVALID_SESSION_TIMEOUT }
    } else response = await this.#write('joinGroup', groupId, request, context, errorCode => ({ errorCode }))
    // Until version 6 there is no null for a protocol, from 7 on there is nothing else for none.
    const protocolName = response.protocolName || null
    return { ...response, protocolName: context.apiVersion >= 7 ? protocolName : (protocolName ?? '') }
  }

  async syncGroup(request: SyncGroupRequest, context: GroupCallContext): Promise<Init<typeof SyncGroupResponse>> {
    const { groupId, protocolType, protocolName } = request
    if (context.apiVersion >= 5 && (protocolType === null || protocolName === null)) {
      return { errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL }
    }
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID }
    return this.#write('syncGroup', groupId, request, context, errorCode => ({ errorCode }))
  }

  async heartbeat(request: HeartbeatRequest, context: GroupCallContext): Promise<Init<typeof HeartbeatResponse>> {
    const { groupId } = request
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID }
    return this.#write('heartbeat', groupId, request, context, errorCode => ({
      // Sessions begin anew when the group is loaded: the member loses nothing.
      errorCode: errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : errorCode,
    }))
  }

  async leaveGroup(request: LeaveGroupRequest, context: GroupCallContext): Promise<Init<typeof LeaveGroupResponse>> {
    const { groupId, memberId } = request
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID }
    const isBatched = context.apiVersion >= 3
    const members = isBatched ? request.members : [{ memberId, groupInstanceId: null, reason: null }]
    const batched = { ...request, members }
    const response = await this.#write('leaveGroup', groupId, batched, context, errorCode => ({ errorCode }))
    if (isBatched) return response
    return { errorCode: response.errorCode || response.members?.[0]?.errorCode || ErrorCode.NONE }
  }

  // -------------------------------------------------------------------------------------------- consumer protocol

  /** Throws an ApiError UNSUPPORTED_VERSION where the protocol is off. */
  async consumerGroupHeartbeat(
    request: ConsumerGroupHeartbeatRequest,
    context: GroupCallContext,
  ): Promise<Init<typeof ConsumerGroupHeartbeatResponse>> {
    this.#checkConsumerProtocol()
    checkConsumerGroupHeartbeat(request, context.apiVersion, this.#config.consumer.assignors)
    return this.#write('consumerGroupHeartbeat', request.groupId, request, context, errorCode => ({ errorCode }))
  }

  /** In the order that was asked for; authorized operations are the handler's to add. Throws as `consumerGroupHeartbeat`. */
  async consumerGroupDescribe({
    groupIds,
  }: ConsumerGroupDescribeRequest): Promise<Init<typeof ConsumerGroupDescribeResponse>> {
    this.#checkConsumerProtocol()
    const groups = groupIds.map(async groupId => {
      if (groupId === '') return { groupId, errorCode: ErrorCode.INVALID_GROUP_ID }
      try {
        const partition = this.partitionFor(groupId)
        return await this.#runtime.read(partition, machine => machine.describeConsumerGroup(groupId))
      } catch (error) {
        return { groupId, errorCode: this.#errorCode('consumerGroupDescribe', error) }
      }
    })
    return { groups: await Promise.all(groups) }
  }

  #checkConsumerProtocol(): void {
    if (this.#protocols.has('consumer') && featureLevel(this.#image(), 'group.version') >= 1) return
    throw new ApiError('UNSUPPORTED_VERSION', '')
  }

  // ------------------------------------------------------------------------------------------------------ offsets

  async offsetCommit(
    request: OffsetCommitRequest,
    context: GroupCallContext,
  ): Promise<Init<typeof OffsetCommitResponse>> {
    const { known, refused } = splitCommit(request.topics, context.apiVersion, this.#topics)
    if (known.length === 0) return { topics: eachOnce(refused) }
    const wanted = { ...request, topics: known }
    const { topics } = await this.#write('offsetCommit', request.groupId, wanted, context, errorCode =>
      failedCommit(wanted, errorCode),
    )
    return { topics: mergeTopics(refused, topics as typeof refused) }
  }

  /** The offsets count once the producer's transaction has been committed. */
  async txnOffsetCommit(
    request: TxnOffsetCommitRequest,
    context: GroupCallContext,
  ): Promise<Init<typeof TxnOffsetCommitResponse>> {
    const byName = request.topics.map(topic => ({ ...topic, topicId: ZERO_UUID }))
    const { known, refused } = splitCommit(byName, BY_NAME, this.#topics)
    if (known.length === 0) return { topics: eachOnce(refused) }
    const wanted = { ...request, topics: known }
    let topics: typeof refused
    try {
      topics = await this.#commitInTransaction(wanted, context)
    } catch (error) {
      const errorCode = this.#errorCode('txnOffsetCommit', error)
      // Producers before Kafka 2.0 do not know that a coordinator may be loading.
      const isUnknown = context.apiVersion < 2 && errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
      topics = failedCommit(wanted, isUnknown ? ErrorCode.COORDINATOR_NOT_AVAILABLE : errorCode).topics
    }
    return { topics: mergeTopics(refused, topics) }
  }

  async #commitInTransaction(
    request: RequestOf<'txnOffsetCommit'>,
    { apiVersion, clientId, clientAddress }: GroupCallContext,
  ): Promise<ReturnType<typeof failedCommit>['topics']> {
    const { groupId } = request
    if (groupId === '') return failedCommit(request, ErrorCode.INVALID_GROUP_ID).topics
    const partition = this.partitionFor(groupId)
    const producer = await this.#verifyTransaction(partition, request, apiVersion)
    const caller = { apiVersion, clientId: clientId ?? '', clientHost: `/${clientAddress}` }
    const call: GroupRequest = { api: 'txnOffsetCommit', request, caller }
    const response = await this.#runtime.writeInTransaction(partition, call, producer)
    return (response as ResponseOf<'txnOffsetCommit'>).topics
  }

  /** Of a partition of the offsets topic: what the producer has committed counts from here on, or never did. */
  endTransaction(partition: number, end: EndOfTransaction): Promise<void> {
    return this.#runtime.endTransaction(partition, end)
  }

  async offsetDelete(
    request: OffsetDeleteRequest,
    context: GroupCallContext,
  ): Promise<Init<typeof OffsetDeleteResponse>> {
    const { groupId } = request
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID }
    const { known, refused } = splitDelete(request.topics, this.#topics)
    const wanted = { groupId, topics: known }
    const response = await this.#write('offsetDelete', groupId, wanted, context, errorCode => ({ errorCode }))
    if (response.errorCode !== ErrorCode.NONE) return response
    return { ...response, topics: mergeTopics(refused, response.topics as typeof refused) }
  }

  async offsetFetch(request: OffsetFetchRequest, context: GroupCallContext): Promise<Init<typeof OffsetFetchResponse>> {
    const { apiVersion } = context
    if (apiVersion >= 8) {
      const groups = request.groups.map(group => this.#fetchOffsets(group, request.requireStable, apiVersion))
      return { groups: await Promise.all(groups) }
    }
    const topics = request.topics?.map(topic => ({ ...topic, topicId: ZERO_UUID })) ?? null
    const group = { groupId: request.groupId, memberId: null, memberEpoch: -1, topics }
    const response = await this.#fetchOffsets(group, request.requireStable, apiVersion)
    return { errorCode: response.errorCode, topics: response.topics }
  }

  async #fetchOffsets(
    group: FetchOffsetsRequest,
    requireStable: boolean,
    apiVersion: number,
  ): Promise<FetchOffsetsResponse> {
    const { groupId, topics } = group
    const { known, refused } = splitFetch(topics ?? [], apiVersion, this.#topics)
    const wanted = { ...group, topics: topics && known }
    try {
      const partition = this.partitionFor(groupId)
      const response = await this.#runtime.read(partition, machine => machine.fetchOffsets(wanted, requireStable))
      if (response.errorCode !== ErrorCode.NONE) return response
      const fetched = topics ? response.topics : fetchedById(response.topics, apiVersion, this.#topics)
      return { ...response, topics: [...fetched, ...refused] }
    } catch (error) {
      return failedGroup(group, fetchErrorCode(this.#errorCode('offsetFetch', error)), apiVersion)
    }
  }

  // ----------------------------------------------------------------------------------------------- administration

  /** In the order that was asked for; authorized operations are the handler's to add. */
  async describeGroups(
    request: DescribeGroupsRequest,
    context: GroupCallContext,
  ): Promise<Init<typeof DescribeGroupsResponse>> {
    const groups = request.groups.map(async groupId => {
      try {
        const partition = this.partitionFor(groupId)
        return await this.#runtime.read(partition, machine => machine.describeGroup(groupId, context.apiVersion))
      } catch (error) {
        return { groupId, errorCode: this.#errorCode('describeGroups', error) }
      }
    })
    return { groups: await Promise.all(groups) }
  }

  /** The groups that this node coordinates. */
  async listGroups({ statesFilter, typesFilter }: ListGroupsRequest): Promise<Init<typeof ListGroupsResponse>> {
    const reads = this.#runtime.partitions.map(async (partition): Promise<ListedGroup[]> => {
      try {
        return await this.#runtime.read(partition, machine => machine.listGroups(statesFilter, typesFilter))
      } catch (error) {
        // Another node will tell of those.
        if (coordinatorErrorCode(error) === ErrorCode.NOT_COORDINATOR) return []
        throw error
      }
    })
    try {
      return { errorCode: ErrorCode.NONE, groups: (await Promise.all(reads)).flat() }
    } catch (error) {
      return { errorCode: this.#errorCode('listGroups', error) }
    }
  }

  async deleteGroups(
    request: DeleteGroupsRequest,
    context: GroupCallContext,
  ): Promise<Init<typeof DeleteGroupsResponse>> {
    const results = [...new Set(request.groupsNames)].map(async groupId => {
      const stateErrorCode = await this.shares.deleteState(groupId, context)
      if (stateErrorCode !== ErrorCode.NONE) return [{ groupId, errorCode: stateErrorCode }]
      const failed = (errorCode: number) => ({ results: [{ groupId, errorCode }] })
      const response = await this.#write('deleteGroups', groupId, { groupsNames: [groupId] }, context, failed)
      return response.results ?? []
    })
    return { results: (await Promise.all(results)).flat() }
  }

  // ------------------------------------------------------------------------------------------------------- common

  /** Failures become responses by `failed`. */
  async #write<Api extends GroupApi>(
    api: Api,
    groupId: string,
    request: RequestOf<Api>,
    context: GroupCallContext,
    failed: (errorCode: number) => ResponseOf<Api>,
  ): Promise<ResponseOf<Api>> {
    try {
      const call = { api, request, caller: callerOf(context) } as GroupRequest
      return (await this.#runtime.write(this.partitionFor(groupId), call)) as ResponseOf<Api>
    } catch (error) {
      return failed(this.#errorCode(api, error))
    }
  }

  #errorCode(api: string, error: unknown): number {
    if (!isExpected(error))
      this.#world.logger.error('request to the group coordinator failed', { api, error: error as Error })
    return coordinatorErrorCode(error)
  }
}

function groupConfig(config: BrokerConfig): GroupConfig {
  const policy = config.groupConsumerMigrationPolicy.toLowerCase()
  return {
    minSessionTimeoutMs: config.groupMinSessionTimeoutMs,
    maxSessionTimeoutMs: config.groupMaxSessionTimeoutMs,
    maxSize: config.groupMaxSize,
    streamsMaxSize: config.groupStreamsMaxSize,
    initialRebalanceDelayMs: config.groupInitialRebalanceDelayMs,
    offsetMetadataMaxBytes: config.offsetMetadataMaxBytes,
    offsetsRetentionMs: config.offsetsRetentionMs,
    offsetsRetentionCheckIntervalMs: config.offsetsRetentionCheckIntervalMs,
    consumer: {
      assignors: config.groupConsumerAssignors,
      maxSize: config.groupConsumerMaxSize,
      allowsUpgrade: policy === 'upgrade' || policy === 'bidirectional',
      allowsDowngrade: policy === 'downgrade' || policy === 'bidirectional',
      regexRefreshIntervalMs: config.groupConsumerRegexRefreshIntervalMs,
    },
    shareMaxSize: config.groupShareMaxSize,
    shareInitializeRetryMs: config.groupShareInitializeRetryIntervalMs,
  }
}

/** Consumers before Kafka 3.9 take COORDINATOR_NOT_AVAILABLE here for fatal; this makes them look for the coordinator. */
function fetchErrorCode(errorCode: number): number {
  return errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE ? ErrorCode.NOT_COORDINATOR : errorCode
}

/** Version 1 has a place for errors in partitions only. */
function failedGroup(group: FetchOffsetsRequest, errorCode: number, apiVersion: number): FetchOffsetsResponse {
  const { groupId, topics } = group
  if (apiVersion >= 2) return { groupId, topics: [], errorCode }
  return { groupId, topics: (topics ?? []).map(topic => failedFetch(topic, errorCode)), errorCode: ErrorCode.NONE }
}

/** As Java prints one: member ids end with it. */
function randomUuid(world: World): string {
  const bytes = world.random.bytes(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
