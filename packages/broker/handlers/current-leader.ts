/** KIP-951: an answer "not the leader" says who is, and where, so that the client need not ask for metadata first. */
import { ErrorCode, ZERO_UUID } from '@ottla/protocol'
import type { Services } from '../services.ts'

export function isLeaderError(errorCode: number | undefined): boolean {
  return errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH
}

export function leaderOf(topicId: string, name: string, partition: number, services: Services) {
  const topic = topicId === ZERO_UUID ? services.metadata.topic(name) : services.metadata.topicById(topicId)
  const known = topic?.partitions[partition]
  return { leaderId: known?.leader ?? -1, leaderEpoch: known?.leaderEpoch ?? -1 }
}

export function nodeEndpoints(leaderIds: ReadonlySet<number>, listenerName: string, services: Services) {
  if (leaderIds.size === 0) return []
  return services.metadata.aliveBrokers(listenerName).filter(broker => leaderIds.has(broker.nodeId))
}
