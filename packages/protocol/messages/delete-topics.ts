/**
 * Deletes topics.
 *
 *  3  TOPIC_DELETION_DISABLED     4  flexible        5  error message; THROTTLING_QUOTA_EXCEEDED
 *  6  by name or by id: another list
 */
import { array, int16, int32, message, type Of, string, uuid } from '../schema.ts'

export const DeleteTopicsRequest = message(
  'DeleteTopicsRequest',
  { key: 20, versions: '1-6', flexible: '4+', listeners: ['broker', 'controller'] },
  {
    topics: array(
      {
        name: string('6+', null, { nullable: '6+' }),
        topicId: uuid('6+'),
      },
      '6+',
    ),
    topicNames: array(string(), '0-5', { ignorable: true }),
    timeoutMs: int32(),
  },
)

export type DeleteTopicsRequest = Of<typeof DeleteTopicsRequest>

export const DeleteTopicsResponse = message(
  'DeleteTopicsResponse',
  { key: 20, versions: '1-6', flexible: '4+' },
  {
    throttleTimeMs: int32('1+', 0, { ignorable: true }),
    responses: array({
      name: string('0+', '', { nullable: '6+' }),
      topicId: uuid('6+', { ignorable: true }),
      errorCode: int16(),
      errorMessage: string('5+', null, { nullable: '5+', ignorable: true }),
    }),
  },
)

export type DeleteTopicsResponse = Of<typeof DeleteTopicsResponse>
