/** `@ottla/io/memory`: the simulated world, for tests and the simulator. */
export { type RunUntilOptions, VirtualClock, type VirtualClockOptions } from './clock.ts'
export type { DiskOperation, Fault, FaultRule, MemoryDisk, Range } from './disk.ts'
export type { MemoryLog } from './log.ts'
export { type MemoryHost, MemoryNetwork, type MemoryNetworkOptions } from './network.ts'
export { SeededRandom } from './random.ts'
export { MemoryStorage, type MemoryStorageOptions } from './storage.ts'
export { MemoryWorld, type MemoryWorldOptions, memoryWorld } from './world.ts'
