/** A few seeds of what `npm run sim -- log` runs by the thousand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCompactionWorkload } from '../testing/compaction-workload.ts'

test('what counts of a compacted log survives every kind of ending', async () => {
  let cleaned = 0
  for (let seed = 0; seed < 15; seed++) {
    try {
      cleaned += (await runCompactionWorkload({ seed })).cleaned
    } catch (error) {
      throw new Error(`npm run sim -- log --seed ${seed}`, { cause: error })
    }
  }
  assert.ok(cleaned > 500)
})

test('a seed is all that a run depends on', async () => {
  const first = await runCompactionWorkload({ seed: 7 })
  const second = await runCompactionWorkload({ seed: 7 })
  assert.deepEqual(second, first)
})
