/**
 * DescribeShareGroupOffsets (key 90), versions 0 to 1: where share groups begin in partitions.
 *
 * 1 lag (KIP-1226)
 */
import {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from '@ottla/protocol/messages/describe-share-group-offsets'
import { defineHandler } from './handler.ts'
import { checkShareVersion } from './share-version.ts'

export const describeShareGroupOffsets = defineHandler({
  request: DescribeShareGroupOffsetsRequest,
  response: DescribeShareGroupOffsetsResponse,
  handle(request, _context, services) {
    checkShareVersion(services)
    return services.groups.shares.describeShareGroupOffsets(request)
  },
  failed({ groups }, { errorCode, errorMessage }) {
    return { groups: groups.map(({ groupId }) => ({ groupId, errorCode, errorMessage })) }
  },
})
