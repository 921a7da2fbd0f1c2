/** AlterShareGroupOffsets (key 91), version 0: where a share group without members begins, from now on. */
import {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/alter-share-group-offsets'
import { defineHandler } from './handler.ts'
import { checkShareVersion } from './share-version.ts'

export const alterShareGroupOffsets = defineHandler({
  request: AlterShareGroupOffsetsRequest,
  response: AlterShareGroupOffsetsResponse,
  handle(request, context, services) {
    checkShareVersion(services, 'The version of API is not supported.')
    return services.groups.shares.alterShareGroupOffsets(request, context)
  },
})
