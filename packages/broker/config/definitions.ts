/** The keys of brokers, topics, groups and client metrics subscriptions, and how they stand in for one another. */
import { ConfigDef } from './config-def.ts'
import { CLIENT_METRICS_ROWS } from './keys/client-metrics.ts'
import { GROUP_ROWS } from './keys/group.ts'
import { GROUP_COORDINATOR_CONFIGS } from './keys/groups.ts'
import { LOG_CONFIGS } from './keys/log.ts'
import { NETWORK_CONFIGS } from './keys/network.ts'
import { NODE_CONFIGS } from './keys/node.ts'
import { OAUTH_CONFIGS } from './keys/oauth.ts'
import { QUORUM_CONFIGS } from './keys/quorum.ts'
import { DYNAMIC_ONLY_CONFIGS, QUOTA_AND_METRIC_CONFIGS } from './keys/quotas-metrics.ts'
import { REMOTE_LOG_CONFIGS } from './keys/remote-log.ts'
import { REPLICATION_CONFIGS } from './keys/replication.ts'
import { SASL_CONFIGS, TLS_CONFIGS } from './keys/security.ts'
import { SHARE_CONFIGS } from './keys/share.ts'
import { TOPIC_ROWS } from './keys/topic.ts'
import { TRANSACTION_CONFIGS } from './keys/transactions.ts'

/** In the order in which the documentation shows them. */
export const BROKER_AREAS = {
  'The node': NODE_CONFIGS,
  'Listeners and connections': NETWORK_CONFIGS,
  'Logs on disk': LOG_CONFIGS,
  Replication: REPLICATION_CONFIGS,
  'The controller quorum and the metadata log': QUORUM_CONFIGS,
  'Groups and committed offsets': GROUP_COORDINATOR_CONFIGS,
  Transactions: TRANSACTION_CONFIGS,
  'Share groups': SHARE_CONFIGS,
  'Quotas, metrics, telemetry': QUOTA_AND_METRIC_CONFIGS,
  TLS: TLS_CONFIGS,
  'SASL, tokens': SASL_CONFIGS,
  'SASL/OAUTHBEARER': OAUTH_CONFIGS,
  'Tiered storage': REMOTE_LOG_CONFIGS,
} as const

/** Everything that may stand in server.properties, in about the order in which Kafka defines it: it decides who is told first. */
export const BROKER_CONFIGS = new ConfigDef({
  ...REMOTE_LOG_CONFIGS,
  ...NODE_CONFIGS,
  ...QUORUM_CONFIGS,
  ...NETWORK_CONFIGS,
  ...REPLICATION_CONFIGS,
  ...GROUP_COORDINATOR_CONFIGS,
  ...LOG_CONFIGS,
  ...SHARE_CONFIGS,
  ...TRANSACTION_CONFIGS,
  ...QUOTA_AND_METRIC_CONFIGS,
  ...TLS_CONFIGS,
  ...SASL_CONFIGS,
  ...OAUTH_CONFIGS,
})
export type BrokerRows = typeof BROKER_CONFIGS.rows

/** Settable on a running broker, but not in server.properties. */
export const DYNAMIC_ONLY_BROKER_CONFIGS = new ConfigDef(DYNAMIC_ONLY_CONFIGS)
export const TOPIC_CONFIGS = new ConfigDef(TOPIC_ROWS)
export type TopicRows = typeof TOPIC_CONFIGS.rows
export const GROUP_CONFIGS = new ConfigDef(GROUP_ROWS)
export type GroupRows = typeof GROUP_CONFIGS.rows
export const CLIENT_METRICS_CONFIGS = new ConfigDef(CLIENT_METRICS_ROWS)
