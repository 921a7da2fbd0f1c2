/**
 * Creates topics.
 *
 *  4  -1 partitions and replicas: the defaults       5  flexible; the response has the configuration
 *  6  THROTTLING_QUOTA_EXCEEDED (KIP-599)            7  the response has the topic id
 */
import { array, bool, int8, int16, int32, message, type Of, string, uuid } from '../schema.ts'

export const CreateTopicsRequest = message(
  'CreateTopicsRequest',
  { key: 19, versions: '2-7', flexible: '5+', listeners: ['broker', 'controller'] },
  {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({
        partitionIndex: int32(),
        brokerIds: array(int32()),
      }),
      configs: array({
        name: string(),
        value: string('0+', '', { nullable: '0+' }),
      }),
    }),
    timeoutMs: int32('0+', 60000),
    validateOnly: bool('1+'),
  },
)

export type CreateTopicsRequest = Of<typeof CreateTopicsRequest>

export const CreateTopicsResponse = message(
  'CreateTopicsResponse',
  { key: 19, versions: '2-7', flexible: '5+' },
  {
    throttleTimeMs: int32('2+', 0, { ignorable: true }),
    topics: array({
      name: string(),
      topicId: uuid('7+', { ignorable: true }),
      errorCode: int16(),
      errorMessage: string('1+', '', { nullable: '0+', ignorable: true }),
      topicConfigErrorCode: int16('5+', 0, { tag: 0, ignorable: true }),
      numPartitions: int32('5+', -1, { ignorable: true }),
      replicationFactor: int16('5+', -1, { ignorable: true }),
      configs: array(
        {
          name: string('5+'),
          value: string('5+', '', { nullable: '5+' }),
          readOnly: bool('5+'),
          configSource: int8('5+', -1, { ignorable: true }),
          isSensitive: bool('5+'),
        },
        '5+',
        { nullable: '5+', ignorable: true },
      ),
    }),
  },
)

export type CreateTopicsResponse = Of<typeof CreateTopicsResponse>
