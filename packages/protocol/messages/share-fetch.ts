/**
 * Acquires records of a share group, and acknowledges others on the way (KIP-932).
 *
 *  1  the first that lasted  2  how strictly to keep to the number asked for (KIP-1206), renewal of locks (KIP-1222)
 */
import { array, bool, int8, int16, int32, int64, message, type Of, records, string, struct, uuid } from '../schema.ts'

export const ShareFetchRequest = message(
  'ShareFetchRequest',
  { key: 78, versions: '1-2', flexible: '0+', listeners: ['broker'] },
  {
    groupId: string('0+', null, { nullable: '0+' }),
    memberId: string('0+', '', { nullable: '0+' }),
    shareSessionEpoch: int32(),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32('0+', 0x7fffffff),
    maxRecords: int32('1+'),
    batchSize: int32('1+'),
    shareAcquireMode: int8('2+', 0, { ignorable: true }),
    isRenewAck: bool('2+'),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        partitionMaxBytes: int32('0'),
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          acknowledgeTypes: array(int8()),
        }),
      }),
    }),
    forgottenTopicsData: array({
      topicId: uuid(),
      partitions: array(int32()),
    }),
  },
)

export type ShareFetchRequest = Of<typeof ShareFetchRequest>

export const ShareFetchResponse = message(
  'ShareFetchResponse',
  { key: 78, versions: '1-2', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', null, { nullable: '0+' }),
    acquisitionLockTimeoutMs: int32('1+'),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('0+', null, { nullable: '0+' }),
        acknowledgeErrorCode: int16(),
        acknowledgeErrorMessage: string('0+', null, { nullable: '0+' }),
        currentLeader: struct({
          leaderId: int32(),
          leaderEpoch: int32(),
        }),
        records: records('0+', undefined, { nullable: '0' }),
        acquiredRecords: array({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryCount: int16(),
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

export type ShareFetchResponse = Of<typeof ShareFetchResponse>
