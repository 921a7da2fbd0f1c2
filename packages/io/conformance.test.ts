/** The suites of conformance/, run against the real world and the simulated one. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clockConformance } from './conformance/clock.ts'
import { diskDifferential } from './conformance/differential.ts'
import { type DiskUnderTest, diskConformance } from './conformance/disk.ts'
import { networkConformance } from './conformance/network.ts'
import { randomConformance } from './conformance/random.ts'
import { workersConformance } from './conformance/workers.ts'
import { VirtualClock, type VirtualClockOptions } from './memory/clock.ts'
import { MemoryDisk, type MemoryDiskOptions } from './memory/disk.ts'
import { SeededRandom } from './memory/random.ts'
import { MemoryStorage } from './memory/storage.ts'
import { type MemoryWorldOptions, memoryWorld } from './memory/world.ts'
import { NodeClock } from './node/clock.ts'
import { NodeDisk, type NodeDiskOptions } from './node/disk.ts'
import { NodeNetwork } from './node/network.ts'
import { NodeRandom } from './node/random.ts'
import { NodeWorkers } from './node/workers.ts'

const nodeDisk = (options: NodeDiskOptions) => async (): Promise<DiskUnderTest> => {
  const root = await mkdtemp(join(tmpdir(), 'ottla-io-'))
  const disk = new NodeDisk(options)
  return { disk, root, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) }
}

const memoryDisk = (options: Partial<MemoryDiskOptions>) => async (): Promise<DiskUnderTest> => {
  const storage = new MemoryStorage({ tracksDurability: true })
  const disk = new MemoryDisk({ storage, clock: new NodeClock(), random: new SeededRandom(1), ...options })
  await disk.makeDirectory('/data')
  return { disk, root: '/data', [Symbol.asyncDispose]: async () => {} }
}

diskConformance('node', nodeDisk({}))
diskConformance('node, all writes in the thread pool', nodeDisk({ inlineWriteBytes: 0 }))
diskConformance('node, one handle', nodeDisk({ maxOpenFiles: 1 }))
diskConformance('memory', memoryDisk({}))
diskConformance('memory, with delays', memoryDisk({ latencyMs: [0, 2] }))

diskDifferential(nodeDisk({ maxOpenFiles: 2 }), memoryDisk({}))

/** Its events run by themselves, as in a test that embeds a cluster. */
const auto: VirtualClockOptions = { flow: 'auto' }
const memoryNetwork = (network: MemoryWorldOptions['network'], clock: 'virtual' | 'real') => () =>
  memoryWorld({ clock, time: auto, network }).network

networkConformance('node', () => new NodeNetwork())
networkConformance('memory', memoryNetwork({}, 'real'))
networkConformance('memory, in virtual time', memoryNetwork({}, 'virtual'))
networkConformance(
  'memory, in fragments that overtake each other',
  memoryNetwork({ delayMs: [0, 1], fragments: true }, 'real'),
)

clockConformance('node', () => ({ clock: new NodeClock(), until: goal => goal }))
clockConformance('virtual', () => {
  const clock = new VirtualClock()
  return { clock, until: goal => clock.runUntil(goal) }
})

randomConformance('node', () => new NodeRandom())
randomConformance('seeded', () => new SeededRandom(42))

workersConformance('node', () => new NodeWorkers({ max: 2 }))
workersConformance('inline', () => memoryWorld({ time: auto }).workers)
