import { int16, int32, message, type Of, string, uuid } from '../schema.ts'

export const RemoveRaftVoterRequest = message(
  'RemoveRaftVoterRequest',
  { key: 81, versions: '0', flexible: '0+', listeners: ['controller', 'broker'] },
  {
    clusterId: string('0+', '', { nullable: '0+' }),
    voterId: int32(),
    voterDirectoryId: uuid(),
  },
)

export type RemoveRaftVoterRequest = Of<typeof RemoveRaftVoterRequest>

export const RemoveRaftVoterResponse = message(
  'RemoveRaftVoterResponse',
  { key: 81, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', '', { nullable: '0+', ignorable: true }),
  },
)

export type RemoveRaftVoterResponse = Of<typeof RemoveRaftVoterResponse>
