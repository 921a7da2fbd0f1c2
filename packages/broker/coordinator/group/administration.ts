/** DescribeGroups, ListGroups and DeleteGroups, as far as one partition of the offsets topic can answer them. */
import { ErrorCode } from '@ottla/protocol'
import type { DeleteGroupsRequest } from '@ottla/protocol/messages/delete-groups'
import type { DescribeGroupsResponse } from '@ottla/protocol/messages/describe-groups'
import type { ListGroupsResponse } from '@ottla/protocol/messages/list-groups'
import { classicGroup } from './classic/rebalance.ts'
import type { Group } from './group.ts'
import type { GroupStore } from './group-store.ts'
import { kindOf } from './kinds.ts'
import { offsetTombstone } from './offset-records.ts'
import type { GroupRecord } from './records.ts'
import { inTableOrder } from './table-order.ts'
import type { Turn } from './turn.ts'

export type DescribedGroup = Partial<DescribeGroupsResponse['groups'][number]> & { readonly groupId: string }
export type ListedGroup = ListGroupsResponse['groups'][number]

/** Where older clients take a group that is not there for one that is dead. */
const GROUP_ID_NOT_FOUND_SINCE = 6

export function describeGroup(store: GroupStore, groupId: string, apiVersion: number): DescribedGroup {
  const group = classicGroup(store, groupId)
  if (!group) {
    const dead = { groupId, groupState: 'Dead' }
    if (apiVersion < GROUP_ID_NOT_FOUND_SINCE) return dead
    const errorMessage = `Group ${groupId} ${store.groups.has(groupId) ? 'is not a classic group' : 'not found'}.`
    return { ...dead, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage }
  }
  // While members join, what they will agree on is not known.
  const protocolName = group.state === 'Stable' ? group.protocolName : null
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: protocolName ?? '',
    members: [...group.members.values()].map(member => member.describe(protocolName)),
  }
}

/** Filters don't mind upper and lower case; an empty one lets everything pass. */
export function listGroups(
  store: GroupStore,
  statesFilter: readonly string[],
  typesFilter: readonly string[],
): ListedGroup[] {
  const types = new Set(typesFilter.map(type => type.toLowerCase()))
  const states = new Set(statesFilter.map(state => state.trim().toLowerCase()))
  const listed: ListedGroup[] = []
  for (const { id, kind, state, protocolType } of store.groups.values()) {
    if (types.size > 0 && !types.has(kind)) continue
    if (states.size > 0 && !states.has(state.toLowerCase())) continue
    listed.push({ groupId: id, protocolType: protocolType ?? '', groupState: state, groupType: kind })
  }
  return inTableOrder(listed, ({ groupId }) => groupId)
}

export function deleteGroups(turn: Turn, requestId: number, request: DeleteGroupsRequest): void {
  const results = request.groupsNames.map(groupId => ({ groupId, errorCode: deleteGroup(turn, groupId) }))
  turn.complete(requestId, { results })
}

function deleteGroup(turn: Turn, groupId: string): number {
  const group = turn.store.groups.get(groupId)
  if (!group) return ErrorCode.GROUP_ID_NOT_FOUND
  const errorCode = group.checkDelete()
  if (errorCode !== ErrorCode.NONE) return errorCode
  const { offsets, observer } = turn.store
  const before = offsets.committedCount
  for (const tombstone of tombstonesOf(turn.store, group)) turn.apply(tombstone)
  observer.counters.offsetDeletions += before - offsets.committedCount
  return ErrorCode.NONE
}

/** Of all that the log has of the group. */
function tombstonesOf(store: GroupStore, group: Group): GroupRecord[] {
  const { id: groupId } = group
  const tombstones: GroupRecord[] = []
  for (const [topic, partitions] of store.offsets.ofGroup(groupId) ?? []) {
    for (const partition of partitions.keys()) tombstones.push(offsetTombstone(groupId, topic, partition))
  }
  for (const [topic, partitions] of store.offsets.pendingOfGroup(groupId) ?? []) {
    for (const partition of partitions.keys()) {
      if (!store.offsets.get(groupId, topic, partition)) tombstones.push(offsetTombstone(groupId, topic, partition))
    }
  }
  tombstones.push(...kindOf(group).tombstones(group))
  return tombstones
}
