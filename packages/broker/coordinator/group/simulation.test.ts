/** Whatever clients do, in whatever order: see testing/simulation.ts for what holds. */
import { test } from 'node:test'
import fc from 'fast-check'
import { CLIENTS, GROUPS, Simulation, type Step } from './testing/simulation.ts'

const client = fc.nat(CLIENTS - 1)
/** What clients do most of the time comes most of the time. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: client.map((client): Step => ({ do: 'join', client })) },
  { weight: 6, arbitrary: client.map((client): Step => ({ do: 'sync', client })) },
  { weight: 3, arbitrary: client.map((client): Step => ({ do: 'heartbeat', client })) },
  { weight: 2, arbitrary: client.map((client): Step => ({ do: 'commit', client })) },
  { weight: 1, arbitrary: client.map((client): Step => ({ do: 'leave', client })) },
  { weight: 1, arbitrary: client.map((client): Step => ({ do: 'restart client', client })) },
  { weight: 1, arbitrary: client.map((client): Step => ({ do: 'other protocols', client })) },
  { weight: 5, arbitrary: fc.nat(4000).map((ms): Step => ({ do: 'advance', ms })) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'restart' }) },
  { weight: 1, arbitrary: fc.nat(GROUPS.length - 1).map((group): Step => ({ do: 'delete', group })) },
)

test('whatever clients do, nobody waits for ever, reads twice or goes back, and the log tells it all', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), steps => {
      const simulation = new Simulation()
      for (const [i, step] of steps.entries()) {
        simulation.step(step)
        if (i % 10 === 0) simulation.checkLog()
      }
      simulation.finish()
    }),
    { numRuns: 500 },
  )
})
