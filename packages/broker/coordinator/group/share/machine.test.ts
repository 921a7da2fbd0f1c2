/** Scenarios of share groups, in testdata/; and after every record of them the log says what the machine knew. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testTranscripts } from '../../../testing/transcript.ts'
import { Scenario } from './testing/scenario.ts'

const FOLDER = join(import.meta.dirname, 'testdata')

testTranscripts(FOLDER, () => {
  const scenario = new Scenario()
  return command => scenario.run(command)
})

for (const file of globSync('*.txt', { cwd: FOLDER }).sort()) {
  test(`a stop anywhere in ${file} loses nothing that was answered`, () => {
    const scenario = new Scenario()
    const blocks = readFileSync(join(FOLDER, file), 'utf8').split(/\n\n+/)
    const commands = blocks.flatMap(block => block.split('\n----')[0]!.split('\n'))
    let stops = 0
    for (const command of commands.filter(line => line !== '' && !line.startsWith('#'))) {
      const before = scenario.log.length
      scenario.run(command)
      const expected = scenario.knowledge(['g', 'h'])
      assert.deepEqual(scenario.knowledgeAfter(scenario.log.length, ['g', 'h']), expected, command)
      // In the middle of a change nobody knows what there should be, but it can be loaded.
      for (let count = before + 1; count < scenario.log.length; count++) {
        scenario.knowledgeAfter(count, ['g', 'h'])
        stops++
      }
    }
    assert.ok(scenario.log.length > 0 && stops > 0)
  })
}
