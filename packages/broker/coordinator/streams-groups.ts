/** The APIs of the streams protocol (KIP-1071), as handlers see them: what group-coordinator.ts is for the others. */
import { ErrorCode, type Init } from '@ottla/protocol'
import type {
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from '@ottla/protocol/messages/streams-group-describe'
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'
import { ApiError } from '../errors.ts'
import type { GroupMachine } from './group/machine.ts'
import type { RequestOf, ResponseOf } from './group/requests.ts'
import { checkHeartbeatRequest } from './group/streams/heartbeat-request.ts'
import type { StreamsHeartbeatAnswer } from './group/streams/requests.ts'
import type { GroupCallContext } from './group-call.ts'

/** The way to the machine that has a group. */
export interface StreamsGroupAccess {
  write(
    api: 'streamsGroupHeartbeat',
    groupId: string,
    request: RequestOf<'streamsGroupHeartbeat'>,
    context: GroupCallContext,
    failed: (errorCode: number) => ResponseOf<'streamsGroupHeartbeat'>,
  ): Promise<ResponseOf<'streamsGroupHeartbeat'>>
  read<T>(groupId: string, question: (machine: GroupMachine) => T): Promise<T>
  errorCode(api: string, error: unknown): number
}

export class StreamsGroups {
  readonly #access: StreamsGroupAccess

  constructor(access: StreamsGroupAccess) {
    this.#access = access
  }

  /** Topics that are to be created are the caller's to create. */
  async heartbeat(request: StreamsGroupHeartbeatRequest, context: GroupCallContext): Promise<StreamsHeartbeatAnswer> {
    try {
      checkHeartbeatRequest(request)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { errorCode: error.errorCode, errorMessage: error.message || null }
    }
    return this.#access.write('streamsGroupHeartbeat', request.groupId, request, context, errorCode => ({ errorCode }))
  }

  /** In the order that was asked for; authorized operations are the handler's to add. */
  async describe({ groupIds }: StreamsGroupDescribeRequest): Promise<Init<typeof StreamsGroupDescribeResponse>> {
    const groups = groupIds.map(async groupId => {
      if (groupId === '') return { groupId, errorCode: ErrorCode.INVALID_GROUP_ID }
      try {
        return await this.#access.read(groupId, machine => machine.describeStreamsGroup(groupId))
      } catch (error) {
        return { groupId, errorCode: this.#access.errorCode('streamsGroupDescribe', error) }
      }
    })
    return { groups: await Promise.all(groups) }
  }
}
