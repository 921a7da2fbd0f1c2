/**
 * ShareAcknowledge (key 79), versions 1 to 2: what a member of a share group says of the records that it has (KIP-932).
 *
 * 2 renewal of locks (KIP-1222)
 */
import { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '@ottla/protocol/messages/share-acknowledge'
import { ApiError } from '../errors.ts'
import { FINAL_EPOCH } from '../share/share-sessions.ts'
import { isLeaderError, leaderOf, nodeEndpoints } from './current-leader.ts'
import { defineHandler } from './handler.ts'
import { acknowledgeAll } from './share-acknowledgements.ts'
import { checkMemberId } from './share-member-id.ts'
import { checkShareVersion } from './share-version.ts'

export const shareAcknowledge = defineHandler({
  request: ShareAcknowledgeRequest,
  response: ShareAcknowledgeResponse,
  async handle(request, { apiVersion, listenerName }, services) {
    const { groupId, memberId, shareSessionEpoch, isRenewAck, topics } = request
    const { partitions } = services.shares
    checkShareVersion(services)
    if (groupId === null) throw new ApiError('INVALID_REQUEST', 'Invalid group id in the request.')
    checkMemberId(memberId)
    partitions.touch(groupId, memberId, shareSessionEpoch)
    const results = await acknowledgeAll(topics, { groupId, memberId, apiVersion, isRenewAck }, services)
    if (shareSessionEpoch === FINAL_EPOCH) partitions.releaseSession(groupId, memberId)
    const leaders = new Set<number>()
    const responses = new Map<string, Partial<ShareAcknowledgeResponse['responses'][number]['partitions'][number]>[]>()
    for (const { topicId, partition, errorCode, errorMessage } of results) {
      const response = { partitionIndex: partition, errorCode, errorMessage }
      const topic = responses.get(topicId) ?? []
      responses.set(topicId, topic)
      if (!isLeaderError(errorCode)) {
        topic.push(response)
        continue
      }
      const currentLeader = leaderOf(topicId, '', partition, services)
      leaders.add(currentLeader.leaderId)
      topic.push({ ...response, currentLeader })
    }
    return {
      acquisitionLockTimeoutMs: services.groupConfigs.get(groupId).shareRecordLockDurationMs,
      responses: [...responses].map(([topicId, all]) => ({ topicId, partitions: all })),
      nodeEndpoints: nodeEndpoints(leaders, listenerName, services),
    }
  },
  failed: (_, { errorCode }) => ({ errorCode }),
})
