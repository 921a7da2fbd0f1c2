/** Whatever members do, in whatever order: see testing/simulation.ts for what holds. */
import { test } from 'node:test'
import fc from 'fast-check'
import { MEMBERS, Simulation, type Step } from './testing/simulation.ts'

const member = fc.nat(MEMBERS.length - 1)
const small = fc.integer({ min: 1, max: 12 })

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(small, fc.nat(9)).map(([count, n]): Step => ({ do: 'append', count, isAborted: n === 0 })),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(member, small, fc.integer({ min: 1, max: 4 }), fc.boolean())
      .map(([who, max, read, limit]): Step => ({ do: 'fetch', member: who, max, read, limit })),
  },
  {
    weight: 10,
    arbitrary: fc
      .tuple(member, fc.nat(20), small, fc.constantFrom(0, 1, 1, 1, 2, 2, 2, 3, 4))
      .map(([who, skip, take, type]): Step => ({ do: 'acknowledge', member: who, skip, take, type })),
  },
  { weight: 8, arbitrary: fc.nat(9).map((n): Step => ({ do: 'settle', isWritten: n > 0 })) },
  { weight: 4, arbitrary: fc.nat(600).map((ms): Step => ({ do: 'advance', ms })) },
  { weight: 1, arbitrary: member.map((who): Step => ({ do: 'release', member: who })) },
  { weight: 1, arbitrary: fc.nat(3).map((written): Step => ({ do: 'restart', written })) },
  { weight: 1, arbitrary: fc.nat(15).map((by): Step => ({ do: 'log start', by })) },
)

test('whatever members do, each record is one member’s at a time, and all are done in the end', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), steps => {
      const simulation = new Simulation()
      for (const one of steps) simulation.step(one)
      simulation.finish()
    }),
    { numRuns: 1000 },
  )
})
