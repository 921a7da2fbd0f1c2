import { array, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const FindCoordinatorRequest = message(
  'FindCoordinatorRequest',
  { key: 10, versions: '0-6', flexible: '3+', listeners: ['broker'] },
  {
    key: string('0-3'),
    keyType: int8('1+'),
    coordinatorKeys: array(string(), '4+'),
  },
)

export type FindCoordinatorRequest = Of<typeof FindCoordinatorRequest>

export const FindCoordinatorResponse = message(
  'FindCoordinatorResponse',
  { key: 10, versions: '0-6', flexible: '3+' },
  {
    throttleTimeMs: int32('1+', 0, { ignorable: true }),
    errorCode: int16('0-3'),
    errorMessage: string('1-3', '', { nullable: '1-3', ignorable: true }),
    nodeId: int32('0-3'),
    host: string('0-3'),
    port: int32('0-3'),
    coordinators: array(
      {
        key: string('4+'),
        nodeId: int32('4+'),
        host: string('4+'),
        port: int32('4+'),
        errorCode: int16('4+'),
        errorMessage: string('4+', '', { nullable: '4+', ignorable: true }),
      },
      '4+',
    ),
  },
)

export type FindCoordinatorResponse = Of<typeof FindCoordinatorResponse>
