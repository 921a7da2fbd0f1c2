/** What every assignment has to be. That it is Kafka's is shown in test/interop/scenarios/streams-assignor.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assignTasks } from './assignor.ts'
import { NO_TASKS, type TaskSet, type Tasks, taskSet } from './tasks.ts'
import { type Assignable, assignable } from './testing/assignments.ts'

function assign({ members, subtopologies, standbyReplicas }: Assignable): ReadonlyMap<string, Tasks> {
  return assignTasks(members, subtopologies, standbyReplicas)
}

function* namesOf(tasks: TaskSet): Iterable<string> {
  for (const [subtopologyId, partitions] of tasks)
    for (const partition of partitions) yield `${subtopologyId}_${partition}`
}

test('every task is active once, and has as many copies as there are other processes for it', () => {
  fc.assert(
    fc.property(assignable, group => {
      const assigned = assign(group)
      const { members, subtopologies, standbyReplicas } = group
      const active = [...assigned.values()].flatMap(tasks => [...namesOf(tasks.active)])
      const all = subtopologies.flatMap(({ id, taskCount }) =>
        Array.from({ length: taskCount }, (_, i) => `${id}_${i}`),
      )
      assert.deepEqual(active.toSorted(), all.toSorted())
      const processes = new Set(members.map(({ processId }) => processId)).size
      const copies = Map.groupBy(
        [...assigned.values()].flatMap(tasks => [...namesOf(tasks.standby)]),
        task => task,
      )
      for (const { id, taskCount, isStateful } of subtopologies) {
        for (let i = 0; i < taskCount; i++) {
          const wanted = isStateful ? Math.min(standbyReplicas, processes - 1) : 0
          assert.equal(copies.get(`${id}_${i}`)?.length ?? 0, wanted)
        }
      }
      const processOf = new Map(members.map(({ id, processId }) => [id, processId]))
      const seen = new Set<string>()
      for (const [id, { active, standby }] of assigned) {
        for (const task of [...namesOf(active), ...namesOf(standby)]) {
          const place = `${processOf.get(id)} ${task}`
          assert.ok(!seen.has(place), `twice: ${place}`)
          seen.add(place)
        }
      }
    }),
  )
})

test('members with a process each have tasks that differ by one at most, if none had any before', () => {
  fc.assert(
    fc.property(assignable, ({ members, subtopologies }) => {
      const fresh = members.map(({ id }) => ({ id, processId: id, previous: NO_TASKS }))
      const counts = [...assignTasks(fresh, subtopologies, 0).values()].map(({ active }) => [...namesOf(active)].length)
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`)
    }),
  )
})

test('a group in which nothing has changed is assigned as it was', () => {
  fc.assert(
    fc.property(assignable, ({ members, subtopologies }) => {
      const fresh = members.map(({ id }) => ({ id, processId: id, previous: NO_TASKS }))
      const first = assignTasks(fresh, subtopologies, 0)
      const again = fresh.map(member => ({ ...member, previous: first.get(member.id)! }))
      assert.deepEqual(assignTasks(again, subtopologies, 0), first)
    }),
  )
})

test('the order in which members and subtopologies are given means nothing', () => {
  fc.assert(
    fc.property(assignable, group => {
      const members = group.members.toReversed()
      const subtopologies = group.subtopologies.toReversed()
      const expected = [...assign(group)].sort()
      assert.deepEqual([...assign({ ...group, members, subtopologies })].sort(), expected)
    }),
  )
})

test('a member that comes takes its share, and everybody else keeps theirs', () => {
  const subtopologies = [{ id: '0', taskCount: 6, isStateful: true }]
  const had = (partitions: number[]) => ({ ...NO_TASKS, active: taskSet([{ subtopologyId: '0', partitions }]) })
  const members = [
    { id: 'a', processId: 'a', previous: had([0, 1, 2]) },
    { id: 'b', processId: 'b', previous: had([3, 4, 5]) },
    { id: 'c', processId: 'c', previous: NO_TASKS },
  ]
  const shown = [...assignTasks(members, subtopologies, 1)].map(([id, { active, standby }]) => [
    id,
    [...namesOf(active)].join(),
    [...namesOf(standby)].join(),
  ])
  assert.deepEqual(shown, [
    ['a', '0_0,0_1', '0_2,0_3'],
    ['b', '0_3,0_4', '0_0,0_5'],
    ['c', '0_2,0_5', '0_1,0_4'],
  ])
})
