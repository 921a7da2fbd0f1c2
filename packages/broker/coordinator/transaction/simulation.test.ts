/** Whatever producers do, in whatever order: see testing/simulation.ts for what holds. */
import { test } from 'node:test'
import fc from 'fast-check'
import { IDS, PRODUCERS, Simulation, type Step } from './testing/simulation.ts'

const producer = fc.nat(PRODUCERS - 1)
/** What producers do most of the time comes most of the time. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: producer.map((producer): Step => ({ do: 'init', producer })) },
  { weight: 1, arbitrary: producer.map((producer): Step => ({ do: 'go on', producer })) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(producer, fc.nat(3))
      .map(([producer, partition]): Step => ({ do: 'write', producer, partition })),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(producer, fc.boolean())
      .map(([producer, isCommit]): Step => ({ do: 'end', producer, isCommit })),
  },
  { weight: 2, arbitrary: producer.map((producer): Step => ({ do: 'end again', producer })) },
  { weight: 8, arbitrary: fc.nat(5).map((errand): Step => ({ do: 'mark', errand })) },
  { weight: 3, arbitrary: fc.nat(20_000).map((ms): Step => ({ do: 'advance', ms })) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'restart' }) },
  { weight: 1, arbitrary: fc.nat(IDS.length - 1).map((id): Step => ({ do: 'use up epochs', id })) },
)

test('whatever producers do, a partition hears of each transaction once, and of what was decided', () => {
  for (const transactionVersion of [0, 2]) {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), steps => {
        const simulation = new Simulation(transactionVersion)
        for (const [i, step] of steps.entries()) {
          simulation.step(step)
          if (i % 10 === 0) simulation.checkLog()
        }
        simulation.finish()
      }),
      { numRuns: 300 },
    )
  }
})
