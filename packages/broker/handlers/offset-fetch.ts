/**
 * OffsetFetch (key 9), versions 1 to 10.
 *
 * 2 all topics, top-level error · 5 leader epoch · 7 stable offsets only (KIP-447) · 8 many groups (KIP-709) · 10 topic
 * ids (KIP-516)
 */
import { ZERO_UUID } from '@ottla/protocol'
import { OffsetFetchRequest, OffsetFetchResponse } from '@ottla/protocol/messages/offset-fetch'
import { failedFetch } from '../coordinator/group-topics.ts'
import { defineHandler } from './handler.ts'

const TOP_LEVEL_ERROR_SINCE = 2
const MANY_GROUPS_SINCE = 8

export const offsetFetch = defineHandler({
  request: OffsetFetchRequest,
  response: OffsetFetchResponse,
  handle(request, context, { groups }) {
    return groups.offsetFetch(request, context)
  },
  failed({ groups, topics }, { errorCode }, apiVersion) {
    if (apiVersion >= MANY_GROUPS_SINCE) return { groups: groups.map(({ groupId }) => ({ groupId, errorCode })) }
    if (apiVersion >= TOP_LEVEL_ERROR_SINCE) return { errorCode }
    return { topics: (topics ?? []).map(topic => failedFetch({ ...topic, topicId: ZERO_UUID }, errorCode)) }
  },
})
