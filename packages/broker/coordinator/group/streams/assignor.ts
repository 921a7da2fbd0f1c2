/**
 * Which member is to have which task: Kafka's sticky assignor. An active task stays where it was, else goes where a standby
 * copy of its state is, else to whoever has least; standby tasks likewise, never two of one task in a process. Nobody gets
 * more than a fair share to keep what it had. The result is a function of its arguments: ids decide between equals.
 */
import { LoadHeap } from './load-heap.ts'
import { MemberLoad, ProcessLoad, type TaskNumber } from './process-load.ts'
import { NO_TASKS, type TaskSet, type Tasks } from './tasks.ts'

export interface AssignableMember {
  readonly id: string
  readonly processId: string
  /** What it was to have before. */
  readonly previous: Tasks
}

export interface AssignableSubtopology {
  readonly id: string
  readonly taskCount: number
  readonly isStateful: boolean
}

/** By member id. There has to be at least one member. */
export function assignTasks(
  members: Iterable<AssignableMember>,
  subtopologies: Iterable<AssignableSubtopology>,
  standbyReplicas: number,
): ReadonlyMap<string, Tasks> {
  const assignment = new StickyAssignment(members, subtopologies, standbyReplicas)
  assignment.assignActive()
  if (standbyReplicas > 0) assignment.assignStandby()
  return assignment.result()
}

/**
 * A fair share: of what is left, over those who have not got theirs yet. Who gets there leaves, with what it has, so that
 * the rest may come out one lower.
 */
class Share {
  #tasks: number
  #members: number

  constructor(tasks: number, members: number) {
    this.#tasks = tasks
    this.#members = members
  }

  get perMember(): number {
    return this.#members === 0 ? 0 : Math.ceil(this.#tasks / this.#members)
  }

  onAssigned(count: number): void {
    if (count !== this.perMember) return
    this.#tasks -= count
    this.#members--
  }
}

class StickyAssignment {
  readonly #members: MemberLoad[] = []
  readonly #processes: ProcessLoad[] = []
  /** In the order of their ids. */
  readonly #subtopologies: readonly AssignableSubtopology[]
  /** Number of a subtopology's first task. */
  readonly #firstTasks: number[] = []
  readonly #standbyReplicas: number
  readonly #activeBefore = new Map<TaskNumber, MemberLoad>()
  readonly #standbyBefore = new Map<TaskNumber, MemberLoad[]>()
  readonly #activeShare: Share
  readonly #totalShare: Share

