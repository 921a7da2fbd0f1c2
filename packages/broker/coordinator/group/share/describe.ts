/** ShareGroupDescribe, of one group, and which partitions it has a state of. */
import { ErrorCode } from '@ottla/protocol'
import type { GroupStore } from '../group-store.ts'
import { inTableOrder } from '../table-order.ts'
import { sorted } from './partitions.ts'
import type { DescribedShareGroup } from './requests.ts'
import { ShareGroup, type ShareMember } from './share-group.ts'

export const ASSIGNOR = 'simple'

export function describeShareGroup(store: GroupStore, groupId: string): DescribedShareGroup {
  const group = store.groups.get(groupId)
  if (!(group instanceof ShareGroup)) {
    const errorMessage = group ? `Group ${groupId} is not a share group.` : `Group ${groupId} not found.`
    return { groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage }
  }
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: ASSIGNOR,
    members: inTableOrder(group.members.values(), ({ id }) => id).map(member => describeMember(store, member)),
  }
}

function describeMember(store: GroupStore, member: ShareMember) {
  const { id, rackId, epoch, clientId, clientHost, subscribedTopicNames, assigned } = member
  const topicPartitions = [...assigned].flatMap(([topicId, partitions]) => {
    const topic = store.image.topicsById.get(topicId)
    return topic ? [{ topicId, topicName: topic.name, partitions: sorted(partitions) }] : []
  })
  return {
    memberId: id,
    rackId,
    memberEpoch: epoch,
    clientId,
    clientHost,
    subscribedTopicNames: [...subscribedTopicNames],
    assignment: { topicPartitions },
  }
}

/** By topic id. */
export function initializedPartitions(store: GroupStore, groupId: string): ReadonlyMap<string, readonly number[]> {
  const group = store.groups.get(groupId)
  const initialized = group instanceof ShareGroup ? group.statePartitions?.initialized : undefined
  return new Map([...(initialized ?? [])].map(([topicId, { partitions }]) => [topicId, sorted(partitions)]))
}
