import { array, int16, int32, int64, message, type Of, string, struct, uint16, uuid } from '../schema.ts'

const Voter = {
  voterId: int32(),
  voterDirectoryId: uuid('1+'),
}

export const ControlRecordTypeSchema = message(
  'ControlRecordTypeSchema',
  { versions: '0', flexible: 'none' },
  {
    type: int16(),
  },
)

export type ControlRecordTypeSchema = Of<typeof ControlRecordTypeSchema>

export const EndTxnMarker = message(
  'EndTxnMarker',
  { versions: '0', flexible: 'none' },
  {
    coordinatorEpoch: int32(),
  },
)

export type EndTxnMarker = Of<typeof EndTxnMarker>

export const KRaftVersionRecord = message(
  'KRaftVersionRecord',
  { versions: '0', flexible: '0+' },
  {
    version: int16(),
    kRaftVersion: int16(),
  },
)

export type KRaftVersionRecord = Of<typeof KRaftVersionRecord>

export const LeaderChangeMessage = message(
  'LeaderChangeMessage',
  { versions: '0-1', flexible: '0+' },
  {
    version: int16(),
    leaderId: int32(),
    voters: array(Voter),
    grantingVoters: array(Voter),
  },
)

export type LeaderChangeMessage = Of<typeof LeaderChangeMessage>

export const SnapshotFooterRecord = message(
  'SnapshotFooterRecord',
  { versions: '0', flexible: '0+' },
  {
    version: int16(),
  },
)

export type SnapshotFooterRecord = Of<typeof SnapshotFooterRecord>

export const SnapshotHeaderRecord = message(
  'SnapshotHeaderRecord',
  { versions: '0', flexible: '0+' },
  {
    version: int16(),
    lastContainedLogTimestamp: int64(),
  },
)

export type SnapshotHeaderRecord = Of<typeof SnapshotHeaderRecord>

export const VotersRecord = message(
  'VotersRecord',
  { versions: '0', flexible: '0+' },
  {
    version: int16(),
    voters: array({
      voterId: int32(),
      voterDirectoryId: uuid(),
      endpoints: array({
        name: string(),
        host: string(),
        port: uint16(),
      }),
      kRaftVersionFeature: struct({
        minSupportedVersion: int16(),
        maxSupportedVersion: int16(),
      }),
    }),
  },
)

export type VotersRecord = Of<typeof VotersRecord>
