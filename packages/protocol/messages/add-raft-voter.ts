import { array, bool, int16, int32, message, type Of, string, uint16, uuid } from '../schema.ts'

export const AddRaftVoterRequest = message(
  'AddRaftVoterRequest',
  { key: 80, versions: '0-1', flexible: '0+', listeners: ['controller', 'broker'] },
  {
    clusterId: string('0+', '', { nullable: '0+' }),
    timeoutMs: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array({
      name: string(),
      host: string(),
      port: uint16(),
    }),
    ackWhenCommitted: bool('1+', true),
  },
)

export type AddRaftVoterRequest = Of<typeof AddRaftVoterRequest>

export const AddRaftVoterResponse = message(
  'AddRaftVoterResponse',
  { key: 80, versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', '', { nullable: '0+', ignorable: true }),
  },
)

export type AddRaftVoterResponse = Of<typeof AddRaftVoterResponse>
