/**
 * Moves the log start offset up.
 *
 *  2  flexible
 */
import { array, int16, int32, int64, message, type Of, string } from '../schema.ts'

export const DeleteRecordsRequest = message(
  'DeleteRecordsRequest',
  { key: 21, versions: '0-2', flexible: '2+', listeners: ['broker'] },
  {
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        offset: int64(),
      }),
    }),
    timeoutMs: int32(),
  },
)

export type DeleteRecordsRequest = Of<typeof DeleteRecordsRequest>

export const DeleteRecordsResponse = message(
  'DeleteRecordsResponse',
  { key: 21, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        lowWatermark: int64(),
        errorCode: int16(),
      }),
    }),
  },
)

export type DeleteRecordsResponse = Of<typeof DeleteRecordsResponse>
