/** Ottla in your own process: for tests, for tools, for an application that brings its broker along. */
export type { BrokerMetrics } from '@ottla/broker'
export { type ClusterOptions, createCluster, type EmbeddedCluster, type TopicOptions } from './embedded.ts'
