/** DeleteAcls (key 31), versions 1 to 3: without an authorizer each filter is refused, as by Kafka. */
import { DeleteAclsRequest, DeleteAclsResponse } from '@ottla/protocol/messages/delete-acls'
import { ApiError } from '../errors.ts'
import { refuseUnknown } from './acl-elements.ts'
import { defineHandler } from './handler.ts'

export const deleteAcls = defineHandler({
  request: DeleteAclsRequest,
  response: DeleteAclsResponse,
  handle({ filters }) {
    for (const { resourceTypeFilter, patternTypeFilter, operation, permissionType } of filters) {
      refuseUnknown('DeleteAcls', resourceTypeFilter, patternTypeFilter, operation, permissionType)
    }
    throw new ApiError('SECURITY_DISABLED', 'No Authorizer is configured.')
  },
  failed({ filters }, failure) {
    return { filterResults: filters.map(() => failure) }
  },
})
