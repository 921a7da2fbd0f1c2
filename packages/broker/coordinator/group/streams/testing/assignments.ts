/** Groups to assign, by chance: members on a few processes, each with what it had before, and a topology. */
import fc from 'fast-check'
import type { AssignableMember, AssignableSubtopology } from '../assignor.ts'
import { NO_TASKS, taskSet } from '../tasks.ts'

export interface Assignable {
  readonly members: readonly AssignableMember[]
  readonly subtopologies: readonly AssignableSubtopology[]
  readonly standbyReplicas: number
}

const MAX_MEMBERS = 9
const MAX_TASKS = 12

const tasks = fc.uniqueArray(fc.record({ subtopology: fc.nat(3), partition: fc.nat(MAX_TASKS) }), {
  maxLength: 12,
  selector: ({ subtopology, partition }) => `${subtopology}_${partition}`,
})

/** Ids are such that Java's hash tables have them in their order, too. What they had may be in conflict, or gone. */
export const assignable: fc.Arbitrary<Assignable> = fc
  .record({
    members: fc.array(fc.record({ process: fc.nat(5), active: tasks, standby: tasks }), {
      minLength: 1,
      maxLength: MAX_MEMBERS,
    }),
    subtopologies: fc.array(
      fc.record({ taskCount: fc.integer({ min: 1, max: MAX_TASKS }), isStateful: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
    standbyReplicas: fc.nat(2),
  })
  .map(({ members, subtopologies, standbyReplicas }) => ({
    members: members.map(({ process, active, standby }, i) => ({
      id: `m${i}`,
      processId: `p${places(members.map(member => member.process)).indexOf(process)}`,
      previous: { ...NO_TASKS, active: setOf(active), standby: setOf(standby) },
    })),
    subtopologies: subtopologies.map((subtopology, i) => ({ id: String(i), ...subtopology })),
    standbyReplicas,
  }))

/** Without gaps. */
function places(processes: readonly number[]): number[] {
  return [...new Set(processes)].sort()
}

function setOf(list: readonly { readonly subtopology: number; readonly partition: number }[]) {
  return taskSet(
    list.map(({ subtopology, partition }) => ({ subtopologyId: String(subtopology), partitions: [partition] })),
  )
}
