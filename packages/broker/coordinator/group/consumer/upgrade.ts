/**
 * A classic group that a member of the consumer protocol joins becomes a consumer group, where the migration policy lets
 * it: its generation becomes the epoch of everything, and its members keep the partitions that their leader gave them.
 */
import { ErrorCode } from '@ottla/protocol'
import { ApiError } from '../../../errors.ts'
import type { ClassicGroup } from '../classic/classic-group.ts'
import type { Member as ClassicMember } from '../classic/member.ts'
import { answerJoin, answerSync } from '../classic/rebalance.ts'
import { groupTombstone } from '../classic/records.ts'
import { metadataHash } from '../metadata-hash.ts'
import type { GroupRecord } from '../records.ts'
import type { Turn } from '../turn.ts'
import { ownedSince, toPartitions } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { byTopicId, decodeAssignment, decodeSubscription } from './consumer-protocol.ts'
import { renewSession } from './departure.ts'
import { type Member, newMember, topicNames } from './member.ts'
import { partitionsOf } from './reconcile.ts'
import { currentRecord, epochRecord, memberRecord, targetEpochRecord, targetRecord } from './records.ts'

/** Of no topics. */
const NO_HASH = 0n

/** In the words of Kafka, whose own tests look for them. */
const ASSIGNOR_ADVICE =
  ' Please refer to the documentation or switch to a default assignor before re-attempting the upgrade.'

/** What has to be written; nothing has been changed yet. Throws an ApiError GROUP_ID_NOT_FOUND. */
export function planUpgrade(turn: Turn, group: ClassicGroup): readonly GroupRecord[] {
  const { config, image } = turn.store
  const { id: groupId, generation } = group
  const because = (reason: string) => refuse(turn, group, reason)
  if (!config.consumer.allowsUpgrade) because('online upgrade is disabled')
  if (!group.usesConsumerProtocol) because('the group does not use the consumer embedded protocol')
  if (group.members.size > config.consumer.maxSize) because('the group size exceeds the consumer group maximum size')
  const members = [...group.members.values()].map(member => consumerMember(turn, group, member))
  if (isAnySharedBy(members)) throw new ApiError('UNKNOWN_SERVER_ERROR', `members of ${groupId} share partitions`)
  const topics = members.flatMap(({ subscribedTopicNames }) => subscribedTopicNames)
  // In the middle of a rebalance members may have nothing: then the first who looks finds that all has to be assigned.
  const hash = group.state === 'Stable' ? metadataHash(image, topics) : NO_HASH
  const records: GroupRecord[] = [
    groupTombstone(groupId),
    ...members.map(member => memberRecord(groupId, member)),
    epochRecord(groupId, generation, hash),
    ...members.map(({ id, assigned }) => targetRecord(groupId, id, partitionsOf(assigned))),
    targetEpochRecord(groupId, generation, 0),
    ...members.map(member => currentRecord(groupId, member)),
  ]
  if (!turn.fits(records)) throw new ApiError('UNKNOWN_SERVER_ERROR', `group ${groupId} is too large to be converted`)
  return records
}

/** Members that wait are told to join again: there is going to be another assignment. */
export function upgrade(turn: Turn, group: ClassicGroup, records: readonly GroupRecord[]): void {
  const errorCode = ErrorCode.REBALANCE_IN_PROGRESS
  for (const member of group.members.values()) {
    answerJoin(turn, group, member, { memberId: member.id, errorCode })
    answerSync(turn, member, { errorCode })
  }
  turn.atomically(() => {
    for (const record of records) turn.apply(record)
  })
  const upgraded = turn.store.groups.get(group.id) as ConsumerGroup
  for (const member of upgraded.members.values()) renewSession(turn, upgraded, member)
  turn.store.log.info('classic group has become a consumer group', { group: group.id, epoch: upgraded.epoch })
}

function consumerMember(turn: Turn, group: ClassicGroup, member: ClassicMember): Member {
  const { image } = turn.store
  const subscription = decodeSubscription(metadataOf(group, member))
  // One that has joined and not synced yet has nothing.
  const assignment = member.assignment.length === 0 ? null : decodeAssignment(member.assignment)
  if (!subscription || (member.assignment.length > 0 && !assignment))
    return refuse(turn, group, 'the embedded consumer protocol is malformed')
  if (assignment?.userData?.length) refuse(turn, group, 'an unsupported custom assignor is in use', ASSIGNOR_ADVICE)
  const assigned = toPartitions(byTopicId(assignment?.assignedPartitions ?? [], image))
  return {
    ...newMember(member.id),
    epoch: group.generation,
    previousEpoch: group.generation,
    instanceId: member.instanceId,
    rackId: subscription.rackId || null,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    subscribedTopicNames: topicNames(subscription.topics),
    assigned: ownedSince(assigned, group.generation),
    classic: {
      sessionTimeoutMs: member.sessionTimeoutMs,
      supportedProtocols: member.protocols.map(({ name, metadata }) => ({ name, metadata: Uint8Array.from(metadata) })),
    },
  }
}

/** A leader may have given the same partition to two: a consumer group can't. */
function isAnySharedBy(members: readonly Member[]): boolean {
  const seen = new Set<string>()
  let count = 0
  for (const { assigned } of members) {
    for (const [topicId, partitions] of assigned) {
      for (const partition of partitions.keys()) seen.add(`${topicId} ${partition}`)
      count += partitions.size
    }
  }
  return seen.size < count
}

/** In the middle of the first rebalance no protocol has been chosen yet: any says what the member subscribes to. */
function metadataOf(group: ClassicGroup, member: ClassicMember): Uint8Array {
  const { protocolName } = group
  const protocol = member.protocols.find(({ name }) => name === protocolName) ?? member.protocols[0]
  return protocol?.metadata ?? new Uint8Array(0)
}

function refuse(turn: Turn, { id }: ClassicGroup, reason: string, advice = ''): never {
  turn.store.log.info('group may not become a consumer group', { group: id, reason })
  throw new ApiError(
    'GROUP_ID_NOT_FOUND',
    `Cannot upgrade classic group ${id} to consumer group because ${reason}.${advice}`,
  )
}
