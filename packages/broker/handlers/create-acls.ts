/** CreateAcls (key 30), versions 1 to 3: without an authorizer each ACL is refused, as by Kafka. */
import { CreateAclsRequest, CreateAclsResponse } from '@ottla/protocol/messages/create-acls'
import { ApiError } from '../errors.ts'
import { refuseUnknown } from './acl-elements.ts'
import { defineHandler } from './handler.ts'

export const createAcls = defineHandler({
  request: CreateAclsRequest,
  response: CreateAclsResponse,
  handle({ creations }) {
    for (const { resourceType, resourcePatternType, operation, permissionType } of creations) {
      refuseUnknown('CreateAcls', resourceType, resourcePatternType, operation, permissionType)
    }
    throw new ApiError('SECURITY_DISABLED', 'No Authorizer is configured.')
  },
  failed({ creations }, failure) {
    return { results: creations.map(() => failure) }
  },
})
