/**
 * What `ottla start` goes by when nobody has said what the node is: one node that is broker and controller, as in
 * Kafka's quick start. A configuration file, or KAFKA_PROCESS_ROLES, says what the node is: then Kafka's defaults hold
 * and nothing else, so that the same file means the same. See docs/decisions/0008-configuration.md.
 */
import type { ConfigSources, RawConfig } from './sources.ts'

export interface DeveloperOptions {
  /** Absolute. */
  readonly dataDir: string
  readonly host?: string
  /** 0: any free one, for the controller too, whose port is otherwise the next. */
  readonly port?: number
}

export function needsDeveloperDefaults({ file, environment }: ConfigSources): boolean {
  return !file && !environment?.KAFKA_PROCESS_ROLES
}

export function developerDefaults({ dataDir, host = '127.0.0.1', port = 9092 }: DeveloperOptions): RawConfig {
  const controllerPort = port === 0 ? 0 : port < 65_535 ? port + 1 : port - 1
  const address = host.includes(':') ? `[${host}]` : host
  const settings: Readonly<Record<string, string>> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `PLAINTEXT://${address}:${port},CONTROLLER://${address}:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.bootstrap.servers': `${address}:${controllerPort}`,
    'log.dirs': dataDir,
    // A single node can hold one replica, and nobody else will join the first group a moment later.
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
  }
  const origin = "Ottla's default for a single node"
  return new Map(Object.entries(settings).map(([name, value]) => [name, { value, origin, implied: true }]))
}
