/** DeleteShareGroupOffsets (key 92), version 0: a share group without members has never read these topics. */
import {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/delete-share-group-offsets'
import { defineHandler } from './handler.ts'
import { checkShareVersion } from './share-version.ts'

export const deleteShareGroupOffsets = defineHandler({
  request: DeleteShareGroupOffsetsRequest,
  response: DeleteShareGroupOffsetsResponse,
  handle(request, context, services) {
    checkShareVersion(services, 'The version of API is not supported.')
    return services.groups.shares.deleteShareGroupOffsets(request, context)
  },
})
