/**
 * Share groups as handlers see them: one method an API, from a decoded request to the response. The members of a group are
 * the group coordinator's, how far it has come in a partition is the share coordinator's: what needs both is done here,
 * one step after the other, each written down before the next, so that it can be taken up again after a stop.
 */
import type { Logger } from '@ottla/io'
import { ErrorCode, type Init, ZERO_UUID } from '@ottla/protocol'
import type {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/alter-share-group-offsets'
import type {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/delete-share-group-offsets'
import type {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/describe-share-group-offsets'
import type { InitializeShareGroupStateRequest } from '@ottla/protocol/messages/initialize-share-group-state'
import type { ReadShareGroupStateSummaryResponse } from '@ottla/protocol/messages/read-share-group-state-summary'
import type { ShareGroupDescribeResponse } from '@ottla/protocol/messages/share-group-describe'
import type {
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from '@ottla/protocol/messages/share-group-heartbeat'
import { ApiError, errorCodeOf, isExpected, messageOf } from '../errors.ts'
import { coordinatorErrorCode } from './coordinator-errors.ts'
import type { GroupMachine } from './group/machine.ts'
import type { DeletedTopic, ShareGroupApis } from './group/share/requests.ts'
import type { TopicLookup } from './group-topics.ts'
import type { Persister } from './share-coordinator.ts'

export interface ShareGroupsOptions {
  readonly persister: Persister
  readonly topics: TopicLookup
  /** Up to where consumers see records. Rejects with an ApiError. */
  readonly endOffset: (topicId: string, partition: number) => Promise<number>
  readonly logger: Logger
  /** Of the group's machine; rejects as the runtime does. */
  readonly write: <Api extends keyof ShareGroupApis>(
    api: Api,
    groupId: string,
    request: ShareGroupApis[Api][0],
    caller: ShareCallContext,
  ) => Promise<ShareGroupApis[Api][1] | { readonly refused: ApiError }>
  readonly read: <T>(groupId: string, question: (machine: GroupMachine) => T) => Promise<T>
}

export interface ShareCallContext {
  readonly apiVersion: number
  readonly clientId: string | null
  readonly clientAddress: string
}

type DescribedOffsets = DescribeShareGroupOffsetsResponse['groups'][number]
type OffsetsTopic = DescribedOffsets['topics'][number]
type Summary = ReadShareGroupStateSummaryResponse['results'][number]['partitions'][number]

const LEAVE_EPOCH = -1
const UNKNOWN = -1

export class ShareGroups {
  readonly #options: ShareGroupsOptions

  constructor(options: ShareGroupsOptions) {
    this.#options = options
  }

  // ------------------------------------------------------------------------------------------------------- members

  async shareGroupHeartbeat(
    request: ShareGroupHeartbeatRequest,
    context: ShareCallContext,
  ): Promise<Init<typeof ShareGroupHeartbeatResponse>> {
    const problem = problemOf(request)
    if (problem) return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: problem }
    try {
      const { response, initialize } = await this.#ask('shareGroupHeartbeat', request.groupId, request, context)
      // The next heartbeat gives what becomes of it.
      if (initialize) void this.#initialize(initialize, context)
      return response
    } catch (error) {
      return this.#failure('shareGroupHeartbeat', error)
    }
  }

  async shareGroupDescribe(groupIds: readonly string[]): Promise<Init<typeof ShareGroupDescribeResponse>> {
    const groups = groupIds.map(async groupId => {
      if (groupId === '') return { groupId, errorCode: ErrorCode.INVALID_GROUP_ID }
      try {
        return await this.#options.read(groupId, machine => machine.describeShareGroup(groupId))
      } catch (error) {
        return { groupId, errorCode: this.#failure('shareGroupDescribe', error).errorCode }
      }
    })
    return { groups: await Promise.all(groups) }
  }

  /** Has the state made, and the machine told of it. */
  async #initialize(request: InitializeShareGroupStateRequest, context: ShareCallContext): Promise<void> {
    const { groupId } = request
    const topics = new Map(request.topics.map(({ topicId, partitions }) => [topicId, partitions.map(p => p.partition)]))
    try {
      const { results } = await this.#options.persister.initializeShareGroupState(request)
      const isDone = results.every(({ partitions }) => partitions.every(({ errorCode }) => errorCode === 0))
      const api = isDone ? 'initializedShareGroupState' : 'uninitializedShareGroupState'
      if (!isDone) this.#options.logger.warn('the state of a share group is not there yet', { group: groupId })
      await this.#ask(api, groupId, { groupId, topics }, context)
    } catch (error) {
      // It is asked for again after group.share.initialize.retry.interval.ms.
      this.#failure('initializeShareGroupState', error)
    }
  }

  // ------------------------------------------------------------------------------------------------------- offsets

  async describeShareGroupOffsets(
    request: DescribeShareGroupOffsetsRequest,
  ): Promise<Init<typeof DescribeShareGroupOffsetsResponse>> {
    const groups = request.groups.map(async ({ groupId, topics }) => {
      try {
        return { groupId, topics: topics ? await this.#offsetsOf(groupId, topics) : await this.#allOffsets(groupId) }
      } catch (error) {
        return { groupId, ...this.#failure('describeShareGroupOffsets', error) }
      }
    })
    return { groups: await Promise.all(groups) }
  }

  async #allOffsets(groupId: string): Promise<OffsetsTopic[]> {
    const initialized = await this.#options.read(groupId, machine => machine.initializedSharePartitions(groupId))
    const wanted = [...initialized].flatMap(([topicId, partitions]) => {
      const topicName = this.#options.topics.topicById(topicId)?.name
      return topicName === undefined ? [] : [{ topicName, partitions: [...partitions] }]
    })
    return this.#offsetsOf(groupId, wanted)
  }

  /** A topic that is not there has no offsets, which is no error. */
  async #offsetsOf(
    groupId: string,
    wanted: readonly { readonly topicName: string; readonly partitions: readonly number[] }[],
  ): Promise<OffsetsTopic[]> {
    const { persister, topics } = this.#options
    const known = wanted.flatMap(({ topicName, partitions }) => {
      const topicId = topics.topic(topicName)?.id
      return topicId === undefined ? [] : [{ topicId, topicName, partitions }]
    })
    const missing = wanted.filter(({ topicName }) => !topics.topic(topicName))
    checkAsked(groupId, known)
    const names = new Map(known.map(({ topicId, topicName }) => [topicId, topicName]))
    const asked = known.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(partition => ({ partition, leaderEpoch: UNKNOWN })),
    }))
    const { results } =
      asked.length > 0 ? await persister.readShareGroupStateSummary({ groupId, topics: asked }) : { results: [] }
    const described = results.map(async ({ topicId, partitions }) => ({
      topicName: names.get(topicId)!,
      topicId,
      partitions: await Promise.all(partitions.map(summary => this.#offsetOf(topicId, summary))),
    }))
    const unknown = missing.map(({ topicName, partitions }) => ({
      topicName,
      topicId: ZERO_UUID,
      partitions: partitions.map(partitionIndex => ({ ...NO_OFFSET, partitionIndex })),
    }))
    return [...(await Promise.all(described)), ...unknown]
  }

  async #offsetOf(topicId: string, summary: Summary): Promise<OffsetsTopic['partitions'][number]> {
    const { partition: partitionIndex, errorCode, startOffset, leaderEpoch, deliveryCompleteCount } = summary
    if (errorCode !== ErrorCode.NONE) return { ...NO_OFFSET, partitionIndex }
    if (startOffset === UNKNOWN || deliveryCompleteCount === UNKNOWN) {
      return { ...NO_OFFSET, partitionIndex, startOffset, leaderEpoch }
    }
    try {
      const lag = (await this.#options.endOffset(topicId, partitionIndex)) - startOffset - deliveryCompleteCount
      return { ...NO_OFFSET, partitionIndex, startOffset, leaderEpoch, lag }
    } catch (error) {
      return { ...NO_OFFSET, partitionIndex, startOffset: 0, ...this.#failure('describeShareGroupOffsets', error) }
    }
  }

  async alterShareGroupOffsets(
    request: AlterShareGroupOffsetsRequest,
    context: ShareCallContext,
  ): Promise<Init<typeof AlterShareGroupOffsetsResponse>> {
    const { groupId } = request
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID, errorMessage: 'The group id is invalid.' }
    try {
      const { responses, initialize } = await this.#ask('alterShareGroupOffsets', groupId, request, context)
      if (initialize.topics.length === 0) return { responses }
      const { results } = await this.#options.persister.initializeShareGroupState(initialize)
      const failed = new Map<string, Summary | (typeof results)[number]['partitions'][number]>()
      for (const { topicId, partitions } of results) {
        for (const one of partitions) if (one.errorCode !== 0) failed.set(`${topicId}:${one.partition}`, one)
      }
      if (failed.size === 0) await this.#confirm(initialize, context)
      return {
        responses: responses.map(topic => ({
          ...topic,
          partitions: topic.partitions.map(partition => {
            const { errorCode, errorMessage } = failed.get(`${topic.topicId}:${partition.partitionIndex}`) ?? partition
            return { ...partition, errorCode, errorMessage }
          }),
        })),
      }
    } catch (error) {
      return this.#failure('alterShareGroupOffsets', error)
    }
  }

  async #confirm({ groupId, topics }: InitializeShareGroupStateRequest, context: ShareCallContext): Promise<void> {
    const done = new Map(topics.map(({ topicId, partitions }) => [topicId, partitions.map(p => p.partition)]))
    await this.#ask('initializedShareGroupState', groupId, { groupId, topics: done }, context)
  }

  async deleteShareGroupOffsets(
    request: DeleteShareGroupOffsetsRequest,
    context: ShareCallContext,
  ): Promise<Init<typeof DeleteShareGroupOffsetsResponse>> {
    const { groupId } = request
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID, errorMessage: 'The group id is invalid.' }
    try {
      const { refused, remove } = await this.#ask('deleteShareGroupOffsets', groupId, request, context)
      if (!remove) return { responses: refused }
      const { results } = await this.#options.persister.deleteShareGroupState(remove)
      const responses: DeletedTopic[] = results.map(({ topicId, partitions }) => {
        const topicName = this.#options.topics.topicById(topicId)?.name ?? ''
        const { errorCode = 0, errorMessage = null } = partitions.find(one => one.errorCode !== 0) ?? {}
        return { topicName, topicId, errorCode, errorMessage }
      })
      const deleted = responses.filter(({ errorCode }) => errorCode === 0).map(({ topicId }) => [topicId, []] as const)
      if (deleted.length > 0) {
        await this.#ask('deletedShareGroupOffsets', groupId, { groupId, topics: new Map(deleted) }, context)
      }
      return { responses: [...refused, ...responses] }
    } catch (error) {
      return this.#failure('deleteShareGroupOffsets', error)
    }
  }

  /** Before a group is deleted; nothing if it is no share group. Gives an error code. */
  async deleteState(groupId: string, context: ShareCallContext): Promise<number> {
    try {
      const { remove } = await this.#ask('deleteShareGroupState', groupId, { groupId }, context)
      if (!remove) return ErrorCode.NONE
      const { results } = await this.#options.persister.deleteShareGroupState(remove)
      const failed = results.flatMap(({ partitions }) => partitions).find(({ errorCode }) => errorCode !== 0)
      return failed?.errorCode ?? ErrorCode.NONE
    } catch (error) {
      return this.#failure('deleteGroups', error).errorCode
    }
  }

  // -------------------------------------------------------------------------------------------------------- common

  async #ask<Api extends keyof ShareGroupApis>(
    api: Api,
    groupId: string,
    request: ShareGroupApis[Api][0],
    context: ShareCallContext,
  ): Promise<ShareGroupApis[Api][1]> {
    const answer = await this.#options.write(api, groupId, request, context)
    if ('refused' in answer && answer.refused instanceof ApiError) throw answer.refused
    return answer as ShareGroupApis[Api][1]
  }

  #failure(api: string, error: unknown): { readonly errorCode: number; readonly errorMessage: string } {
    if (!isExpected(error)) {
      this.#options.logger.error('request about a share group failed', { api, error: error as Error })
    }
    // What the machine says is meant; what the log says means nothing to a client.
    const errorCode = coordinatorErrorCode(error)
    return { errorCode, errorMessage: errorCode === errorCodeOf(error) ? messageOf(error) : 'The coordinator failed.' }
  }
}

