import { array, int16, int32, message, type Of, string, uuid } from '../schema.ts'

export const DeleteShareGroupStateRequest = message(
  'DeleteShareGroupStateRequest',
  { key: 86, versions: '0', flexible: '0+', listeners: ['broker'] },
  {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
      }),
    }),
  },
)

export type DeleteShareGroupStateRequest = Of<typeof DeleteShareGroupStateRequest>

export const DeleteShareGroupStateResponse = message(
  'DeleteShareGroupStateResponse',
  { key: 86, versions: '0', flexible: '0+' },
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

export type DeleteShareGroupStateResponse = Of<typeof DeleteShareGroupStateResponse>
