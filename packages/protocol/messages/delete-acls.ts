import { array, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const DeleteAclsRequest = message(
  'DeleteAclsRequest',
  { key: 31, versions: '1-3', flexible: '2+', listeners: ['broker', 'controller'] },
  {
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: string('0+', '', { nullable: '0+' }),
      patternTypeFilter: int8('1+', 3),
      principalFilter: string('0+', '', { nullable: '0+' }),
      hostFilter: string('0+', '', { nullable: '0+' }),
      operation: int8(),
      permissionType: int8(),
    }),
  },
)

export type DeleteAclsRequest = Of<typeof DeleteAclsRequest>

export const DeleteAclsResponse = message(
  'DeleteAclsResponse',
  { key: 31, versions: '1-3', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    filterResults: array({
      errorCode: int16(),
      errorMessage: string('0+', '', { nullable: '0+' }),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: string('0+', '', { nullable: '0+' }),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8('1+', 3),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
)

export type DeleteAclsResponse = Of<typeof DeleteAclsResponse>
