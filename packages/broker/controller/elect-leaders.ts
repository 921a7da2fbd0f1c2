/**
 * ElectLeaders: makes the preferred replica the leader where it is in sync (0), or anyone at all where there is no
 * leader (1). Asked for all partitions (null), those that have what is wanted are left out of the answer.
 */
import type { Init } from '@ottla/protocol'
import type { ElectLeadersRequest, ElectLeadersResponse } from '@ottla/protocol/messages/elect-leaders'
import { ApiError } from '../errors.ts'
import { hasPreferredLeader, type MetadataRecord, NO_LEADER, type TopicImage } from '../image/index.ts'
import { changeOf } from './leadership.ts'
import { checkRecordCount, outcomeOf } from './outcome.ts'
import { partitionChangeRecord } from './partition-change.ts'
import { type ControllerResult, type ControllerState, checkDeadline } from './state.ts'

type Response = Init<typeof ElectLeadersResponse>
type TopicResult = NonNullable<Response['replicaElectionResults']>[number]

const PREFERRED = 0
const UNCLEAN = 1

export function electLeaders(state: ControllerState, request: ElectLeadersRequest): ControllerResult<Response> {
  const { electionType, topicPartitions } = request
  if (topicPartitions?.length === 0) return { records: [], isAtomic: false, response: {} }
  checkDeadline(request)
  if (electionType !== PREFERRED && electionType !== UNCLEAN)
    throw new ApiError('INVALID_REQUEST', `There is no election type ${electionType}.`)
  const records: MetadataRecord[] = []
  const elect = (name: string, partitionId: number) => ({
    partitionId,
    ...outcomeOf(() => records.push(electedLeader(state, name, partitionId, electionType === UNCLEAN))),
  })
  const replicaElectionResults: TopicResult[] = topicPartitions
    ? topicPartitions.map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map(partitionId => elect(topic, partitionId)),
      }))
    : Array.from(state.image.topicsByName.values(), topic => ({
        topic: topic.name,
        partitionResult: topic.partitions.flatMap((_, id) =>
          needsElection(topic, id, electionType === UNCLEAN) ? [elect(topic.name, id)] : [],
        ),
      }))
  checkRecordCount(records)
  return { records, isAtomic: false, response: { replicaElectionResults } }
}

function needsElection({ partitions }: TopicImage, partitionId: number, unclean: boolean): boolean {
  const partition = partitions[partitionId]!
  return unclean ? partition.leader === NO_LEADER : !hasPreferredLeader(partition)
}

/** Throws why there is none. */
function electedLeader(state: ControllerState, name: string, partitionId: number, unclean: boolean): MetadataRecord {
  const topic = state.image.topicsByName.get(name)
  if (!topic?.partitions[partitionId])
    throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `There is no partition ${name}-${partitionId}.`)
  if (!needsElection(topic, partitionId, unclean))
    throw new ApiError('ELECTION_NOT_NEEDED', `${name}-${partitionId} has the leader that is asked for.`)
  const election = unclean ? ('unclean' as const) : ('preferred' as const)
  const record = partitionChangeRecord({ ...changeOf(state, topic, partitionId), election })
  if (record) return record
  if (unclean) throw new ApiError('ELIGIBLE_LEADERS_NOT_AVAILABLE', `No replica of ${name}-${partitionId} is alive.`)
  throw new ApiError('PREFERRED_LEADER_NOT_AVAILABLE', `The first replica of ${name}-${partitionId} is not in sync.`)
}
