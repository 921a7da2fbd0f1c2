/** After every record of the transcripts the log says what the machine knew, and so it does through its bytes. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseId, Scenario, throughBytes } from './testing/scenario.ts'

const FOLDER = join(import.meta.dirname, 'testdata')
const IDS = ['g:t-0', 'g:t-1', 'g:t-2', 'h:t-0', 'g:u-0', 'h:u-0'].map(parseId)

for (const file of globSync('*.txt', { cwd: FOLDER }).sort()) {
  test(`a stop anywhere in ${file} loses nothing`, () => {
    const scenario = new Scenario()
    const blocks = readFileSync(join(FOLDER, file), 'utf8').split(/\n\n+/)
    const commands = blocks.flatMap(block => block.split('\n----')[0]!.split('\n'))
    for (const command of commands.filter(line => line !== '' && !line.startsWith('#'))) {
      scenario.run(command)
      const expected = scenario.knowledge(IDS)
      assert.deepEqual(scenario.knowledgeAfter(scenario.log.length, IDS), expected, command)
    }
    assert.ok(scenario.log.length > 0)
  })
}

test('records are read as they were written', () => {
  const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
  const key = { groupId: 'Grüße', topicId, partition: 7 }
  const stateBatches = [{ firstOffset: 2 ** 52, lastOffset: 2 ** 52 + 3, deliveryState: 2, deliveryCount: 5 }]
  const update = { snapshotEpoch: 1, leaderEpoch: 2, startOffset: -1, deliveryCompleteCount: -1, stateBatches }
  const snapshot = { ...update, stateEpoch: 3, createTimestamp: 4, writeTimestamp: 5, deliveryCompleteCount: 6 }
  for (const record of [
    { type: 1, key, value: update },
    { type: 0, key, value: snapshot },
    { type: 0, key, value: null },
  ] as const) {
    assert.deepEqual(throughBytes(record), record)
  }
})
