/** Quotas, metrics and client telemetry. */

import { className, int, LONG_MAX, list, long, string, YES } from '../definition.ts'
import { atLeast, listOfAny } from '../validators.ts'
import { ALL_METRICS, NO_JAVA_CLASSES, PACED_MOVES, REPLICATION_QUOTAS } from './honoured.ts'

// biome-ignore format: a table, two lines a row
export const QUOTA_AND_METRIC_CONFIGS = {
  'quota.window.num': int(11, 'low', YES, { valid: atLeast(1) },
    'Windows over which the rates of clients are measured, the running one included.'),
  'quota.window.size.seconds': int(1, 'low', YES, { valid: atLeast(1) },
    'Length of a window of quota.window.num.'),
  'replication.quota.window.num': int(11, 'low', REPLICATION_QUOTAS, { valid: atLeast(1) },
    'Windows over which the rate of replication is measured, the running one included.'),
  'replication.quota.window.size.seconds': int(1, 'low', REPLICATION_QUOTAS, { valid: atLeast(1) },
    'Length of a window of replication.quota.window.num.'),
  'alter.log.dirs.replication.quota.window.num': int(11, 'low', PACED_MOVES, { valid: atLeast(1) },
    'Windows over which the rate of moves between directories is measured, the running one included.'),
  'alter.log.dirs.replication.quota.window.size.seconds': int(1, 'low', PACED_MOVES, { valid: atLeast(1) },
    'Length of a window of alter.log.dirs.replication.quota.window.num.'),
  'controller.quota.window.num': int(11, 'low', YES, { valid: atLeast(1) },
    'Windows over which the rate of partition changes is measured, the running one included.'),
  'controller.quota.window.size.seconds': int(1, 'low', YES, { valid: atLeast(1) },
    'Length of a window of controller.quota.window.num.'),
  'client.quota.callback.class': className(null, 'low', NO_JAVA_CLASSES,
    'A Java class that decides the quotas of clients.'),

  'metric.reporters': list('org.apache.kafka.common.metrics.JmxReporter', 'low', NO_JAVA_CLASSES,
    { valid: listOfAny({ empty: true }), update: 'cluster-wide' },
    'Java classes that report metrics.'),
  'metrics.num.samples': int(2, 'low', YES, { valid: atLeast(1) },
    'Windows over which the quantiles of times and sizes are taken, the running one included.'),
  'metrics.sample.window.ms': long(30_000, 'low', YES, { valid: atLeast(1) },
    'Length of a window of metrics.num.samples.'),
  'metrics.recording.level': string('INFO', 'low', ALL_METRICS,
    'How many metrics are recorded: INFO, DEBUG or TRACE.'),
  'kafka.metrics.reporters': list('', 'low', NO_JAVA_CLASSES, { valid: listOfAny({ empty: true }) },
    'Java classes that report the older (Yammer) metrics.'),
  'kafka.metrics.polling.interval.secs': int(10, 'low', NO_JAVA_CLASSES, { valid: atLeast(1) },
    'How often kafka.metrics.reporters report.'),
  'telemetry.max.bytes': int(1_048_576, 'low', YES, { valid: atLeast(1) },
    'The most bytes of metrics that a client may push at once.'),
} as const

/** What can only be set on a running broker, never in its file. */
// biome-ignore format: a table, two lines a row
export const DYNAMIC_ONLY_CONFIGS = {
  'leader.replication.throttled.rate': long(LONG_MAX, 'medium', REPLICATION_QUOTAS, { valid: atLeast(0), update: 'cluster-wide' },
    'Bytes a second that followers may fetch of leader.replication.throttled.replicas.'),
  'follower.replication.throttled.rate': long(LONG_MAX, 'medium', REPLICATION_QUOTAS, { valid: atLeast(0), update: 'cluster-wide' },
    'Bytes a second that the broker may fetch of follower.replication.throttled.replicas.'),
  'replica.alter.log.dirs.io.max.bytes.per.second': long(LONG_MAX, 'medium', YES, { valid: atLeast(0), update: 'cluster-wide' },
    'Bytes a second for moving replicas between the directories of a broker.'),
} as const
