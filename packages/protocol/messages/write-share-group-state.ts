import { array, int8, int16, int32, int64, message, type Of, string, uuid } from '../schema.ts'

export const WriteShareGroupStateRequest = message(
  'WriteShareGroupStateRequest',
  { key: 85, versions: '0-1', flexible: '0+', listeners: ['broker'] },
  {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        stateEpoch: int32(),
        leaderEpoch: int32(),
        startOffset: int64(),
        deliveryCompleteCount: int32('1+', -1, { ignorable: true }),
        stateBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryState: int8(),
          deliveryCount: int16(),
        }),
      }),
    }),
  },
)

export type WriteShareGroupStateRequest = Of<typeof WriteShareGroupStateRequest>

export const WriteShareGroupStateResponse = message(
  'WriteShareGroupStateResponse',
  { key: 85, versions: '0-1', flexible: '0+' },
  {
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: int16(),
        errorMessage: string('0+', null, { nullable: '0+' }),
      }),
    }),
  },
)

export type WriteShareGroupStateResponse = Of<typeof WriteShareGroupStateResponse>
