/** `@ottla/io/node`: the real world alone, for programs that never simulate. */
export type * from '../io.ts'
export type { NodeDiskOptions } from './disk.ts'
export { type HttpAnswer, type HttpListener, type HttpOptions, serveHttp } from './http.ts'
export type { LogStream, NodeLoggerOptions } from './logger.ts'
export type { NodeNetworkOptions } from './network.ts'
export type { NodeWorkersOptions } from './workers.ts'
export { type NodeWorldOptions, nodeWorld } from './world.ts'
