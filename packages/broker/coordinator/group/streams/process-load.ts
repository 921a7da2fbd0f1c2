/** While tasks are assigned: what each member has got so far, and what the members of each process have together. */
import { LoadHeap } from './load-heap.ts'

/** A task by its number among all of the topology. */
export type TaskNumber = number

export class MemberLoad {
  readonly id: string
  readonly process: ProcessLoad
  readonly active: TaskNumber[] = []
  readonly standby: TaskNumber[] = []

  constructor(id: string, process: ProcessLoad) {
    this.id = id
    this.process = process
  }

  get load(): number {
    return this.active.length + this.standby.length
  }
}

export class ProcessLoad {
  readonly #members: MemberLoad[] = []
  readonly #tasks = new Set<TaskNumber>()
  #taskCount = 0
  /** Of the members; null: not up to date. */
  #byLoad: LoadHeap<MemberLoad> | null = null

  add(member: MemberLoad): void {
    this.#members.push(member)
  }

  /** Tasks a member. */
  get load(): number {
    return this.#taskCount / this.#members.length
  }

  /** No other member of the process can have it, too. */
  has(task: TaskNumber): boolean {
    return this.#tasks.has(task)
  }

  assign(member: MemberLoad, task: TaskNumber, isActive: boolean): void {
    this.#byLoad = null
    this.#give(member, task, isActive)
  }

  /** Returns the member that got it. */
  assignToLeastLoaded(task: TaskNumber, isActive: boolean): MemberLoad {
    this.#byLoad ??= new LoadHeap(this.#members)
    const member = this.#byLoad.poll()!
    this.#give(member, task, isActive)
    this.#byLoad.add(member)
    return member
  }

  #give(member: MemberLoad, task: TaskNumber, isActive: boolean): void {
    this.#tasks.add(task)
    this.#taskCount++
    const tasks = isActive ? member.active : member.standby
    tasks.push(task)
  }
}
