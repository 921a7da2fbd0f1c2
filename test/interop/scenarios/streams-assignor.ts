/**
 * Which member of a streams group gets which task, for groups by chance: what Apache Kafka's own StickyTaskAssignor answers.
 * Where its hash tables decide, ids are such that they decide as we do. Copies are compared where no task had two before: of
 * several, 4.3.1 takes none if the first one can't be it (KAFKA-20899, which 4.3.2 mends and we do not have).
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { type AssignableMember, assignTasks } from '../../../packages/broker/coordinator/group/streams/assignor.ts'
import { type TaskSet, taskIds } from '../../../packages/broker/coordinator/group/streams/tasks.ts'
import { assignable } from '../../../packages/broker/coordinator/group/streams/testing/assignments.ts'
import type { Context } from '../context.ts'
import { must } from '../process.ts'

const GROUPS = 5000
const SEED = 1071

export async function streamsAssignor({ kit, report, quick }: Context): Promise<void> {
  const { java } = kit
  if (!java) {
    report.skip('streams-assignor', 'Java or Apache Kafka is missing')
    return
  }
  const count = quick ? GROUPS / 10 : GROUPS
  await report.check(`streams-assignor/${count} groups`, async () => {
    const groups = fc.sample(assignable, { numRuns: count, seed: SEED })
    const file = join(kit.scratch, 'assignments.jsonl')
    const lines = groups.map(({ members, subtopologies, standbyReplicas }) => {
      const listed = members.map(({ id, processId, previous: { active, standby } }) => ({
        id,
        process: processId,
        active: bySubtopology(active),
        standby: bySubtopology(standby),
      }))
      return `${JSON.stringify({ members: listed, subtopologies, standby: standbyReplicas })}\n`
    })
    writeFileSync(file, lines.join(''))
    const answers = (await must([...java.command('Assignments'), file], { timeoutMs: 120_000 })).trimEnd().split('\n')
    assert.equal(answers.length, count)
    for (const [i, { members, subtopologies, standbyReplicas }] of groups.entries()) {
      const ours = [...assignTasks(members, subtopologies, standbyReplicas)].sort(([a], [b]) => (a < b ? -1 : 1))
      const isWhole = hadOneCopy(members)
      const theirs = JSON.parse(answers[i]!) as Record<string, { readonly active: object; readonly standby: object }>
      const told = ours.map(([id, { active, standby }]) => [
        id,
        bySubtopology(active),
        isWhole && bySubtopology(standby),
      ])
      const expected = Object.entries(theirs).map(([id, { active, standby }]) => [id, active, isWhole && standby])
      assert.deepEqual(told, expected, lines[i])
    }
  })
}

function hadOneCopy(members: readonly AssignableMember[]): boolean {
  const copies = members.flatMap(({ previous }) =>
    taskIds(previous.standby).flatMap(({ subtopologyId, partitions }) => partitions.map(p => `${subtopologyId}_${p}`)),
  )
  return new Set(copies).size === copies.length
}

function bySubtopology(tasks: TaskSet): Record<string, readonly number[]> {
  return Object.fromEntries(taskIds(tasks).map(({ subtopologyId, partitions }) => [subtopologyId, partitions]))
}
