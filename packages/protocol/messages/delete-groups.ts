import { array, int16, int32, message, type Of, string } from '../schema.ts'

export const DeleteGroupsRequest = message(
  'DeleteGroupsRequest',
  { key: 42, versions: '0-2', flexible: '2+', listeners: ['broker'] },
  {
    groupsNames: array(string()),
  },
)

export type DeleteGroupsRequest = Of<typeof DeleteGroupsRequest>

export const DeleteGroupsResponse = message(
  'DeleteGroupsResponse',
  { key: 42, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    results: array({
      groupId: string(),
      errorCode: int16(),
    }),
  },
)

export type DeleteGroupsResponse = Of<typeof DeleteGroupsResponse>
