/**
 * One step of a member towards what it is to have. First it gives up what it is not to have any more, and stays in its
 * epoch until it says that it has; then it gets what others have given up, as far as they have.
 *
 *     STABLE ──new target──> UNREVOKED_TASKS ──revoked──> UNRELEASED_TASKS ──all released──> STABLE
 */
import { ApiError } from '../../../errors.ts'
import { isReconciledTo, type Member, MemberState } from './member.ts'
import type { TaskOwners } from './task-owners.ts'
import { type AssignedTasks, haveCommon, isEmpty, NOTHING_ASSIGNED, type TaskSet, type Tasks } from './tasks.ts'

export interface Target {
  readonly epoch: number
  readonly tasks: Tasks
}

/** The same member, if there is no step to take. `owned`: what it says that it has; null: it doesn't say. */
export function reconcile(member: Member, target: Target, owned: Tasks | null, owners: TaskOwners): Member {
  if (isReconciledTo(member, target.epoch)) return member
  switch (member.state) {
    case MemberState.STABLE:
    case MemberState.UNRELEASED_TASKS:
      return next(member, member.epoch, target, owned, owners)
    case MemberState.UNREVOKED_TASKS:
      if (!owned || haveCommon(owned, member.pendingRevocation)) return member
      return next(member, member.epoch + 1, target, owned, owners)
    default:
      // A later Kafka has left it in a state that means nothing here: it has to begin anew.
      if (!owned || !isEmpty(owned)) {
        throw new ApiError(
          'FENCED_MEMBER_EPOCH',
          'The member is in an unknown state: it has to give up all tasks and rejoin.',
        )
      }
      return next(member, target.epoch, target, owned, owners)
  }
}

/** `epoch`: that in which it is to revoke, if it has to. */
function next(member: Member, epoch: number, target: Target, owned: Tasks | null, owners: TaskOwners): Member {
  const { kept, revoked, added, isMissing } = difference(member, target, owners)
  const { UNREVOKED_TASKS, UNRELEASED_TASKS, STABLE } = MemberState
  const progress = { ...member, previousEpoch: member.epoch }
  if (!isEmpty(revoked) && (!owned || haveCommon(owned, revoked))) {
    return { ...progress, state: UNREVOKED_TASKS, epoch, assigned: kept, pendingRevocation: revoked }
  }
  return {
    ...progress,
    state: isMissing ? UNRELEASED_TASKS : STABLE,
    epoch: target.epoch,
    assigned: merged(kept, added),
    pendingRevocation: NOTHING_ASSIGNED,
  }
}

interface Difference {
  readonly kept: AssignedTasks
  readonly revoked: AssignedTasks
  /** What it can have now. */
  readonly added: AssignedTasks
  /** There is more that it is to have. */
  readonly isMissing: boolean
}

function difference({ processId, assigned }: Member, target: Target, owners: TaskOwners): Difference {
  const { tasks } = target
  let isMissing = false
  const free = (wanted: TaskSet, had: AssignedTasks[keyof AssignedTasks], isActive: boolean): TaskSet =>
    filtered(wanted, (subtopologyId, partition) => {
      if (had.get(subtopologyId)?.has(partition)) return false
      const owner = owners.activeOwner(subtopologyId, partition)
      const isTaken = isActive ? owner !== undefined : owner === processId
      const isFree = !isTaken && !owners.hasCopy(processId, subtopologyId, partition)
      isMissing ||= !isFree
      return isFree
    })
  const among = (wanted: TaskSet) => (subtopologyId: string, partition: number) =>
    wanted.get(subtopologyId)?.has(partition) ?? false
  const notAmong = (wanted: TaskSet) => (subtopologyId: string, partition: number) =>
    !among(wanted)(subtopologyId, partition)
  const addedActive = free(tasks.active, assigned.active, true)
  return {
    kept: {
      active: filteredEpochs(assigned.active, among(tasks.active)),
      standby: filtered(assigned.standby, among(tasks.standby)),
      warmup: filtered(assigned.warmup, among(tasks.warmup)),
    },
    revoked: {
      active: filteredEpochs(assigned.active, notAmong(tasks.active)),
      standby: filtered(assigned.standby, notAmong(tasks.standby)),
      warmup: filtered(assigned.warmup, notAmong(tasks.warmup)),
    },
    added: {
      active: new Map([...addedActive].map(([id, partitions]) => [id, inEpoch(partitions, target.epoch)])),
      standby: free(tasks.standby, assigned.standby, false),
      warmup: free(tasks.warmup, assigned.warmup, false),
    },
    isMissing,
  }
}

type IsWanted = (subtopologyId: string, partition: number) => boolean

function filtered(tasks: TaskSet, isWanted: IsWanted): TaskSet {
  const rest = new Map<string, ReadonlySet<number>>()
  for (const [subtopologyId, partitions] of tasks) {
    const wanted = [...partitions].filter(partition => isWanted(subtopologyId, partition))
    if (wanted.length > 0) rest.set(subtopologyId, new Set(wanted))
  }
  return rest
}

function filteredEpochs(tasks: AssignedTasks['active'], isWanted: IsWanted): AssignedTasks['active'] {
  const rest = new Map<string, ReadonlyMap<number, number>>()
  for (const [subtopologyId, epochs] of tasks) {
    const wanted = [...epochs].filter(([partition]) => isWanted(subtopologyId, partition))
    if (wanted.length > 0) rest.set(subtopologyId, new Map(wanted))
  }
  return rest
}

function inEpoch(partitions: ReadonlySet<number>, epoch: number): ReadonlyMap<number, number> {
  return new Map([...partitions].map(partition => [partition, epoch]))
}

function merged(a: AssignedTasks, b: AssignedTasks): AssignedTasks {
  return {
    active: mergedBy(a.active, b.active, (x, y) => new Map([...x, ...y])),
    standby: mergedBy(a.standby, b.standby, (x, y) => new Set([...x, ...y])),
    warmup: mergedBy(a.warmup, b.warmup, (x, y) => new Set([...x, ...y])),
  }
}

function mergedBy<V>(a: ReadonlyMap<string, V>, b: ReadonlyMap<string, V>, both: (x: V, y: V) => V) {
  const result = new Map(a)
  for (const [subtopologyId, partitions] of b) {
    const had = result.get(subtopologyId)
    result.set(subtopologyId, had === undefined ? partitions : both(had, partitions))
  }
  return result
}
