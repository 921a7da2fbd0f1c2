/**
 * One broker for a whole test run, where each test file uses topics of its own. The tests find its address in
 * KAFKA_BROKERS, where an application usually looks for it, too.
 *
 *     node --test --test-global-setup=one-broker.ts
 *
 * Vitest takes the same file as `globalSetup`: it calls `setup` and `teardown`.
 */
import { createCluster, type EmbeddedCluster } from 'ottla'

let cluster: EmbeddedCluster

export async function globalSetup(): Promise<void> {
  cluster = await createCluster({ config: { 'num.partitions': 3 } })
  process.env.KAFKA_BROKERS = cluster.bootstrapServers
}

export async function globalTeardown(): Promise<void> {
  await cluster.close()
}

export { globalSetup as setup, globalTeardown as teardown }
