/** A new target assignment of a group, as the records that differ from the one before. */
import type { Instant } from '../../shard.ts'
import { assignTasks } from './assignor.ts'
import type { ConfiguredTopology } from './configured-topology.ts'
import type { Member } from './member.ts'
import type { StreamsGroupRecord } from './record-shapes.ts'
import { targetAssignment, targetEpoch } from './records.ts'
import type { StreamsGroup } from './streams-group.ts'
import { NO_TASKS, sameTasks, type Tasks } from './tasks.ts'

/** The only one there is, so far. */
export const STANDBY_REPLICAS_CONFIG = 'num.standby.replicas'

export interface NewTarget {
  readonly targets: ReadonlyMap<string, Tasks>
  readonly records: readonly StreamsGroupRecord[]
}

/** `members`: those of the group as they will be. Without tasks for anybody while topics are missing. */
export function newTarget(
  group: StreamsGroup,
  members: ReadonlyMap<string, Member>,
  topology: ConfiguredTopology,
  { epoch, configs }: { readonly epoch: number; readonly configs: ReadonlyMap<string, string> },
  now: Instant,
): NewTarget {
  const targets = topology.problem === null ? assigned(group, members, topology, configs) : new Map<string, Tasks>()
  const records: StreamsGroupRecord[] = []
  for (const memberId of members.keys()) {
    const tasks = targets.get(memberId) ?? NO_TASKS
    const before = group.targets.get(memberId)
    if (!before || !sameTasks(before, tasks)) records.push(targetAssignment(group.id, memberId, tasks))
  }
  records.push(targetEpoch(group.id, { assignmentEpoch: epoch, assignmentTimestamp: now.wallMs }))
  return { targets, records }
}

function assigned(
  group: StreamsGroup,
  members: ReadonlyMap<string, Member>,
  { subtopologies }: ConfiguredTopology,
  configs: ReadonlyMap<string, string>,
): ReadonlyMap<string, Tasks> {
  const assignable = [...members.values()].map(({ id, processId }) => ({
    id,
    processId,
    previous: group.targetOf(id),
  }))
  return assignTasks(assignable, subtopologies!.values(), Number(configs.get(STANDBY_REPLICAS_CONFIG) ?? 0))
}
