/**
 * Tasks of a topology: a subtopology and a partition number. An active task processes, a standby task keeps a copy of its
 * state, a warm-up task makes one where it is to move to. Kept by subtopology, in values that are never changed.
 */

/** Partition numbers by subtopology; no subtopology without any. */
export type TaskSet = ReadonlyMap<string, ReadonlySet<number>>
/** The same with the epoch in which each was assigned: a commit from before it is somebody else's. */
export type EpochTasks = ReadonlyMap<string, ReadonlyMap<number, number>>
/** Whichever of the two, where epochs don't matter. */
export type AnyTasks = ReadonlyMap<string, Partitions>

interface Partitions {
  readonly size: number
  has(partition: number): boolean
  keys(): Iterable<number>
}

/** What a member is to have, or says that it has. */
export interface Tasks {
  readonly active: TaskSet
  readonly standby: TaskSet
  readonly warmup: TaskSet
}

/** What a member was given. */
export interface AssignedTasks {
  readonly active: EpochTasks
  readonly standby: TaskSet
  readonly warmup: TaskSet
}

/** As messages and records have them. */
export interface TaskIds {
  readonly subtopologyId: string
  readonly partitions: readonly number[]
}

/** As the record of a current assignment has them. */
export interface EpochTaskIds extends TaskIds {
  readonly assignmentEpochs: readonly number[]
}

const NONE: TaskSet = new Map()
export const NO_TASKS: Tasks = { active: NONE, standby: NONE, warmup: NONE }
export const NOTHING_ASSIGNED: AssignedTasks = { active: new Map(), standby: NONE, warmup: NONE }

export function isEmpty({ active, standby, warmup }: Tasks | AssignedTasks): boolean {
  return active.size === 0 && standby.size === 0 && warmup.size === 0
}

/** Whether any task is in both, of the same kind. */
export function haveCommon(a: Tasks, b: AssignedTasks): boolean {
  return intersects(a.active, b.active) || intersects(a.standby, b.standby) || intersects(a.warmup, b.warmup)
}

function intersects(a: AnyTasks, b: AnyTasks): boolean {
  for (const [subtopologyId, partitions] of a) {
    const others = b.get(subtopologyId)
    if (!others) continue
    for (const partition of partitions.keys()) if (others.has(partition)) return true
  }
  return false
}

/** Whether all of the first are among the second. */
export function isWithin(a: AnyTasks, b: AnyTasks): boolean {
  for (const [subtopologyId, partitions] of a) {
    const others = b.get(subtopologyId)
    for (const partition of partitions.keys()) if (!others?.has(partition)) return false
  }
  return true
}

export function sameTasks(a: Tasks, b: Tasks): boolean {
  return sameSets(a.active, b.active) && sameSets(a.standby, b.standby) && sameSets(a.warmup, b.warmup)
}

/** Also each in the same epoch. */
export function sameAssigned(a: AssignedTasks, b: AssignedTasks): boolean {
  return sameSets(a.standby, b.standby) && sameSets(a.warmup, b.warmup) && sameEpochs(a.active, b.active)
}

function sameSets(a: AnyTasks, b: AnyTasks): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [subtopologyId, partitions] of a) {
    const others = b.get(subtopologyId)
    if (others?.size !== partitions.size) return false
    for (const partition of partitions.keys()) if (!others.has(partition)) return false
  }
  return true
}

function sameEpochs(a: EpochTasks, b: EpochTasks): boolean {
  if (!sameSets(a, b)) return false
  for (const [subtopologyId, partitions] of a) {
    for (const [partition, epoch] of partitions) if (b.get(subtopologyId)!.get(partition) !== epoch) return false
  }
  return true
}

// ------------------------------------------------------------------------------------- messages and records

export function taskSet(list: readonly TaskIds[]): TaskSet {
  const tasks = new Map<string, Set<number>>()
  for (const { subtopologyId, partitions } of list) {
    const known = tasks.get(subtopologyId)
    if (known) for (const partition of partitions) known.add(partition)
    else if (partitions.length > 0) tasks.set(subtopologyId, new Set(partitions))
  }
  return tasks
}

/** Records of Kafka 4.1 have no epochs: those tasks count as assigned in the member's. */
export function epochTasks(
  list: readonly (TaskIds & { readonly assignmentEpochs: readonly number[] | null })[],
  memberEpoch: number,
): EpochTasks {
  const tasks = new Map<string, ReadonlyMap<number, number>>()
  for (const { subtopologyId, partitions, assignmentEpochs } of list) {
    if (partitions.length === 0) continue
    const epochs = assignmentEpochs?.length === partitions.length ? assignmentEpochs : null
    tasks.set(subtopologyId, new Map(partitions.map((partition, i) => [partition, epochs?.[i] ?? memberEpoch])))
  }
  return tasks
}

/** In the order of subtopologies and partitions. */
export function taskIds(tasks: AnyTasks): TaskIds[] {
  return bySubtopology(tasks).map(([subtopologyId, partitions]) => ({ subtopologyId, partitions: sorted(partitions) }))
}

export function epochTaskIds(tasks: EpochTasks): EpochTaskIds[] {
  return bySubtopology(tasks).map(([subtopologyId, epochs]) => {
    const partitions = sorted(epochs)
    return { subtopologyId, partitions, assignmentEpochs: partitions.map(partition => epochs.get(partition)!) }
  })
}

function bySubtopology<P>(tasks: ReadonlyMap<string, P>): (readonly [string, P])[] {
  return [...tasks].sort(([a], [b]) => (a < b ? -1 : 1))
}

function sorted(partitions: Partitions): number[] {
  return [...partitions.keys()].sort((a, b) => a - b)
}
