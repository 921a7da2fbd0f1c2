/**
 * AlterPartition: the leader of a partition asks for another ISR. AssignReplicasToDirs: a broker says in which log dirs
 * its replicas lie (KIP-858).
 */
import { ErrorCode, type ErrorName, type Init } from '@ottla/protocol'
import type { AlterPartitionRequest, AlterPartitionResponse } from '@ottla/protocol/messages/alter-partition'
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '@ottla/protocol/messages/assign-replicas-to-dirs'
import { ApiError } from '../errors.ts'
import {
  changedPartition,
  hasOnlineDirectory,
  LeaderRecoveryState,
  type MetadataRecord,
  NO_LEADER_CHANGE,
  type PartitionRegistration,
  Since,
  type TopicImage,
} from '../image/index.ts'
import { changeOf, leaderAndIsrUpdates } from './leadership.ts'
import { partitionChangeRecord } from './partition-change.ts'
import type { TopicIdPartition } from './partition-index.ts'
import {
  type ControllerResult,
  type ControllerState,
  currentBroker,
  metadataVersion,
  type RequestScope,
} from './state.ts'

type IsrRequest = AlterPartitionRequest['topics'][number]['partitions'][number]
type IsrResult = NonNullable<NonNullable<Init<typeof AlterPartitionResponse>['topics']>[number]['partitions']>[number]

/** From this version on, each broker of the ISR comes with its epoch. */
const KNOWS_BROKER_EPOCHS = 3

export function alterPartition(
  state: ControllerState,
  request: AlterPartitionRequest,
  { apiVersion }: RequestScope,
): ControllerResult<Init<typeof AlterPartitionResponse>> {
  const { brokerId } = request
  currentBroker(state, brokerId, request.brokerEpoch)
  const records: MetadataRecord[] = []
  const topics = request.topics.map(({ topicId, partitions }) => {
    const topic = state.image.topicsById.get(topicId)
    const results = partitions.map((partition): IsrResult => {
      const { partitionIndex } = partition
      if (!topic) return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_ID }
      const isr = proposedIsr(partition, apiVersion)
      const error = isrError(state, brokerId, topic.partitions[partitionIndex], partition, isr)
      if (error !== null) return { partitionIndex, errorCode: ErrorCode[error] }
      return alterIsr(state, brokerId, topic, partition, isr, records)
    })
    return { topicId, partitions: results }
  })
  return { records, isAtomic: false, response: { topics } }
}

interface IsrMember {
  readonly brokerId: number
  /** -1: not to be checked. */
  readonly brokerEpoch: number
}

function proposedIsr({ newIsr, newIsrWithEpochs }: IsrRequest, apiVersion: number): readonly IsrMember[] {
  return apiVersion < KNOWS_BROKER_EPOCHS ? newIsr.map(brokerId => ({ brokerId, brokerEpoch: -1 })) : newIsrWithEpochs
}

/** In Kafka's order: which of two errors a leader sees decides what it does next. */
function isrError(
  state: ControllerState,
  brokerId: number,
  partition: PartitionRegistration | undefined,
  request: IsrRequest,
  isr: readonly IsrMember[],
): ErrorName | null {
  if (!partition) return 'UNKNOWN_TOPIC_OR_PARTITION'
  // The leader knows more than we do: another controller must have told it.
  if (request.leaderEpoch > partition.leaderEpoch) return 'NOT_CONTROLLER'
  if (request.partitionEpoch > partition.partitionEpoch) return 'NOT_CONTROLLER'
  if (request.leaderEpoch < partition.leaderEpoch) return 'FENCED_LEADER_EPOCH'
  if (brokerId !== partition.leader) return 'INVALID_REQUEST'
  if (request.partitionEpoch < partition.partitionEpoch) return 'INVALID_UPDATE_VERSION'
  const ids = isr.map(member => member.brokerId)
  const isSubset = new Set(ids).size === ids.length && ids.every(id => partition.replicas.includes(id))
  if (!isSubset || !ids.includes(brokerId)) return 'INVALID_REQUEST'
  const isRecovering = request.leaderRecoveryState === LeaderRecoveryState.RECOVERING
  if (isRecovering && ids.length > 1) return 'INVALID_REQUEST'
  if (isRecovering && partition.leaderRecoveryState === LeaderRecoveryState.RECOVERED) return 'INVALID_REQUEST'
  return isr.every(member => mayJoinIsr(state, member)) ? null : 'INELIGIBLE_REPLICA'
}

