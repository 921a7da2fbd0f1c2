/**
 * The target assignment of a group: who is to have which partitions. It is made anew when the group's epoch has gone past
 * the one that it was made for, but not more often than the group's assignment interval allows.
 */
import type { Assignor } from '../assignors/assignor.ts'
import { assignRanges } from '../assignors/range.ts'
import { assignUniformly } from '../assignors/uniform.ts'
import type { Turn } from '../turn.ts'
import { NO_PARTITIONS, samePartitions } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { topicIdsOf } from './reconcile.ts'
import type { ConsumerGroupRecord } from './record-shapes.ts'
import { targetEpochRecord, targetRecord } from './records.ts'

/** By the names that members and configurations know. */
export const ASSIGNORS: Readonly<Record<string, Assignor>> = { uniform: assignUniformly, range: assignRanges }

export function updateTarget(turn: Turn, group: ConsumerGroup): void {
  const { now, store } = turn
  if (group.assignmentEpoch >= group.epoch || !isDue(turn, group)) return
  const records = computeTarget(turn, group)
  if (!records.every(record => turn.fits([record]))) {
    store.log.info('the assignment is too large for the offsets topic', { group: group.id, epoch: group.epoch })
    return
  }
  // It counts from the last record on; until then it would be made again.
  for (const record of records) turn.apply(record)
  turn.apply(targetEpochRecord(group.id, group.epoch, now.wallMs))
}

function isDue({ now, store }: Turn, group: ConsumerGroup): boolean {
  const intervalMs = store.configOf(group.id).consumerAssignmentIntervalMs
  // An interval of 0 is also the way out if the wall clock has gone far back.
  if (group.assignmentTimestampMs === 0 || intervalMs === 0) return true
  return now.wallMs >= group.assignmentTimestampMs + intervalMs
}

/** Of those members only who are to have something else than before. */
function computeTarget(turn: Turn, group: ConsumerGroup): ConsumerGroupRecord[] {
  const { image } = turn.store
  const members = [...group.members.values()].map(member => ({
    id: member.id,
    instanceId: member.instanceId,
    topics: topicIdsOf(group, member, image),
    assigned: group.targetOf(member.id),
  }))
  const assign = ASSIGNORS[group.assignor(turn.store.config.consumer.assignors)]!
  const partitionCount = (topicId: string) => image.topicsById.get(topicId)?.partitions.length ?? 0
  const assignment = assign({ members, isHomogeneous: group.isHomogeneous, partitionCount })
  const records: ConsumerGroupRecord[] = []
  for (const { id } of members) {
    const target = assignment.get(id) ?? NO_PARTITIONS
    if (!group.targets.has(id) || !samePartitions(group.targetOf(id), target)) {
      records.push(targetRecord(group.id, id, target))
    }
  }
  return records
}
