import { array, bool, int8, int16, int32, int64, message, type Of, string, struct, uuid } from '../schema.ts'

export const ShareAcknowledgeRequest = message(
  'ShareAcknowledgeRequest',
  { key: 79, versions: '1-2', flexible: '0+', listeners: ['broker'] },
  {
    groupId: string('0+', null, { nullable: '0+' }),
    memberId: string('0+', '', { nullable: '0+' }),
    shareSessionEpoch: int32(),
    isRenewAck: bool('2+'),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          acknowledgeTypes: array(int8()),
        }),
      }),
    }),
  },
)

export type ShareAcknowledgeRequest = Of<typeof ShareAcknowledgeRequest>

export const ShareAcknowledgeResponse = message(
  'ShareAcknowledgeResponse',
  { key: 79, versions: '1-2', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', null, { nullable: '0+' }),
    acquisitionLockTimeoutMs: int32('2+', 0, { ignorable: true }),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('0+', null, { nullable: '0+' }),
        currentLeader: struct({
          leaderId: int32(),
          leaderEpoch: int32(),
        }),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string('0+', null, { nullable: '0+' }),
    }),
  },
)

export type ShareAcknowledgeResponse = Of<typeof ShareAcknowledgeResponse>
