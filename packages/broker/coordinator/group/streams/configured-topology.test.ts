/** What members are told of topics that don't fit: in Kafka's words, since its own tests look for them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imageWith } from '../testing/image.ts'
import { configureTopology } from './configured-topology.ts'
import { parseTopology } from './testing/topologies.ts'
import { Topology } from './topology.ts'

const image = imageWith({ in: 2, other: 3, log: 4 })

for (const [topology, message] of [
  ['0:gone,in,away', 'Source topics away, gone are missing.'],
  ['0:in,other!', 'Following topics do not have the same number of partitions: [{in=2, other=3}]'],
  [
    '0:in>rep 1:other~rep=5!',
    "Number of partitions [5] of repartition topic [rep] doesn't match number of partitions [3] of the source topic.",
  ],
  // Two that the application fixes, of which only one is in the group that is looked at.
  [
    '0:in>one,two 1:~one=2,free! 2:other>free 3:~two=3',
    'Following topics do not have the same number of partitions: [{free=3, one=2}]',
  ],
  ['0:in>rep 1:~rep+log', 'Existing topic log has different number of partitions: expected 2, found 4'],
  ['0:in>rep 1:~rep', 'Internal topics are missing: rep'],
] as const) {
  test(message, () => {
    const { problem } = configureTopology(Topology.requested(parseTopology(topology)), image)
    assert.equal(problem?.message, message)
  })
}
