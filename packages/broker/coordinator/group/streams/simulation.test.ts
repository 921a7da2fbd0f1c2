/** Whatever members do, in whatever order: see testing/simulation.ts for what holds. */
import { test } from 'node:test'
import fc from 'fast-check'
import { MEMBERS, type Step, StreamsSimulation } from './testing/simulation.ts'

const member = fc.nat(MEMBERS - 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: member.map((member): Step => ({ do: 'beat', member })) },
  { weight: 5, arbitrary: member.map((member): Step => ({ do: 'revoke', member })) },
  { weight: 4, arbitrary: member.map((member): Step => ({ do: 'join', member })) },
  { weight: 2, arbitrary: member.map((member): Step => ({ do: 'silent beat', member })) },
  { weight: 2, arbitrary: member.map((member): Step => ({ do: 'lost answer', member })) },
  { weight: 1, arbitrary: member.map((member): Step => ({ do: 'leave', member })) },
  { weight: 1, arbitrary: member.map((member): Step => ({ do: 'crash', member })) },
  { weight: 3, arbitrary: fc.nat(6000).map((ms): Step => ({ do: 'advance', ms })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(5), fc.boolean())
      .map(([inPartitions, isInternalThere]): Step => ({ do: 'topics', inPartitions, isInternalThere })),
  },
  { weight: 1, arbitrary: fc.nat(2).map((replicas): Step => ({ do: 'standby', replicas })) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'restart' }) },
)

test('whatever members do, no task is with two, the log tells it all, and in the end every task is with somebody', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), steps => {
      const simulation = new StreamsSimulation()
      for (const [i, step] of steps.entries()) {
        simulation.step(step)
        if (i % 10 === 0) simulation.checkLog()
      }
      simulation.settle()
      simulation.checkLog()
    }),
    { numRuns: 300 },
  )
})
