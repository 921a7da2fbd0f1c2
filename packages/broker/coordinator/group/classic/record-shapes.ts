/** The record of a classic group in `__consumer_offsets`, as a type, and how large it gets. */
import type { GroupMetadataKey, GroupMetadataValue } from '@ottla/protocol/logrecords/consumer-offsets'
import { type GroupRecordOf, textBytes } from '../record.ts'
import type { RecordType } from '../record-types.ts'

export type GroupMetadataRecord = GroupRecordOf<typeof RecordType.GROUP_METADATA, GroupMetadataKey, GroupMetadataValue>

const GROUP_OVERHEAD_BYTES = 64
const MEMBER_OVERHEAD_BYTES = 24

/** What the record takes in a batch that is not compressed, or a few bytes more. */
export function maxBytesOfGroupMetadata({ key, value }: GroupMetadataRecord): number {
  let bytes = GROUP_OVERHEAD_BYTES + textBytes(key.group)
  if (!value) return bytes
  bytes += textBytes(value.protocolType) + textBytes(value.protocol) + textBytes(value.leader)
  for (const member of value.members) {
    bytes += MEMBER_OVERHEAD_BYTES + member.subscription.length + member.assignment.length
    bytes += textBytes(member.memberId) + textBytes(member.groupInstanceId)
    bytes += textBytes(member.clientId) + textBytes(member.clientHost)
  }
  return bytes
}
