/**
 * Crash safety: a run of a streams group is stopped after every record that it has written. What a coordinator makes of
 * that log is what was known at that moment; and members that come back to it get all tasks again.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stateOf } from './testing/bench.ts'
import { type Step, StreamsSimulation } from './testing/simulation.ts'

const beats = (...members: number[]): Step[] =>
  members.flatMap(member => [
    { do: 'beat', member },
    { do: 'revoke', member },
  ])

const SCRIPT: readonly Step[] = [
  { do: 'join', member: 0 },
  { do: 'join', member: 1 },
  { do: 'advance', ms: 3000 },
  ...beats(0, 1),
  { do: 'standby', replicas: 1 },
  { do: 'join', member: 2 },
  { do: 'advance', ms: 1000 },
  ...beats(0, 1, 2, 0, 1, 2),
  { do: 'topics', inPartitions: 5, isInternalThere: true },
  { do: 'advance', ms: 1000 },
  ...beats(0, 1, 2, 0, 1),
  { do: 'leave', member: 1 },
  { do: 'topics', inPartitions: 4, isInternalThere: false },
  { do: 'advance', ms: 1000 },
  ...beats(0, 2, 2),
  { do: 'advance', ms: 19_000 },
  ...beats(2),
  { do: 'advance', ms: 1000 },
  { do: 'join', member: 3 },
  { do: 'topics', inPartitions: 4, isInternalThere: true },
  { do: 'advance', ms: 1000 },
  ...beats(3, 2, 3),
]

test('after every record the log says what the coordinator knew, and the group goes on', () => {
  const simulation = new StreamsSimulation()
  const known = new Map([[0, stateOf(simulation.bench.store)]])
  for (const step of SCRIPT) {
    simulation.step(step)
    known.set(simulation.bench.log.length, stateOf(simulation.bench.store))
  }
  const { log } = simulation.bench
  assert.ok(log.length > 50, `${log.length} records`)
  assert.ok(known.size > 20, `${known.size} moments`)
  for (let count = 0; count <= log.length; count++) {
    const after = new StreamsSimulation(log.slice(0, count), simulation.bench.elapsedMs)
    const expected = known.get(count)
    // Records of one heartbeat are one batch; the state between them had no witness.
    if (expected) assert.deepEqual(stateOf(after.bench.store), expected, `after ${count} records`)
    after.settle()
  }
})
