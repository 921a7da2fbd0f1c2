/** The requests about share groups that the group machine passes on: each does its work or is refused as a whole. */
import { ApiError } from '../../../errors.ts'
import type { GroupRequest } from '../requests.ts'
import type { Turn } from '../turn.ts'
import { shareGroupHeartbeat } from './heartbeat.ts'
import { alterShareGroupOffsets, deleteShareGroupOffsets, deleteShareGroupState } from './offset-requests.ts'
import type { Done, ShareGroupApis, StateTopicsRequest } from './requests.ts'
import { ShareGroup } from './share-group.ts'
import { endDeleting, endInitializing, giveUpInitializing } from './state-partitions.ts'

type ShareCall = Extract<GroupRequest, { readonly api: keyof ShareGroupApis }>

const APIS: ReadonlySet<string> = new Set<keyof ShareGroupApis>([
  'shareGroupHeartbeat',
  'initializedShareGroupState',
  'uninitializedShareGroupState',
  'alterShareGroupOffsets',
  'deleteShareGroupOffsets',
  'deletedShareGroupOffsets',
  'deleteShareGroupState',
])

export function isShareCall(call: GroupRequest): call is ShareCall {
  return APIS.has(call.api)
}

/** Whoever is refused has changed nothing: that is found out first. */
export function handleShareCall(turn: Turn, requestId: number, call: ShareCall): void {
  try {
    turn.complete(requestId, answer(turn, call))
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    turn.complete(requestId, { refused: error })
  }
}

function answer(turn: Turn, call: ShareCall): ShareGroupApis[keyof ShareGroupApis][1] {
  switch (call.api) {
    case 'shareGroupHeartbeat':
      return shareGroupHeartbeat(turn, call.request, call.caller)
    case 'initializedShareGroupState':
      return withGroup(turn, call.request, group => endInitializing(turn, group, call.request.topics))
    case 'uninitializedShareGroupState':
      return withGroup(turn, call.request, group => giveUpInitializing(turn, group, call.request.topics))
    case 'alterShareGroupOffsets':
      return alterShareGroupOffsets(turn, call.request)
    case 'deleteShareGroupOffsets':
      return deleteShareGroupOffsets(turn, call.request)
    case 'deletedShareGroupOffsets':
      return withGroup(turn, call.request, group => endDeleting(turn, group, new Set(call.request.topics.keys())))
    case 'deleteShareGroupState':
      return deleteShareGroupState(turn, call.request.groupId)
  }
}

/** It may have been deleted meanwhile. */
function withGroup({ store }: Turn, { groupId }: StateTopicsRequest, work: (group: ShareGroup) => void): Done {
  const group = store.groups.get(groupId)
  if (group instanceof ShareGroup) work(group)
  return { done: true }
}
