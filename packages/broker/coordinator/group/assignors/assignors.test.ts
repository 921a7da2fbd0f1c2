/** What every assignment has to be, and what the two assignors promise beyond that, for groups of any shape. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Partitions } from '../consumer/assignment.ts'
import type { Assignment, Assignor, AssignorInput, Subscriber } from './assignor.ts'
import { assignRanges } from './range.ts'
import { assignUniformly } from './uniform.ts'

const TOPICS = ['A', 'B', 'C', 'D']

interface Shape {
  readonly counts: readonly number[]
  /** Of each member: which topics. */
  readonly subscriptions: readonly (readonly string[])[]
}

const topics = fc.subarray(TOPICS)
const counts = fc.array(fc.nat(12), { minLength: TOPICS.length, maxLength: TOPICS.length })
const mixed: fc.Arbitrary<Shape> = fc.record({
  counts,
  subscriptions: fc.array(topics, { minLength: 1, maxLength: 9 }),
})
const equal: fc.Arbitrary<Shape> = fc
  .record({ counts, subscribed: topics, size: fc.integer({ min: 1, max: 9 }) })
  .map(({ counts, subscribed, size }) => ({ counts, subscriptions: Array.from({ length: size }, () => subscribed) }))

function inputOf({ counts, subscriptions }: Shape, before: Assignment = new Map()): AssignorInput {
  const members = subscriptions.map((subscribed, i): Subscriber => {
    const id = `m${i}`
    return {
      id,
      instanceId: i % 3 === 0 ? `i${9 - i}` : null,
      topics: new Set(subscribed),
      assigned: before.get(id) ?? new Map(),
    }
  })
  const isHomogeneous = subscriptions.every(each => each.join() === subscriptions[0]!.join())
  return { members, isHomogeneous, partitionCount: topicId => counts[TOPICS.indexOf(topicId)] ?? 0 }
}

function sizeOf(partitions: Partitions | undefined): number {
  return [...(partitions?.values() ?? [])].reduce((sum, each) => sum + each.size, 0)
}

/** Each partition of a topic with subscribers is one of them's, and nobody has another. */
function checkWhole(input: AssignorInput, assignment: Assignment): void {
  for (const topic of TOPICS) {
    const owners = input.members.flatMap(({ id }) => [...(assignment.get(id)?.get(topic) ?? [])])
    const subscribers = input.members.filter(({ topics }) => topics.has(topic))
    const expected = subscribers.length === 0 ? 0 : input.partitionCount(topic)
    assert.deepEqual(
      owners.toSorted((a, b) => a - b),
      Array.from({ length: expected }, (_, i) => i),
      topic,
    )
    for (const { id, topics } of input.members) assert.ok(topics.has(topic) || !assignment.get(id)?.has(topic), id)
  }
}

function sizes(input: AssignorInput, assignment: Assignment): number[] {
  return input.members.map(({ id }) => sizeOf(assignment.get(id)))
}

function spread(all: readonly number[]): number {
  return Math.max(...all) - Math.min(...all)
}

for (const [name, assign] of Object.entries({ range: assignRanges, uniform: assignUniformly }) as [
  string,
  Assignor,
][]) {
  test(`${name} gives every partition to one subscriber, whatever was before`, () => {
    fc.assert(
      fc.property(mixed, mixed, (first, then) => {
        const before = assign(inputOf(first))
        checkWhole(inputOf(first), before)
        const input = inputOf(then, before)
        checkWhole(input, assign(input))
      }),
      { numRuns: 500 },
    )
  })

  test(`${name} is the same for the same`, () => {
    fc.assert(fc.property(mixed, shape => assert.deepEqual(assign(inputOf(shape)), assign(inputOf(shape)))))
  })
}

test('uniform is even to one where all are subscribed to the same, and moves no more than it must', () => {
  fc.assert(
    fc.property(equal, fc.nat(8), (shape, more) => {
      const first = inputOf(shape)
      const before = assignUniformly(first)
      assert.ok(spread(sizes(first, before)) <= 1)
      const [subscribed] = shape.subscriptions
      const later = {
        ...shape,
        subscriptions: [...shape.subscriptions, ...Array.from({ length: more }, () => subscribed!)],
      }
      const input = inputOf(later, before)
      const after = assignUniformly(input)
      assert.ok(spread(sizes(input, after)) <= 1)
      // Who was there gives up what is above its new share, and gets nothing for it.
      const kept = first.members.flatMap(({ id }) =>
        [...(after.get(id) ?? [])].flatMap(([t, ps]) => [...ps].filter(p => before.get(id)?.get(t)?.has(p))),
      )
      const left = first.members.reduce((sum, { id }) => sum + sizeOf(after.get(id)), 0)
      assert.equal(kept.length, left)
    }),
    { numRuns: 500 },
  )
})

test('uniform is a fixed point of itself', () => {
  fc.assert(
    fc.property(mixed, shape => {
      const before = assignUniformly(inputOf(shape))
      assert.deepEqual(plain(assignUniformly(inputOf(shape, before))), plain(before))
    }),
    { numRuns: 500 },
  )
})

test('uniform is even to one among the subscribers of a topic, as far as they can help it', () => {
  fc.assert(
    fc.property(mixed, shape => {
      const input = inputOf(shape)
      const after = assignUniformly(input)
      for (const topic of TOPICS) {
        const subscribers = input.members.filter(({ topics }) => topics.has(topic))
        const owners = subscribers.filter(({ id }) => after.get(id)?.has(topic))
        const least = Math.min(...subscribers.map(({ id }) => sizeOf(after.get(id))))
        for (const { id } of owners)
          assert.ok(sizeOf(after.get(id)) - least <= 1, `${id} could give one of ${topic} away`)
      }
    }),
    { numRuns: 500 },
  )
})

test('a partition that two had before is one’s', () => {
  const both = new Map([['A', new Set([0, 1])]])
  const input = inputOf(
    { counts: [2, 0, 0, 0], subscriptions: [['A'], ['A']] },
    new Map([
      ['m0', both],
      ['m1', both],
    ]),
  )
  checkWhole(input, assignUniformly(input))
})

test('a topic that has become smaller, or is gone, is nobody’s beyond its end', () => {
  const before = new Map([
    [
      'm0',
      new Map([
        ['A', new Set([0, 5])],
        ['Z', new Set([1])],
      ]),
    ],
  ])
  const input = inputOf({ counts: [2, 0, 0, 0], subscriptions: [['A'], ['A']] }, before)
  checkWhole(input, assignUniformly(input))
})

function plain(assignment: Assignment) {
  return [...assignment].map(([id, topics]) => [
    id,
    [...topics].map(([t, ps]) => `${t}:${[...ps].sort((a, b) => a - b)}`).sort(),
  ])
}
