/** That records take no more in the log than was reckoned, and not much less. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxBytesOf } from '../records.ts'
import { groupSerde } from '../serde.ts'
import { newMember } from './member.ts'
import { currentAssignment, targetAssignment } from './records.ts'
import { NO_TASKS, taskSet } from './tasks.ts'
import { StreamsSimulation } from './testing/simulation.ts'

const RECORD_OVERHEAD_BYTES = 28

function bytesOf(record: Parameters<typeof maxBytesOf>[0]): number {
  const { key, value } = groupSerde.encode(record)
  return RECORD_OVERHEAD_BYTES + key.length + (value?.length ?? 0)
}

test('no record of a group takes more than was reckoned', () => {
  const simulation = new StreamsSimulation()
  for (const member of [0, 1, 2]) simulation.step({ do: 'join', member })
  simulation.step({ do: 'advance', ms: 3000 })
  for (const member of [0, 1, 2]) simulation.step({ do: 'beat', member })
  simulation.step({ do: 'leave', member: 1 })
  const { records } = simulation.bench
  assert.ok(records.length > 15)
  for (const record of records) assert.ok(bytesOf(record) <= maxBytesOf(record), JSON.stringify(record.key))
})

test('large assignments are not reckoned much larger than they are', () => {
  const partitions = Array.from({ length: 10_000 }, (_, i) => i)
  const tasks = { ...NO_TASKS, active: taskSet([{ subtopologyId: '0', partitions }]) }
  const target = targetAssignment('g', 'm', tasks)
  const active = new Map([['0', new Map(partitions.map(partition => [partition, 7]))]])
  const current = currentAssignment('g', { ...newMember('m'), assigned: { ...tasks, active } })
  for (const record of [target, current]) {
    const [actual, reckoned] = [bytesOf(record), maxBytesOf(record)]
    assert.ok(actual <= reckoned && reckoned < actual * 1.01, `${reckoned} for ${actual}`)
  }
})