  constructor(
    members: Iterable<AssignableMember>,
    subtopologies: Iterable<AssignableSubtopology>,
    standbyReplicas: number,
  ) {
    this.#subtopologies = inOrder(subtopologies)
    this.#standbyReplicas = standbyReplicas
    let active = 0
    let total = 0
    for (const { taskCount, isStateful } of this.#subtopologies) {
      this.#firstTasks.push(active)
      active += taskCount
      total += taskCount * (isStateful ? 1 + standbyReplicas : 1)
    }
    const places = new Map(this.#subtopologies.map(({ id }, place) => [id, place]))
    this.#addMembers(inOrder(members), places)
    this.#activeShare = new Share(active, this.#members.length)
    this.#totalShare = new Share(total, this.#members.length)
  }

  #addMembers(members: readonly AssignableMember[], places: ReadonlyMap<string, number>): void {
    const processes = new Map<string, ProcessLoad>()
    for (const { id, processId, previous } of members) {
      const process = processes.get(processId) ?? new ProcessLoad()
      processes.set(processId, process)
      const member = new MemberLoad(id, process)
      process.add(member)
      this.#members.push(member)
      for (const task of this.#numbers(previous.active, places)) this.#activeBefore.set(task, member)
      for (const task of this.#numbers(previous.standby, places)) {
        const holders = this.#standbyBefore.get(task)
        if (holders) holders.push(member)
        else this.#standbyBefore.set(task, [member])
      }
    }
    this.#processes.push(...[...processes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, process]) => process))
  }

  /** Without those that the topology hasn't any more. */
  *#numbers(tasks: TaskSet, places: ReadonlyMap<string, number>): Iterable<TaskNumber> {
    for (const [subtopologyId, partitions] of tasks) {
      const place = places.get(subtopologyId)
      if (place === undefined) continue
      for (const partition of partitions) {
        if (partition < this.#subtopologies[place]!.taskCount) yield this.#firstTasks[place]! + partition
      }
    }
  }

  // ------------------------------------------------------------------------------------------------------- active

  assignActive(): void {
    const open: TaskNumber[] = []
    for (const task of this.#partitionByPartition(() => true)) {
      const before = this.#activeBefore.get(task)
      if (before && this.#hasRoomForActive(before)) this.#giveActive(before, task)
      else open.push(task)
    }
    const rest: TaskNumber[] = []
    for (const task of open) {
      const holder = leastLoaded(this.#standbyBefore.get(task) ?? [])
      if (holder && this.#hasRoomForActive(holder)) this.#giveActive(holder, task)
      else rest.push(task)
    }
    // Neighbouring partitions of a subtopology come to different processes.
    rest.sort((a, b) => a - b)
    const byLoad = new LoadHeap(this.#processes)
    for (const task of rest) {
      const process = byLoad.poll()!
      this.#countActive(process.assignToLeastLoaded(task, true))
      byLoad.add(process)
    }
  }

  #hasRoomForActive(member: MemberLoad): boolean {
    return member.load < this.#activeShare.perMember
  }

  #giveActive(member: MemberLoad, task: TaskNumber): void {
    member.process.assign(member, task, true)
    this.#countActive(member)
  }

  #countActive({ load }: MemberLoad): void {
    this.#activeShare.onAssigned(load)
    this.#totalShare.onAssigned(load)
  }

  /** Partition 0 of all subtopologies, then partition 1, and so on: so a member keeps the same partitions of each. */
  #partitionByPartition(isWanted: (subtopology: AssignableSubtopology) => boolean): TaskNumber[] {
    const tasks: TaskNumber[] = []
    const wanted = [...this.#subtopologies.entries()].filter(([, subtopology]) => isWanted(subtopology))
    const largest = Math.max(0, ...wanted.map(([, { taskCount }]) => taskCount))
    for (let partition = 0; partition < largest; partition++) {
      for (const [place, { taskCount }] of wanted) {
        if (partition < taskCount) tasks.push(this.#firstTasks[place]! + partition)
      }
    }
    return tasks
  }

  // ------------------------------------------------------------------------------------------------------ standby

  assignStandby(): void {
    const rest: { readonly task: TaskNumber; readonly copies: number }[] = []
    for (const task of this.#partitionByPartition(({ isStateful }) => isStateful).reverse()) {
      let copies = this.#standbyReplicas
      while (copies > 0 && this.#giveBack(task)) copies--
      if (copies > 0) rest.push({ task, copies })
    }
    rest.sort((a, b) => b.task - a.task)
    const byLoad = new LoadHeap(this.#processes)
    for (const { task, copies } of rest) {
      // With fewer processes than copies there are fewer copies, too.
      let left = copies
      while (left > 0 && this.#giveToLeastLoaded(byLoad, task)) left--
    }
  }

  /** To one who had it, active or as a copy. */
  #giveBack(task: TaskNumber): boolean {
    const active = this.#activeBefore.get(task)
    if (active && !active.process.has(task) && this.#hasRoom(active)) return this.#giveStandby(active, task)
    const free = (this.#standbyBefore.get(task) ?? []).filter(({ process }) => !process.has(task))
    const holder = leastLoaded(free)
    return holder !== null && this.#hasRoom(holder) && this.#giveStandby(holder, task)
  }

  #hasRoom(member: MemberLoad): boolean {
    return member.load < this.#totalShare.perMember
  }

  #giveStandby(member: MemberLoad, task: TaskNumber): true {
    member.process.assign(member, task, false)
    this.#totalShare.onAssigned(member.load)
    return true
  }

  /** False: all processes have it. */
  #giveToLeastLoaded(byLoad: LoadHeap<ProcessLoad>, task: TaskNumber): boolean {
    const passedOver: ProcessLoad[] = []
    let process = byLoad.poll()
    while (process?.has(task)) {
      passedOver.push(process)
      process = byLoad.poll()
    }
    if (process) this.#totalShare.onAssigned(process.assignToLeastLoaded(task, false).load)
    if (process) byLoad.add(process)
    for (const other of passedOver.reverse()) byLoad.add(other)
    return process !== undefined
  }

  // ------------------------------------------------------------------------------------------------------- result

  result(): ReadonlyMap<string, Tasks> {
    return new Map(
      this.#members.map(({ id, active, standby }) => [
        id,
        { ...NO_TASKS, active: this.#taskSet(active), standby: this.#taskSet(standby) },
      ]),
    )
  }

  #taskSet(tasks: readonly TaskNumber[]): TaskSet {
    const set = new Map<string, Set<number>>()
    let place = 0
    for (const task of [...tasks].sort((a, b) => a - b)) {
      while (task >= this.#firstTasks[place]! + this.#subtopologies[place]!.taskCount) place++
      const { id } = this.#subtopologies[place]!
      const partition = task - this.#firstTasks[place]!
      const partitions = set.get(id)
      if (partitions) partitions.add(partition)
      else set.set(id, new Set([partition]))
    }
    return set
  }
}

function inOrder<T extends { readonly id: string }>(items: Iterable<T>): T[] {
  return [...items].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Less loaded than the one before it counts only who is so both by itself and with its process: as in Kafka. */
function leastLoaded(members: readonly MemberLoad[]): MemberLoad | null {
  let least: MemberLoad | null = null
  let leastProcessLoad = 0
  let leastLoad = 0
  for (const member of members) {
    const { load, process } = member
    if (least && !(process.load < leastProcessLoad && load < leastLoad)) continue
    least = member
    leastProcessLoad = process.load
    leastLoad = load
  }
  return least
}
