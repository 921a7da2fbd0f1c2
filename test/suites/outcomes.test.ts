import assert from 'node:assert/strict'
import { test } from 'node:test'
import { add, compare, format, type Outcome, parse } from './outcomes.ts'

const outcomes = (list: Record<string, Outcome>) => new Map(Object.entries(list))

test('outcomes are written by name and read back', () => {
  const found = outcomes({ 'TestB/two words': 'failed', TestA: 'passed', TestC: 'skipped' })
  const text = format(found)
  assert.equal(text, 'passed TestA\nfailed TestB/two words\nskipped TestC\n')
  assert.deepEqual(new Map(parse(text)), found)
  assert.throws(() => parse('passed\n'), /no outcome: passed/)
})

test('a test that runs twice has failed if it failed once, and passed rather than been skipped', () => {
  const found = new Map<string, Outcome>()
  for (const outcome of ['skipped', 'passed', 'skipped'] as const) add(found, 'a', outcome)
  assert.equal(found.get('a'), 'passed')
  for (const outcome of ['failed', 'passed'] as const) add(found, 'a', outcome)
  assert.equal(found.get('a'), 'failed')
})

test('what differs is told, also if it is better, missing or new', () => {
  const expected = outcomes({ same: 'failed', worse: 'passed', better: 'failed', gone: 'passed' })
  const found = outcomes({ same: 'failed', worse: 'failed', better: 'passed', added: 'skipped' })
  assert.deepEqual(compare(expected, found, {}), {
    different: [
      'added: not run by Apache Kafka, skipped here',
      'better: failed by Apache Kafka, passed here',
      'gone: passed by Apache Kafka, not run here',
      'worse: passed by Apache Kafka, failed here',
    ],
    known: [],
    stale: [],
  })
})

test('a reason explains one test or all that begin so, and is told when nothing is called so any more', () => {
  const expected = outcomes({ 'a/1': 'passed', 'a/2': 'passed', b: 'passed' })
  const found = outcomes({ 'a/1': 'failed', 'a/2': 'passed', b: 'failed' })
  assert.deepEqual(compare(expected, found, { 'a/*': 'luck', b: 'one broker', c: 'gone' }), {
    different: [],
    known: ['a/1: passed by Apache Kafka, failed here: luck', 'b: passed by Apache Kafka, failed here: one broker'],
    stale: ['c'],
  })
})