function mayJoinIsr({ image }: ControllerState, { brokerId, brokerEpoch }: IsrMember): boolean {
  const broker = image.brokers.get(brokerId)
  if (!broker || broker.fenced || broker.inControlledShutdown) return false
  return brokerEpoch === -1 || broker.epoch === brokerEpoch
}

function alterIsr(
  state: ControllerState,
  brokerId: number,
  topic: TopicImage,
  { partitionIndex, leaderRecoveryState }: IsrRequest,
  isr: readonly IsrMember[],
  records: MetadataRecord[],
): IsrResult {
  const record = partitionChangeRecord({
    ...changeOf(state, topic, partitionIndex),
    isr: isr.map(member => member.brokerId),
    leaderRecoveryState: leaderRecoveryState as LeaderRecoveryState,
  })
  let partition = topic.partitions[partitionIndex]!
  if (record?.type === 'PartitionChangeRecord') {
    records.push(record)
    partition = changedPartition(partition, record.value)
    const { leader } = record.value
    // The change completed a reassignment that took the leadership away: the leader has to look again.
    if (leader !== brokerId && leader !== NO_LEADER_CHANGE) {
      return { partitionIndex, errorCode: ErrorCode.NEW_LEADER_ELECTED }
    }
  }
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    isr: partition.isr,
    leaderRecoveryState: partition.leaderRecoveryState,
    partitionEpoch: partition.partitionEpoch,
  }
}

export function assignReplicasToDirs(
  state: ControllerState,
  request: AssignReplicasToDirsRequest,
): ControllerResult<Init<typeof AssignReplicasToDirsResponse>> {
  if (metadataVersion(state) < Since.DIRECTORY_ASSIGNMENT) {
    throw new ApiError(
      'UNSUPPORTED_VERSION',
      'The metadata.version is too old for replicas to be assigned to directories.',
    )
  }
  const { brokerId } = request
  const broker = currentBroker(state, brokerId, request.brokerEpoch)
  const records: MetadataRecord[] = []
  const offline: TopicIdPartition[] = []
  const directories = request.directories.map(({ id, topics }) => ({
    id,
    topics: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex }) => {
        const assigned = assignToDirectory(state, brokerId, id, topicId, partitionIndex)
        if (typeof assigned === 'string') return { partitionIndex, errorCode: ErrorCode[assigned] }
        if (assigned) records.push(assigned)
        if (!hasOnlineDirectory(broker, id)) offline.push({ topicId, partitionId: partitionIndex })
        return { partitionIndex, errorCode: ErrorCode.NONE }
      }),
    })),
  }))
  records.push(...leaderAndIsrUpdates(state, offline, { remove: brokerId }))
  return { records, isAtomic: false, response: { errorCode: ErrorCode.NONE, directories } }
}

/** null: the controller knew. */
function assignToDirectory(
  state: ControllerState,
  brokerId: number,
  directoryId: string,
  topicId: string,
  partitionId: number,
): MetadataRecord | null | ErrorName {
  const topic = state.image.topicsById.get(topicId)
  if (!topic) return 'UNKNOWN_TOPIC_ID'
  const partition = topic.partitions[partitionId]
  if (!partition) return 'UNKNOWN_TOPIC_OR_PARTITION'
  if (!partition.replicas.includes(brokerId)) return 'NOT_LEADER_OR_FOLLOWER'
  const directories = new Map([[brokerId, directoryId]])
  return partitionChangeRecord({ ...changeOf(state, topic, partitionId), election: 'online', directories })
}
