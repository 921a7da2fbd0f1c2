/** The kinds of groups that there are. A new one is a folder and a line here. */
import type { CoordinatorSchema } from '@ottla/protocol'
import { classicKind } from './classic/kind.ts'
import { consumerKind } from './consumer/kind.ts'
import type { Group, GroupKind } from './group.ts'
import type { GroupStore } from './group-store.ts'
import type { Kind } from './kind.ts'
import type { GroupRecord } from './records.ts'
import { shareKind } from './share/kind.ts'
import { streamsKind } from './streams/kind.ts'

const KINDS: Readonly<Partial<Record<GroupKind, Kind>>> = {
  classic: classicKind,
  consumer: consumerKind,
  share: shareKind,
  streams: streamsKind,
}

const BY_RECORD_TYPE = new Map<number, Kind>(
  Object.values(KINDS).flatMap(kind => [...kind.schemas.keys()].map(type => [type, kind] as const)),
)

/** Of the records of all kinds, by record type; offsets are of no kind. */
export const GROUP_SCHEMAS: ReadonlyMap<number, CoordinatorSchema> = new Map(
  Object.values(KINDS).flatMap(kind => [...kind.schemas]),
)

export function kindOf(group: Group): Kind {
  return KINDS[group.kind]!
}

export function replayGroupRecord(store: GroupStore, record: GroupRecord): void {
  BY_RECORD_TYPE.get(record.type)!.replay(store, record)
}
