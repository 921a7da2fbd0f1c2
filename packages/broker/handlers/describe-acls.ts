/** DescribeAcls (key 29), versions 1 to 3: there is no authorizer whose ACLs could be told, and that is the answer, as Kafka's. */
import { ErrorCode } from '@ottla/protocol'
import { DescribeAclsRequest, DescribeAclsResponse } from '@ottla/protocol/messages/describe-acls'
import { refuseUnknown } from './acl-elements.ts'
import { defineHandler } from './handler.ts'

export const describeAcls = defineHandler({
  request: DescribeAclsRequest,
  response: DescribeAclsResponse,
  handle({ resourceTypeFilter, patternTypeFilter, operation, permissionType }) {
    refuseUnknown('DescribeAcls', resourceTypeFilter, patternTypeFilter, operation, permissionType)
    return { errorCode: ErrorCode.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured on the broker' }
  },
})
