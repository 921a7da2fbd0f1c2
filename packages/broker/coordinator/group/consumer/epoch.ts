/** The group's epoch, which goes up with every change that calls for another assignment. */
import { metadataHash } from '../metadata-hash.ts'
import type { Turn } from '../turn.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { epochRecord } from './records.ts'

/** If `hasChanged`, or if topics are not what they were; either way they have been looked at now. */
export function bumpEpoch(turn: Turn, group: ConsumerGroup, hasChanged: boolean): void {
  const { store } = turn
  const hash = metadataHash(store.image, group.subscribedTopics)
  group.isMetadataStale = false
  if (!hasChanged && hash === group.metadataHash) return
  const epoch = group.epoch + 1
  turn.apply(epochRecord(group.id, epoch, hash))
  store.log.info('bumped the epoch', { group: group.id, epoch })
}
