/**
 * DescribeQuorum (key 55), versions 0 to 2: who leads the metadata quorum, and how far its replicas are; 1 when they last
 * fetched and were caught up (KIP-836) · 2 their directory ids, and where voters listen (KIP-853).
 */
import { ErrorCode } from '@ottla/protocol'
import { DescribeQuorumRequest, DescribeQuorumResponse } from '@ottla/protocol/messages/describe-quorum'
import type { QuorumDescription } from '../quorum/index.ts'
import { defineHandler } from './handler.ts'

const TOPIC = '__cluster_metadata'
const ENDPOINTS_SINCE = 2

export const describeQuorum = defineHandler({
  request: DescribeQuorumRequest,
  response: DescribeQuorumResponse,
  handle({ topics }, { apiVersion }, services) {
    const [topic] = topics
    const isTheOne =
      topic?.topicName === TOPIC && topic.partitions.length === 1 && topic.partitions[0]!.partitionIndex === 0
    if (topics.length !== 1 || !isTheOne) return { topics: topics.map(unknown) }
    const quorum = services.describeQuorum()
    const { leaderId } = quorum.leader
    if (leaderId === null) {
      const partition = { partitionIndex: 0, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, errorMessage: 'no leader' }
      return { topics: [{ topicName: TOPIC, partitions: [partition] }] }
    }
    const partitions = [describe(quorum, leaderId, apiVersion)]
    if (apiVersion < ENDPOINTS_SINCE) return { topics: [{ topicName: TOPIC, partitions }] }
    return {
      topics: [{ topicName: TOPIC, partitions }],
      nodes: quorum.voters.map(({ voterId, endpoints }) => ({ nodeId: voterId, listeners: [...endpoints] })),
    }
  },
})

function unknown({ topicName, partitions }: DescribeQuorumRequest['topics'][number]) {
  const failure = {
    errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    errorMessage: 'only the metadata log has a quorum',
  }
  return { topicName, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...failure })) }
}

function describe({ leader, highWatermark, replicas }: QuorumDescription, leaderId: number, apiVersion: number) {
  const states = (isVoter: boolean) =>
    replicas
      .filter(replica => replica.isVoter === isVoter)
      .map(({ directoryId, isVoter: _, ...replica }) => {
        return apiVersion < ENDPOINTS_SINCE ? replica : { ...replica, replicaDirectoryId: directoryId }
      })
  return {
    partitionIndex: 0,
    leaderId,
    leaderEpoch: leader.epoch,
    highWatermark,
    currentVoters: states(true),
    observers: states(false),
  }
}
