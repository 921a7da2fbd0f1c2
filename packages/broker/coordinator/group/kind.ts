/**
 * One kind of group, as the machine sees it: which records it leaves in the log and how they bring its groups back, and
 * what it does when something happens to a group that is not a request of its own protocol.
 */
import type { CoordinatorSchema } from '@ottla/protocol'
import type { Group } from './group.ts'
import type { GroupStore } from './group-store.ts'
import type { GroupRecord } from './records.ts'
import type { Turn } from './turn.ts'

export interface Kind<G extends Group = Group> {
  /** Of all its records, by record type. */
  readonly schemas: ReadonlyMap<number, CoordinatorSchema>
  /** Makes the change that one of its records stands for, live and when the log is replayed. */
  replay(store: GroupStore, record: GroupRecord): void
  /** The log has been replayed: members are given their session timeout to show that they are still there. */
  onLoaded(turn: Turn, group: G): void
  /** Answers whoever waits: this is not the coordinator any more. */
  onUnload(turn: Turn, group: G): void
  /** A client that may has committed offsets. */
  onCommit(turn: Turn, group: G, memberId: string): void
  /** Topics are gone, by id; left out where a kind keeps nothing of them but offsets. */
  onTopicsDeleted?(turn: Turn, group: G, topicIds: ReadonlySet<string>): void
  /** Topics have come, gone or grown. */
  onTopicsChanged(turn: Turn, group: G, topics: ReadonlySet<string>): void
  /** For all that its records have left of the group in the log; offsets are not theirs. */
  tombstones(group: G): readonly GroupRecord[]
}
