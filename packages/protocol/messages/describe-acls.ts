import { array, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const DescribeAclsRequest = message(
  'DescribeAclsRequest',
  { key: 29, versions: '1-3', flexible: '2+', listeners: ['broker', 'controller'] },
  {
    resourceTypeFilter: int8(),
    resourceNameFilter: string('0+', '', { nullable: '0+' }),
    patternTypeFilter: int8('1+', 3),
    principalFilter: string('0+', '', { nullable: '0+' }),
    hostFilter: string('0+', '', { nullable: '0+' }),
    operation: int8(),
    permissionType: int8(),
  },
)

export type DescribeAclsRequest = Of<typeof DescribeAclsRequest>

export const DescribeAclsResponse = message(
  'DescribeAclsResponse',
  { key: 29, versions: '1-3', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', '', { nullable: '0+' }),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8('1+', 3),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
)

export type DescribeAclsResponse = Of<typeof DescribeAclsResponse>
