import { array, bool, bytes, int8, int32, int64, message, type Of, string, struct, uuid } from '../schema.ts'

export const RemoteLogSegmentMetadataRecord = message(
  'RemoteLogSegmentMetadataRecord',
  { key: 0, versions: '0', flexible: '0+' },
  {
    remoteLogSegmentId: struct({
      topicIdPartition: struct({
        name: string(),
        id: uuid(),
        partition: int32(),
      }),
      id: uuid(),
    }),
    startOffset: int64(),
    endOffset: int64(),
    brokerId: int32(),
    maxTimestampMs: int64(),
    eventTimestampMs: int64(),
    segmentLeaderEpochs: array({
      leaderEpoch: int32(),
      offset: int64(),
    }),
    segmentSizeInBytes: int32(),
    customMetadata: bytes('0+', null, { nullable: '0+' }),
    remoteLogSegmentState: int8(),
    txnIndexEmpty: bool('0+', false, { tag: 0 }),
  },
)

export type RemoteLogSegmentMetadataRecord = Of<typeof RemoteLogSegmentMetadataRecord>

export const RemoteLogSegmentMetadataSnapshotRecord = message(
  'RemoteLogSegmentMetadataSnapshotRecord',
  { key: 3, versions: '0', flexible: '0+' },
  {
    segmentId: uuid(),
    startOffset: int64(),
    endOffset: int64(),
    brokerId: int32(),
    maxTimestampMs: int64(),
    eventTimestampMs: int64(),
    segmentLeaderEpochs: array({
      leaderEpoch: int32(),
      offset: int64(),
    }),
    segmentSizeInBytes: int32(),
    customMetadata: bytes('0+', null, { nullable: '0+' }),
    remoteLogSegmentState: int8(),
    txnIndexEmpty: bool('0+', false, { tag: 0 }),
  },
)

export type RemoteLogSegmentMetadataSnapshotRecord = Of<typeof RemoteLogSegmentMetadataSnapshotRecord>

export const RemoteLogSegmentMetadataUpdateRecord = message(
  'RemoteLogSegmentMetadataUpdateRecord',
  { key: 1, versions: '0', flexible: '0+' },
  {
    remoteLogSegmentId: struct({
      topicIdPartition: struct({
        name: string(),
        id: uuid(),
        partition: int32(),
      }),
      id: uuid(),
    }),
    brokerId: int32(),
    eventTimestampMs: int64(),
    customMetadata: bytes('0+', null, { nullable: '0+' }),
    remoteLogSegmentState: int8(),
  },
)

export type RemoteLogSegmentMetadataUpdateRecord = Of<typeof RemoteLogSegmentMetadataUpdateRecord>

export const RemotePartitionDeleteMetadataRecord = message(
  'RemotePartitionDeleteMetadataRecord',
  { key: 2, versions: '0', flexible: '0+' },
  {
    topicIdPartition: struct({
      name: string(),
      id: uuid(),
      partition: int32(),
    }),
    brokerId: int32(),
    eventTimestampMs: int64(),
    remotePartitionDeleteState: int8(),
  },
)

export type RemotePartitionDeleteMetadataRecord = Of<typeof RemotePartitionDeleteMetadataRecord>
