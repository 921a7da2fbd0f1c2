/** ConsumerGroupDescribe, as far as one partition of the offsets topic can answer it. */
import { ErrorCode } from '@ottla/protocol'
import type { ConsumerGroupDescribeResponse } from '@ottla/protocol/messages/consumer-group-describe'
import type { MetadataImage } from '../../../image/index.ts'
import type { GroupStore } from '../group-store.ts'
import { inTableOrder } from '../table-order.ts'
import { type OwnedPartitions, type Partitions, toTopics, union } from './assignment.ts'
import { ConsumerGroup } from './consumer-group.ts'
import type { Member } from './member.ts'

export type DescribedConsumerGroup = Partial<ConsumerGroupDescribeResponse['groups'][number]> & {
  readonly groupId: string
}
type DescribedMember = ConsumerGroupDescribeResponse['groups'][number]['members'][number]

const MemberType = { CLASSIC: 0, CONSUMER: 1 } as const

export function describeConsumerGroup(store: GroupStore, groupId: string): DescribedConsumerGroup {
  const group = store.groups.get(groupId)
  if (!(group instanceof ConsumerGroup)) {
    const errorMessage = group ? `Group ${groupId} is not a consumer group.` : `Group ${groupId} not found.`
    return { groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage }
  }
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: group.assignor(store.config.consumer.assignors),
    members: inTableOrder(group.members.values(), ({ id }) => id).map(member =>
      describe(member, group.targetOf(member.id), store.image),
    ),
  }
}

/** What it is still to give up counts as its own. */
function describe(member: Member, target: Partitions, image: MetadataImage): DescribedMember {
  return {
    memberId: member.id,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.epoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.subscribedTopicNames],
    subscribedTopicRegex: member.subscribedTopicRegex,
    assignment: { topicPartitions: named(union(member.assigned, member.pendingRevocation), image) },
    targetAssignment: { topicPartitions: named(target, image) },
    memberType: member.classic ? MemberType.CLASSIC : MemberType.CONSUMER,
  }
}

/** Topics that are gone have no name. */
function named(partitions: Partitions | OwnedPartitions, image: MetadataImage) {
  return toTopics(partitions).flatMap(({ topicId, partitions: numbers }) => {
    const topic = image.topicsById.get(topicId)
    return topic ? [{ topicId, topicName: topic.name, partitions: [...numbers] }] : []
  })
}
