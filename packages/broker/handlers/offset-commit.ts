/**
 * OffsetCommit (key 8), versions 2 to 10.
 *
 * 2 to 4 retention of the commit's own · 6 leader epoch · 7 static members (KIP-345) · 9 GROUP_ID_NOT_FOUND (KIP-848) · 10
 * topic ids (KIP-516)
 */
import { OffsetCommitRequest, OffsetCommitResponse } from '@ottla/protocol/messages/offset-commit'
import { failedCommit } from '../coordinator/group/offset-requests.ts'
import { defineHandler } from './handler.ts'

export const offsetCommit = defineHandler({
  request: OffsetCommitRequest,
  response: OffsetCommitResponse,
  handle(request, context, { groups }) {
    return groups.offsetCommit(request, context)
  },
  failed(request, { errorCode }) {
    return failedCommit(request, errorCode)
  },
})
