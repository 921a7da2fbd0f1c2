/**
 * A consumer group of which only members of the classic protocol are left becomes a classic group, where the
 * migration policy lets it: with the assignment that it had, in what the members take for a generation.
 */
import type { ClassicGroup } from '../classic/classic-group.ts'
import { Member as ClassicMember, NO_ASSIGNMENT } from '../classic/member.ts'
import { newClassicGroup, prepareRebalance, renewSession, sessionTimer } from '../classic/rebalance.ts'
import { groupMetadata } from '../classic/records.ts'
import type { Turn } from '../turn.ts'
import { union } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { encodeAssignment, versionOf } from './consumer-protocol.ts'
import type { Member } from './member.ts'
import { partitionsOf } from './reconcile.ts'
import { groupTombstones } from './records.ts'

/** False: it stays what it is, and the members are still to be removed. */
export function downgradeWithout(turn: Turn, group: ConsumerGroup, leaving: readonly Member[]): boolean {
  const left = [...group.members.values()].filter(member => !leaving.includes(member))
  if (left.length === 0) return false
  return downgradeTo(turn, group, left, `members left the consumer group ${group.id}`)
}

/**
 * `rebalance`: why there has to be one; null: members go on with the partitions that they have. `generation`: what they take
 * for theirs; one that has just come back with another subscription has moved the group's epoch, but nobody was told.
 */
export function downgradeTo(
  turn: Turn,
  group: ConsumerGroup,
  members: readonly Member[],
  rebalance: string | null,
  generation = group.epoch,
): boolean {
  const { store } = turn
  if (!mayDowngrade(turn, group, members)) return false
  const tombstones = groupTombstones(group.id, [...group.members.keys()], [...group.resolvedRegexes.keys()])
  const classic = classicGroupOf(turn, group, members, generation)
  const record = groupMetadata(classic)
  if (!turn.fits([...tombstones, record])) {
    store.log.info('group is too large to become a classic group', { group: group.id })
    return false
  }
  turn.atomically(() => {
    for (const tombstone of tombstones) turn.apply(tombstone)
    store.add(classic)
    turn.emit(record)
  })
  for (const member of classic.members.values()) renewSession(turn, member)
  store.log.info('consumer group has become a classic group', { group: group.id, generation })
  if (rebalance !== null) {
    rememberHoldings(turn, classic, members)
    prepareRebalance(turn, classic, rebalance)
  }
  return true
}

/**
 * Until they have joined again members read what they had, and not what was meant for them: if the group becomes a consumer
 * group in that time, nobody else may be given it.
 */
function rememberHoldings({ store }: Turn, classic: ClassicGroup, members: readonly Member[]): void {
  for (const { id, assigned, pendingRevocation } of members) {
    const member = classic.members.get(id)!
    const version = versionOf(member.metadata(classic.protocolName!))
    member.assignment = encodeAssignment(partitionsOf(union(assigned, pendingRevocation)), store.image, version)
  }
}

/** Whether these could go on as a classic group. */
export function mayDowngrade({ store }: Turn, group: ConsumerGroup, members: readonly Member[]): boolean {
  if (!members.every(({ classic }) => classic)) return false
  const isAllowed = store.config.consumer.allowsDowngrade && members.length <= store.config.maxSize
  if (!isAllowed) store.log.info('group may not become a classic group', { group: group.id })
  return isAllowed
}

function classicGroupOf(
  { store, now }: Turn,
  group: ConsumerGroup,
  members: readonly Member[],
  generation: number,
): ClassicGroup {
  const classic = newClassicGroup(group.id, now.wallMs)
  for (const member of members) {
    const { id, instanceId, clientId, clientHost, rebalanceTimeoutMs } = member
    const { sessionTimeoutMs, supportedProtocols: protocols } = member.classic!
    const who = { id, instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs }
    const init = { ...who, protocols, assignment: NO_ASSIGNMENT }
    classic.add(new ClassicMember(init, sessionTimer(classic, id)), group.protocolType)
  }
  const protocol = classic.selectProtocol()
  for (const member of classic.members.values()) {
    const version = versionOf(member.metadata(protocol))
    member.assignment = encodeAssignment(group.targetOf(member.id), store.image, version)
  }
  classic.restore(generation, group.protocolType, protocol, null)
  return classic
}
