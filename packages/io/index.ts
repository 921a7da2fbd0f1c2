export { DiskError, NetworkError, WorkerError } from './errors.ts'
export type * from './io.ts'
export * from './node/index.ts'
export { transferring } from './transfer.ts'
