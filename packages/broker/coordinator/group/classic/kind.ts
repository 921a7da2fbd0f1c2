/** Classic groups, as the machine of all groups knows them. */
import { ErrorCode } from '@ottla/protocol'
import { GroupMetadataKey, GroupMetadataValue } from '@ottla/protocol/logrecords/consumer-offsets'
import type { GroupStore } from '../group-store.ts'
import type { Kind } from '../kind.ts'
import { RecordType } from '../record-types.ts'
import type { ClassicGroup } from './classic-group.ts'
import { Member } from './member.ts'
import {
  answerJoin,
  answerSync,
  classicGroup,
  createClassicGroup,
  prepareRebalance,
  renewSession,
  sessionTimer,
} from './rebalance.ts'
import type { GroupMetadataRecord } from './record-shapes.ts'
import { groupTombstone } from './records.ts'

export const classicKind: Kind<ClassicGroup> = {
  schemas: new Map([[RecordType.GROUP_METADATA, { key: GroupMetadataKey, value: GroupMetadataValue }]]),

  replay(store, record) {
    const { key, value } = record as GroupMetadataRecord
    if (value) restore(store, key.group, value)
    else if (classicGroup(store, key.group)) store.remove(key.group)
  },

  onLoaded(turn, group) {
    for (const member of group.members.values()) renewSession(turn, member)
    // group.max.size may have become smaller: whoever comes back last is turned away.
    if (group.members.size > turn.store.config.maxSize) {
      prepareRebalance(turn, group, 'more members than group.max.size')
    }
  },

  onUnload(turn, group) {
    const errorCode = ErrorCode.NOT_COORDINATOR
    for (const member of group.members.values()) {
      answerJoin(turn, group, member, { memberId: member.id, errorCode })
      answerSync(turn, member, { errorCode })
    }
  },

  onCommit(turn, group, memberId) {
    if (group.state !== 'Stable' && group.state !== 'PreparingRebalance') return
    const member = group.members.get(memberId)
    if (member) renewSession(turn, member)
  },

  /** Members look after the topics that they read themselves. */
  onTopicsChanged() {},

  tombstones: ({ id }) => [groupTombstone(id)],
}

function restore(store: GroupStore, id: string, value: GroupMetadataValue): void {
  const group = createClassicGroup(store, id, value.currentStateTimestamp)
  for (const stored of value.members) {
    const { memberId, groupInstanceId, clientId, clientHost, rebalanceTimeout, sessionTimeout } = stored
    const init = {
      id: memberId,
      instanceId: groupInstanceId,
      clientId,
      clientHost,
      rebalanceTimeoutMs: rebalanceTimeout === -1 ? sessionTimeout : rebalanceTimeout,
      sessionTimeoutMs: sessionTimeout,
      protocols: [{ name: value.protocol ?? '', metadata: Uint8Array.from(stored.subscription) }],
      assignment: Uint8Array.from(stored.assignment),
    }
    group.add(new Member(init, sessionTimer(group, memberId)), value.protocolType)
  }
  const protocolName = value.members.length > 0 ? (value.protocol ?? '') : value.protocol
  group.restore(value.generation, value.protocolType || null, protocolName, value.leader)
}
