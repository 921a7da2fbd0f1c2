/**
 * Which processes have which tasks now, or have not said yet that they have given them up. An active task is with one
 * process at a time; a process has a task once, in whatever way.
 */
import type { Member } from './member.ts'
import type { AnyTasks, AssignedTasks } from './tasks.ts'

export class TaskOwners {
  readonly #active = new Map<string, Map<number, string>>()
  readonly #standby = new Map<string, Map<number, Set<string>>>()
  readonly #warmup = new Map<string, Map<number, Set<string>>>()

  /** The process that has it as its active task; undefined: none. */
  activeOwner(subtopologyId: string, partition: number): string | undefined {
    return this.#active.get(subtopologyId)?.get(partition)
  }

  /** As a copy, of either kind. */
  hasCopy(processId: string, subtopologyId: string, partition: number): boolean {
    return (
      (this.#standby.get(subtopologyId)?.get(partition)?.has(processId) ?? false) ||
      (this.#warmup.get(subtopologyId)?.get(partition)?.has(processId) ?? false)
    )
  }

  add({ processId, assigned, pendingRevocation }: Member): void {
    for (const tasks of [assigned, pendingRevocation]) this.#add(processId, tasks)
  }

  remove({ processId, assigned, pendingRevocation }: Member): void {
    for (const tasks of [assigned, pendingRevocation]) this.#remove(processId, tasks)
  }

  #add(processId: string, { active, standby, warmup }: AssignedTasks): void {
    for (const [subtopologyId, partitions] of active) {
      const owners = inside(this.#active, subtopologyId, () => new Map<number, string>())
      for (const partition of partitions.keys()) owners.set(partition, processId)
    }
    addCopies(this.#standby, standby, processId)
    addCopies(this.#warmup, warmup, processId)
  }

  #remove(processId: string, { active, standby, warmup }: AssignedTasks): void {
    for (const [subtopologyId, partitions] of active) {
      const owners = this.#active.get(subtopologyId)
      for (const partition of partitions.keys()) {
        if (owners?.get(partition) === processId) owners.delete(partition)
      }
      if (owners?.size === 0) this.#active.delete(subtopologyId)
    }
    removeCopies(this.#standby, standby, processId)
    removeCopies(this.#warmup, warmup, processId)
  }
}

type Copies = Map<string, Map<number, Set<string>>>

function addCopies(copies: Copies, tasks: AnyTasks, processId: string): void {
  for (const [subtopologyId, partitions] of tasks) {
    const holders = inside(copies, subtopologyId, () => new Map<number, Set<string>>())
    for (const partition of partitions.keys()) inside(holders, partition, () => new Set<string>()).add(processId)
  }
}

function removeCopies(copies: Copies, tasks: AnyTasks, processId: string): void {
  for (const [subtopologyId, partitions] of tasks) {
    const holders = copies.get(subtopologyId)
    for (const partition of partitions.keys()) {
      const processes = holders?.get(partition)
      processes?.delete(processId)
      if (processes?.size === 0) holders!.delete(partition)
    }
    if (holders?.size === 0) copies.delete(subtopologyId)
  }
}

function inside<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
