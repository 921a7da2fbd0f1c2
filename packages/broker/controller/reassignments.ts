/**
 * AlterPartitionReassignments and ListPartitionReassignments. A reassignment adds the new replicas to the old ones and
 * notes which come and which go; once the new ones are in sync, whatever changes the partition next completes it
 * (`partition-change.ts`), at once where nobody new has to catch up. One that is under way can be replaced or cancelled.
 */
import type { Init } from '@ottla/protocol'
import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '@ottla/protocol/messages/alter-partition-reassignments'
import type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '@ottla/protocol/messages/list-partition-reassignments'
import { ApiError } from '../errors.ts'
import { isReassigning, type MetadataRecord, type PartitionRegistration, type TopicImage } from '../image/index.ts'
import { changeOf } from './leadership.ts'
import { checkReplicas } from './new-partitions.ts'
import { checkRecordCount, outcomeOf } from './outcome.ts'
import { partitionChangeRecord } from './partition-change.ts'
import type { TopicIdPartition } from './partition-index.ts'
import { type ControllerResult, type ControllerState, checkDeadline } from './state.ts'

type Wanted = AlterPartitionReassignmentsRequest['topics'][number]['partitions'][number]

export function alterPartitionReassignments(
  state: ControllerState,
  request: AlterPartitionReassignmentsRequest,
): ControllerResult<Init<typeof AlterPartitionReassignmentsResponse>> {
  const { topics, allowReplicationFactorChange } = request
  if (topics.length === 0) return { records: [], isAtomic: true, response: { errorMessage: '' } }
  checkDeadline(request)
  const records: MetadataRecord[] = []
  const responses = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(wanted => ({
      partitionIndex: wanted.partitionIndex,
      ...outcomeOf(() => {
        const record = reassignment(state, name, wanted, allowReplicationFactorChange)
        if (record) records.push(record)
      }),
    })),
  }))
  checkRecordCount(records)
  return { records, isAtomic: true, response: { allowReplicationFactorChange, errorMessage: null, responses } }
}

/** null: nothing would change. */
function reassignment(
  state: ControllerState,
  name: string,
  { partitionIndex, replicas }: Wanted,
  mayChangeFactor: boolean,
): MetadataRecord | null {
  const topic = state.image.topicsByName.get(name)
  const partition = topic?.partitions[partitionIndex]
  if (!topic || !partition)
    throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `There is no partition ${name}-${partitionIndex}.`)
  if (replicas === null) return cancelled(state, topic, partitionIndex)
  checkReplicas(state, partitionIndex, replicas)
  if (!mayChangeFactor) checkFactor(partition, replicas)
  const removing = partition.replicas.filter(id => !replicas.includes(id)).sort((a, b) => a - b)
  const adding = replicas.filter(id => !partition.replicas.includes(id)).sort((a, b) => a - b)
  return partitionChangeRecord({
    ...changeOf(state, topic, partitionIndex),
    election: 'online',
    replicas: [...replicas, ...removing],
    // As Kafka does: what an earlier reassignment has noted stays where this one has nothing to note.
    ...(removing.length > 0 ? { removing } : {}),
    ...(adding.length > 0 ? { adding } : {}),
  })
}

function checkFactor(partition: PartitionRegistration, replicas: readonly number[]): void {
  const { length } = partition.replicas.filter(id => !partition.removingReplicas.includes(id))
  if (length === replicas.length) return
  const message = `The replication factor would change from ${length} to ${replicas.length}.`
  throw new ApiError('INVALID_REPLICATION_FACTOR', message)
}

/** Back to the replicas from before, as far as they are still in sync. */
function cancelled(state: ControllerState, topic: TopicImage, partitionId: number): MetadataRecord | null {
  const partition = topic.partitions[partitionId]!
  const name = `${topic.name}-${partitionId}`
  if (!isReassigning(partition)) throw new ApiError('NO_REASSIGNMENT_IN_PROGRESS', '')
  const stays = (id: number) => !partition.addingReplicas.includes(id)
  const replicas = partition.replicas.filter(stays)
  const isr = partition.isr.filter(stays)
  if (replicas.length === 0) throw new ApiError('INVALID_REPLICA_ASSIGNMENT', `${name} has none but new replicas.`)
  const change = changeOf(state, topic, partitionId)
  if (isr.length === 0 && change.election !== 'unclean') {
    const message = `None of the old replicas of ${name} is in sync, and an unclean election is not allowed.`
    throw new ApiError('INVALID_REPLICA_ASSIGNMENT', message)
  }
  const inSync = isr.length > 0 ? isr : [replicas[0]!]
  return partitionChangeRecord({ ...change, isr: inSync, replicas, removing: [], adding: [] })
}

/** null: all of the cluster. What is not being reassigned, or not there, is left out. */
export function listPartitionReassignments(
  { image, partitions }: ControllerState,
  { topics }: ListPartitionReassignmentsRequest,
): ControllerResult<Init<typeof ListPartitionReassignmentsResponse>> {
  const found = topics
    ? topics.map(({ name, partitionIndexes }) => ongoing(image.topicsByName.get(name), partitionIndexes))
    : Array.from(byTopic(partitions.reassigning()), ([id, ids]) => ongoing(image.topicsById.get(id), ids))
  const response = { errorMessage: null, topics: found.filter(topic => topic.partitions.length > 0) }
  return { records: [], isAtomic: true, response }
}

function byTopic(partitions: Iterable<TopicIdPartition>): Map<string, number[]> {
  const topics = new Map<string, number[]>()
  for (const { topicId, partitionId } of partitions) {
    const ids = topics.get(topicId)
    if (ids) ids.push(partitionId)
    else topics.set(topicId, [partitionId])
  }
  return topics
}

function ongoing(topic: TopicImage | undefined, partitionIds: readonly number[]) {
  const partitions = partitionIds.flatMap(partitionIndex => {
    const partition = topic?.partitions[partitionIndex]
    if (!partition || !isReassigning(partition)) return []
    const { replicas, addingReplicas, removingReplicas } = partition
    return [{ partitionIndex, replicas, addingReplicas, removingReplicas }]
  })
  return { name: topic?.name ?? '', partitions }
}
