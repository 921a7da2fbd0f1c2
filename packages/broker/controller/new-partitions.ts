/** New partitions of a new topic or an old one: placed by us, or where the request says. */
import { ApiError } from '../errors.ts'
import {
  hasUncordonedDirectory,
  LeaderRecoveryState,
  type MetadataRecord,
  type PartitionRegistration,
  partitionRecord,
} from '../image/index.ts'
import { defaultDirectory } from './leadership.ts'
import { placeReplicas, type UsableBroker } from './placement.ts'
import { type ControllerState, isActive, isElrEnabled, metadataVersion } from './state.ts'

/** Throws INVALID_REPLICATION_FACTOR. */
export function placedAssignments(
  state: ControllerState,
  count: number,
  replicationFactor: number,
): PartitionRegistration[] {
  const placed = placeReplicas(usableBrokers(state), count, replicationFactor, state.options.random)
  return placed.map(replicas => {
    const isr = replicas.filter(id => isActive(state, id))
    if (isr.length === 0) {
      const message = 'All brokers that could take replicas are fenced or shutting down.'
      throw new ApiError('INVALID_REPLICATION_FACTOR', message)
    }
    return newPartition(state, replicas, isr)
  })
}

function* usableBrokers({ image, heartbeats }: ControllerState): Generator<UsableBroker, void> {
  for (const broker of image.brokers.values()) {
    if (!heartbeats.isShuttingDown(broker.id) && hasUncordonedDirectory(broker)) yield broker
  }
}

/** Throws INVALID_REPLICA_ASSIGNMENT unless there are such brokers, each named once. */
export function checkReplicas(state: ControllerState, partitionId: number, replicas: readonly number[]): void {
  const refuse = (reason: string) => badAssignment(partitionId, reason)
  const wrong = (what: string) =>
    new ApiError('INVALID_REPLICA_ASSIGNMENT', `The manual partition assignment includes ${what}.`)
  if (replicas.length === 0) throw refuse('has no replicas')
  for (const id of replicas.toSorted((a, b) => a - b)) {
    const broker = state.image.brokers.get(id)
    if (!broker) throw wrong(`broker ${id}, but no such broker is registered`)
    if (!hasUncordonedDirectory(broker)) throw refuse(`names broker ${id}, whose log directories are all cordoned`)
    if (replicas.indexOf(id) !== replicas.lastIndexOf(id)) throw wrong(`the broker ${id} more than once`)
  }
}

function badAssignment(partitionId: number, reason: string): ApiError {
  return new ApiError('INVALID_REPLICA_ASSIGNMENT', `The assignment of partition ${partitionId} ${reason}.`)
}

/** Throws INVALID_REPLICA_ASSIGNMENT. `replicationFactor`: of the other partitions; -1: none yet. */
export function manualAssignment(
  state: ControllerState,
  partitionId: number,
  replicas: readonly number[],
  replicationFactor: number,
): PartitionRegistration {
  const refuse = (reason: string) => badAssignment(partitionId, reason)
  checkReplicas(state, partitionId, replicas)
  if (replicationFactor !== -1 && replicas.length !== replicationFactor) {
    const others = `this is not consistent with previous partitions, which have ${replicationFactor} replica(s)`
    const message = `The manual partition assignment includes a partition with ${replicas.length} replica(s), but ${others}.`
    throw new ApiError('INVALID_REPLICA_ASSIGNMENT', message)
  }
  const isr = replicas.filter(id => isActive(state, id))
  if (isr.length === 0) throw refuse('names only brokers that are fenced or shutting down')
  return newPartition(state, replicas, isr)
}

function newPartition(
  state: ControllerState,
  replicas: readonly number[],
  isr: readonly number[],
): PartitionRegistration {
  return {
    replicas,
    directories: replicas.map(id => defaultDirectory(state, id)),
    isr,
    removingReplicas: [],
    addingReplicas: [],
    elr: [],
    lastKnownElr: [],
    leader: isr[0]!,
    leaderRecoveryState: LeaderRecoveryState.RECOVERED,
    leaderEpoch: 0,
    partitionEpoch: 0,
  }
}

export function newPartitionRecords(
  state: ControllerState,
  topicId: string,
  firstPartitionId: number,
  partitions: readonly PartitionRegistration[],
): MetadataRecord[] {
  const options = { metadataVersion: metadataVersion(state), elrEnabled: isElrEnabled(state) }
  return partitions.map((partition, i) => partitionRecord(topicId, firstPartitionId + i, partition, options))
}
