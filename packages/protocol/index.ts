/** What every user of the protocol needs. Messages are imported one by one: `@ottla/protocol/messages/fetch`. */
export { ApiKey, type ApiName, apiName } from './apis.ts'
export { decode, decodeFromBytes, encode, encodeToBytes } from './codec.ts'
export { ErrorCode, type ErrorName, errorName, ProtocolError, type ProtocolErrorCode } from './errors.ts'
export {
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type RequestHeader,
} from './frame.ts'
export { type FrameMemory, FrameReader } from './frame-reader.ts'
export type * from './logrecords/cluster-metadata.ts'
export * from './logrecords/coordinator-record.ts'
export * from './logrecords/metadata-record.ts'
export { Reader } from './reader.ts'
export * from './records/index.ts'
export * from './schema.ts'
export { Writer } from './writer.ts'
