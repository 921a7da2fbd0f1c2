/**
 * Deletes committed offsets of a group.
 */
import { array, int16, int32, message, type Of, string } from '../schema.ts'

export const OffsetDeleteRequest = message(
  'OffsetDeleteRequest',
  { key: 47, versions: '0', flexible: 'none', listeners: ['broker'] },
  {
    groupId: string(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  },
)

export type OffsetDeleteRequest = Of<typeof OffsetDeleteRequest>

export const OffsetDeleteResponse = message(
  'OffsetDeleteResponse',
  { key: 47, versions: '0', flexible: 'none' },
  {
    errorCode: int16(),
    throttleTimeMs: int32('0+', 0, { ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
)

export type OffsetDeleteResponse = Of<typeof OffsetDeleteResponse>
