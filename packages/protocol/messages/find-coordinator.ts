/**
 * The coordinator of a group (key type 0), a transactional id (1) or share partition (2, group:topicId:partition).
 *
 *  1  key type, error message     3  flexible       4  many keys at once: the single one is gone (KIP-699)
 *  5  TRANSACTION_ABORTABLE       6  share partitions (KIP-932)
 */
import { array, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const FindCoordinatorRequest = message(
  'FindCoordinatorRequest',
  { key: 10, versions: '0-6', flexible: '3+', listeners: ['broker'] },
  {
    key: string('0-3'),
    keyType: int8('1+'),
    coordinatorKeys: array(string(), '4+'),
  },
)

export type FindCoordinatorRequest = Of<typeof FindCoordinatorRequest>

export const FindCoordinatorResponse = message(
  'FindCoordinatorResponse',
  { key: 10, versions: '0-6', flexible: '3+' },
  {
    throttleTimeMs: int32('1+', 0, { ignorable: true }),
    errorCode: int16('0-3'),
    errorMessage: string('1-3', '', { nullable: '1-3', ignorable: true }),
    nodeId: int32('0-3'),
    host: string('0-3'),
    port: int32('0-3'),
    coordinators: array(
      {
        key: string('4+'),
        nodeId: int32('4+'),
        host: string('4+'),
        port: int32('4+'),
        errorCode: int16('4+'),
        errorMessage: string('4+', '', { nullable: '4+', ignorable: true }),
      },
      '4+',
    ),
  },
)

export type FindCoordinatorResponse = Of<typeof FindCoordinatorResponse>
