/** A few seeds of what `npm run sim -- log` runs by the thousand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runLogWorkload } from './testing/log-workload.ts'

test('what was promised survives every kind of ending', async () => {
  for (let seed = 0; seed < 60; seed++) {
    try {
      await runLogWorkload({ seed })
    } catch (error) {
      throw new Error(`npm run sim -- log --seed ${seed}`, { cause: error })
    }
  }
})

test('a seed is all that a run depends on', async () => {
  const first = await runLogWorkload({ seed: 7 })
  const second = await runLogWorkload({ seed: 7 })
  assert.equal(second.hash, first.hash)
})
