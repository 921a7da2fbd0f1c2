import { array, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const CreateAclsRequest = message(
  'CreateAclsRequest',
  { key: 30, versions: '1-3', flexible: '2+', listeners: ['broker', 'controller'] },
  {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8('1+', 3),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
)

export type CreateAclsRequest = Of<typeof CreateAclsRequest>

export const CreateAclsResponse = message(
  'CreateAclsResponse',
  { key: 30, versions: '1-3', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    results: array({
      errorCode: int16(),
      errorMessage: string('0+', '', { nullable: '0+' }),
    }),
  },
)

export type CreateAclsResponse = Of<typeof CreateAclsResponse>
