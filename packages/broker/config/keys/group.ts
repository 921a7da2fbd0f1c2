/** What can be set for one group. A broker's config gives the default and the bounds. */

import { boolean, int, string, YES } from '../definition.ts'
import { atLeast, oneOf, SHARE_AUTO_OFFSET_RESET } from '../validators.ts'

// biome-ignore format: a table, two lines a row
export const GROUP_ROWS = {
  'consumer.session.timeout.ms': int(45_000, 'medium', YES, { valid: atLeast(1) },
    'A member of the consumer group that has not been heard of for this long is removed.'),
  'consumer.heartbeat.interval.ms': int(5000, 'medium', YES, { valid: atLeast(1) },
    'How often members of the consumer group are told to report.'),
  'consumer.assignment.interval.ms': int(1000, 'medium', YES, { valid: atLeast(0) },
    'The least time between two assignments of the consumer group.'),

  'share.session.timeout.ms': int(45_000, 'medium', YES, { valid: atLeast(1) },
    'A member of the share group that has not been heard of for this long is removed.'),
  'share.heartbeat.interval.ms': int(5000, 'medium', YES, { valid: atLeast(1) },
    'How often members of the share group are told to report.'),
  'share.assignment.interval.ms': int(1000, 'medium', YES, { valid: atLeast(0) },
    'The least time between two assignments of the share group.'),
  'share.record.lock.duration.ms': int(30_000, 'medium', YES, { valid: atLeast(1000) },
    'How long a delivered record is kept for its consumer before others may have it.'),
  'share.delivery.count.limit': int(5, 'medium', YES, { valid: atLeast(2) },
    'How often a record is delivered before it is given up.'),
  'share.partition.max.record.locks': int(2000, 'medium', YES, { valid: atLeast(100) },
    'Records of one partition that may be delivered and not yet acknowledged.'),
  'share.auto.offset.reset': string('latest', 'medium', YES, { valid: SHARE_AUTO_OFFSET_RESET },
    "Where a share group begins in a partition: 'latest', 'earliest', or by_duration:PnDTnHnMn.nS before now."),
  'share.isolation.level': string('read_uncommitted', 'medium', YES, { valid: oneOf('read_committed', 'read_uncommitted') },
    "Whether records of open and aborted transactions are delivered ('read_uncommitted') or not ('read_committed')."),
  'share.renew.acknowledge.enable': boolean(true, 'medium', YES,
    'Consumers may extend the lock on a record.'),

  'streams.session.timeout.ms': int(45_000, 'medium', YES, { valid: atLeast(1) },
    'A member of the streams group that has not been heard of for this long is removed.'),
  'streams.heartbeat.interval.ms': int(5000, 'medium', YES, { valid: atLeast(1) },
    'How often members of the streams group are told to report.'),
  'streams.num.standby.replicas': int(0, 'medium', YES, { valid: atLeast(0) },
    'Standby copies of each task with state.'),
  'streams.initial.rebalance.delay.ms': int(3000, 'medium', YES, { valid: atLeast(0) },
    'How long the new group waits for more members before its first assignment.'),
  'streams.assignment.interval.ms': int(1000, 'medium', YES, { valid: atLeast(0) },
    'The least time between two assignments of the streams group.'),
} as const