/** What makes no sense of one topic that is there, and nothing is told of the group. */
function checkAsked(groupId: string, topics: readonly { readonly partitions: readonly number[] }[]): void {
  const isOdd = ({ partitions }: (typeof topics)[number]) => partitions.length === 0 || partitions.some(one => one < 0)
  if (topics.length > 0 && (groupId === '' || topics.some(isOdd)))
    throw new ApiError('UNKNOWN_SERVER_ERROR', 'A group, a partition or its number is missing.')
}

const NO_OFFSET = {
  partitionIndex: 0,
  startOffset: UNKNOWN,
  leaderEpoch: 0,
  lag: UNKNOWN,
  errorCode: ErrorCode.NONE,
  errorMessage: null as string | null,
}

/** What is wrong with a heartbeat, whatever the group; null: nothing. */
function problemOf(request: ShareGroupHeartbeatRequest): string | null {
  const { memberId, groupId, rackId, memberEpoch, subscribedTopicNames } = request
  if (memberId.trim() === '') return "MemberId can't be empty."
  if (groupId.trim() === '') return "GroupId can't be empty."
  if (rackId !== null && rackId.trim() === '') return "RackId can't be empty."
  if (memberEpoch === 0 && !subscribedTopicNames?.length) return 'SubscribedTopicNames must be set in first request.'
  return memberEpoch < LEAVE_EPOCH ? 'MemberEpoch is invalid.' : null
}
