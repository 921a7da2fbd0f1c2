import { array, int16, int32, message, type Of, string, uuid } from '../schema.ts'

export const DeleteShareGroupOffsetsRequest = message(
  'DeleteShareGroupOffsetsRequest',
  { key: 92, versions: '0', flexible: '0+', listeners: ['broker'] },
  {
    groupId: string(),
    topics: array({
      topicName: string(),
    }),
  },
)

export type DeleteShareGroupOffsetsRequest = Of<typeof DeleteShareGroupOffsetsRequest>

export const DeleteShareGroupOffsetsResponse = message(
  'DeleteShareGroupOffsetsResponse',
  { key: 92, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', null, { nullable: '0+' }),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      errorCode: int16(),
      errorMessage: string('0+', null, { nullable: '0+' }),
    }),
  },
)

export type DeleteShareGroupOffsetsResponse = Of<typeof DeleteShareGroupOffsetsResponse>
