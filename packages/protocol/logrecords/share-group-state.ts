import { array, int8, int16, int32, int64, message, type Of, string, uuid } from '../schema.ts'

export const ShareSnapshotKey = message(
  'ShareSnapshotKey',
  { key: 0, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    topicId: uuid('0'),
    partition: int32('0'),
  },
)

export type ShareSnapshotKey = Of<typeof ShareSnapshotKey>

export const ShareSnapshotValue = message(
  'ShareSnapshotValue',
  { key: 0, versions: '0', flexible: '0+' },
  {
    snapshotEpoch: int32(),
    stateEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32('0+', -1, { tag: 0 }),
    createTimestamp: int64(),
    writeTimestamp: int64(),
    stateBatches: array({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16(),
    }),
  },
)

export type ShareSnapshotValue = Of<typeof ShareSnapshotValue>

export const ShareUpdateKey = message(
  'ShareUpdateKey',
  { key: 1, versions: '0', flexible: 'none' },
  {
    groupId: string('0'),
    topicId: uuid('0'),
    partition: int32('0'),
  },
)

export type ShareUpdateKey = Of<typeof ShareUpdateKey>

export const ShareUpdateValue = message(
  'ShareUpdateValue',
  { key: 1, versions: '0', flexible: '0+' },
  {
    snapshotEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32('0+', -1, { tag: 0 }),
    stateBatches: array({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16(),
    }),
  },
)

export type ShareUpdateValue = Of<typeof ShareUpdateValue>
