/** Whatever clients of both protocols do, in whatever order: see testing/consumer-simulation.ts for what holds. */
import { test } from 'node:test'
import fc from 'fast-check'
import { CLIENTS, ConsumerSimulation, type Step } from '../testing/consumer-simulation.ts'

const client = fc.nat(CLIENTS - 1)
/** What clients do most of the time comes most of the time. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: client.map((client): Step => ({ do: 'beat', client })) },
  { weight: 8, arbitrary: client.map((client): Step => ({ do: 'give up', client })) },
  { weight: 2, arbitrary: fc.record({ client, to: fc.nat(4) }).map((each): Step => ({ do: 'subscribe', ...each })) },
  { weight: 1, arbitrary: client.map((client): Step => ({ do: 'leave', client })) },
  { weight: 1, arbitrary: client.map((client): Step => ({ do: 'restart client', client })) },
  { weight: 1, arbitrary: client.map((client): Step => ({ do: 'other protocol', client })) },
  { weight: 6, arbitrary: fc.nat(2500).map((ms): Step => ({ do: 'advance', ms })) },
  { weight: 1, arbitrary: fc.nat(20_000).map((ms): Step => ({ do: 'advance', ms })) },
  { weight: 1, arbitrary: fc.nat(1).map((topic): Step => ({ do: 'grow', topic })) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'restart' }) },
  { weight: 2, arbitrary: fc.nat(8).map((parts): Step => ({ do: 'crash', parts })) },
)

test('no partition is ever two members’, all are somebody’s in the end, and the log tells it all', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), steps => {
      const simulation = new ConsumerSimulation()
      for (const step of steps) {
        simulation.step(step)
        simulation.checkLog()
      }
      simulation.settle()
      simulation.checkLog()
    }),
    { numRuns: 300 },
  )
})
