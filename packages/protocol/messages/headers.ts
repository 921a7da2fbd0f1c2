import { int16, int32, message, type Of, string } from '../schema.ts'

export const RequestHeader = message(
  'RequestHeader',
  { versions: '1-2', flexible: '2+' },
  {
    requestApiKey: int16(),
    requestApiVersion: int16(),
    correlationId: int32(),
    clientId: string('1+', '', { nullable: '1+', flexible: 'none' }),
  },
)

export type RequestHeader = Of<typeof RequestHeader>

export const ResponseHeader = message(
  'ResponseHeader',
  { versions: '0-1', flexible: '1+' },
  {
    correlationId: int32(),
  },
)

export type ResponseHeader = Of<typeof ResponseHeader>
