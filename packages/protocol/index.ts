export { ErrorCode, type ErrorName, errorName, ProtocolError, type ProtocolErrorCode } from './errors.ts'
export { FrameReader } from './frame-reader.ts'
export * from './records/index.ts'
export * from './schema.ts'
