export { ErrorCode, type ErrorName, errorName, ProtocolError, type ProtocolErrorCode } from './errors.ts'
export * from './schema.ts'
