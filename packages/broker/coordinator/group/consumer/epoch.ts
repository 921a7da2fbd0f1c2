/** The group's epoch, which goes up with every change that calls for another assignment. */
import { metadataHash } from '../metadata-hash.ts'
import type { Turn } from '../turn.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { epochRecord } from './records.ts'

/**
 * If `hasChanged`, or if topics are not what they were; either way they have been looked at now. Because of a member that
 * is there: Kafka counts that, and not that one has gone.
 */
export function rebalance(turn: Turn, group: ConsumerGroup, hasChanged: boolean): void {
  if (bumpEpoch(turn, group, hasChanged)) turn.store.observer.counters.consumerRebalances++
}

/** As `rebalance`, whatever the reason; false: everything is as it was. */
export function bumpEpoch(turn: Turn, group: ConsumerGroup, hasChanged: boolean): boolean {
  const { store } = turn
  const hash = metadataHash(store.image, group.subscribedTopics)
  group.isMetadataStale = false
  if (!hasChanged && hash === group.metadataHash) return false
  const epoch = group.epoch + 1
  turn.apply(epochRecord(group.id, epoch, hash))
  store.log.info('bumped the epoch', { group: group.id, epoch })
  return true
}
