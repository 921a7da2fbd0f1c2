/** What goes in and out of the group machine about share groups, as one line of text. */
import type { ShareGroupHeartbeatResponse } from '@ottla/protocol/messages/share-group-heartbeat'
import { RecordType } from '../../record-types.ts'
import type { TopicPartitions } from '../partitions.ts'
import type { ShareGroupRecord } from '../record-shapes.ts'

/** Of topic ids; tests know them by name. */
export type NameOf = (topicId: string) => string

export function isShareRecord(record: { readonly type: number }): record is ShareGroupRecord {
  return (
    record.type >= RecordType.SHARE_GROUP_MEMBER_METADATA &&
    record.type <= RecordType.SHARE_GROUP_STATE_PARTITION_METADATA
  )
}

export function showShareRecord(record: ShareGroupRecord, nameOf: NameOf = id => id): string {
  const { key, value } = record
  const what = `log share ${key.groupId}${'memberId' in key ? `/${key.memberId}` : ''} ${NAMES[record.type]}`
  if (!value) return `${what} none`
  switch (record.type) {
    case RecordType.SHARE_GROUP_METADATA:
      return `${what} ${record.value!.epoch}`
    case RecordType.SHARE_GROUP_MEMBER_METADATA: {
      const { rackId, subscribedTopicNames } = record.value!
      return `${what} topics=${subscribedTopicNames.join(',')}${rackId === null ? '' : ` rack=${rackId}`}`
    }
    case RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_METADATA:
      return `${what} ${record.value!.assignmentEpoch}`
    case RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_MEMBER:
      return `${what} ${showPartitions(record.value!.topicPartitions, nameOf)}`
    case RecordType.SHARE_GROUP_CURRENT_MEMBER_ASSIGNMENT: {
      const { memberEpoch, previousMemberEpoch, assignedPartitions } = record.value!
      return `${what} ${previousMemberEpoch}->${memberEpoch} ${showPartitions(assignedPartitions, nameOf)}`
    }
    case RecordType.SHARE_GROUP_STATE_PARTITION_METADATA: {
      const { initializingTopics, initializedTopics, deletingTopics } = record.value!
      const deleting = deletingTopics.map(({ topicName }) => topicName).join(' ') || '-'
      const [initializing, initialized] = [initializingTopics, initializedTopics].map(topics =>
        showPartitions(topics, nameOf),
      )
      return `${what} initializing=${initializing} initialized=${initialized} deleting=${deleting}`
    }
  }
}

const NAMES: Readonly<Record<ShareGroupRecord['type'], string>> = {
  [RecordType.SHARE_GROUP_METADATA]: 'epoch',
  [RecordType.SHARE_GROUP_MEMBER_METADATA]: 'member',
  [RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_METADATA]: 'target epoch',
  [RecordType.SHARE_GROUP_TARGET_ASSIGNMENT_MEMBER]: 'target',
  [RecordType.SHARE_GROUP_CURRENT_MEMBER_ASSIGNMENT]: 'current',
  [RecordType.SHARE_GROUP_STATE_PARTITION_METADATA]: 'state',
}

/** `t:0,1 u:0` */
export function showPartitions(topics: readonly TopicPartitions[], nameOf: NameOf): string {
  return topics.map(({ topicId, partitions }) => `${nameOf(topicId)}:${partitions.join(',')}`).join(' ') || '-'
}

export function showHeartbeat(response: ShareGroupHeartbeatResponse, nameOf: NameOf): string {
  const { memberEpoch, heartbeatIntervalMs, assignment } = response
  const shown = assignment ? ` assignment=${showPartitions(assignment.topicPartitions, nameOf)}` : ''
  return `epoch=${memberEpoch}${heartbeatIntervalMs > 0 ? ` interval=${heartbeatIntervalMs}` : ''}${shown}`
}
