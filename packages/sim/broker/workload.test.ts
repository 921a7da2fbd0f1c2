/** A few seeds of what `npm run sim -- broker` runs by the thousand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runBrokerWorkload } from './workload.ts'

test('a broker keeps its promises through every kind of ending', async () => {
  for (let seed = 0; seed < 12; seed++) {
    try {
      const { batches, fetches } = await runBrokerWorkload({ seed })
      assert.ok(batches > 0 && fetches > 0, 'nothing was done')
    } catch (error) {
      throw new Error(`npm run sim -- broker --seed ${seed}`, { cause: error })
    }
  }
})

test('a seed is all that a run depends on', async () => {
  const events: string[][] = [[], []]
  const runs = []
  for (const seen of events) runs.push(await runBrokerWorkload({ seed: 7, say: event => seen.push(event) }))
  const at = events[0]!.findIndex((event, i) => event !== events[1]![i])
  assert.equal(at, -1, `event ${at}: ${events[0]![at]}, and then ${events[1]![at]}`)
  assert.deepEqual(runs[1], runs[0])
})
