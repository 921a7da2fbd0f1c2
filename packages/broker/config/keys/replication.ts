/** How followers keep up with leaders, and who leads. */

import { boolean, int, long, string, YES } from '../definition.ts'
import { atLeast } from '../validators.ts'
import { NO_JAVA_CLASSES, NO_PURGE, REPLICATION, TIERED_STORAGE } from './honoured.ts'

// biome-ignore format: a table, two lines a row
export const REPLICATION_CONFIGS = {
  'replica.lag.time.max.ms': long(30_000, 'high', REPLICATION,
    'A follower that has not reached the end of the log for this long leaves the in-sync replicas.'),
  'replica.socket.timeout.ms': int(30_000, 'high', REPLICATION,
    'How long a request to another broker may take; at least replica.fetch.wait.max.ms.'),
  'replica.socket.receive.buffer.bytes': int(65_536, 'high', REPLICATION,
    'SO_RCVBUF of the connections on which a follower fetches.'),
  'replica.fetch.max.bytes': int(1_048_576, 'medium', REPLICATION, { valid: atLeast(0) },
    'Bytes that a follower asks for of each partition. A larger first batch is still sent whole.'),
  'replica.fetch.response.max.bytes': int(10_485_760, 'medium', REPLICATION, { valid: atLeast(0) },
    'Bytes that a follower asks for in one response. A larger first batch is still sent whole.'),
  'replica.fetch.min.bytes': int(1, 'high', REPLICATION,
    'The leader holds the fetch of a follower until it has this many bytes, or replica.fetch.wait.max.ms has passed.'),
  'replica.fetch.wait.max.ms': int(500, 'high', REPLICATION,
    'How long the leader may hold the fetch of a follower; not more than replica.lag.time.max.ms.'),
  'replica.fetch.backoff.ms': int(1000, 'medium', REPLICATION, { valid: atLeast(0) },
    'How long a follower leaves a partition alone after an error.'),
  'num.replica.fetchers': int(1, 'high', REPLICATION, { valid: atLeast(1), update: 'cluster-wide' },
    'Connections on which partitions are fetched from each other broker.'),
  'replica.high.watermark.checkpoint.interval.ms': long(5000, 'high', YES,
    'How often the high watermarks are written down.'),
  'replica.selector.class': string(null, 'medium', NO_JAVA_CLASSES,
    'A Java class that chooses which replica a consumer reads from. By default the leader.'),
  'follower.fetch.last.tiered.offset.enable': boolean(false, 'medium', TIERED_STORAGE, { update: 'cluster-wide' },
    'An empty follower skips what is in tiered storage and begins after it.'),
  'fetch.purgatory.purge.interval.requests': int(1000, 'medium', NO_PURGE,
    'After how many requests the answered ones among the waiting fetches are forgotten.'),
  'producer.purgatory.purge.interval.requests': int(1000, 'medium', NO_PURGE,
    'After how many requests the answered ones among the waiting produces are forgotten.'),
  'delete.records.purgatory.purge.interval.requests': int(1, 'medium', NO_PURGE,
    'After how many requests the answered ones among the waiting DeleteRecords are forgotten.'),

  'auto.leader.rebalance.enable': boolean(true, 'high', REPLICATION,
    'The controller gives leadership back to the first replica of a partition when it can.'),
  'leader.imbalance.check.interval.seconds': long(300, 'high', REPLICATION, { valid: atLeast(1) },
    'How often auto.leader.rebalance.enable looks for partitions that are not led by their first replica.'),
  'unclean.leader.election.enable': boolean(false, 'high', REPLICATION, { update: 'cluster-wide' },
    'If no replica in sync is left, another may lead: the partition is available again and loses records.'),
  'unclean.leader.election.interval.ms': long(300_000, 'medium', REPLICATION, { valid: atLeast(1), internal: true },
    'How often the controller looks for partitions that wait for an unclean election.'),
} as const
