/** Scripts of Apache Kafka that have nothing behind them here yet: each says so, says why, and ends with 1. */
import type { Tool } from './declaration.ts'

/** By the name of the script. */
export const MISSING: Readonly<Record<string, string>> = {
  'connect-distributed': 'Kafka Connect is not here yet',
  'connect-mirror-maker': 'Kafka Connect, on which MirrorMaker stands, is not here yet',
  'connect-plugin-path': 'Kafka Connect is not here yet',
  'connect-standalone': 'Kafka Connect is not here yet',
  'kafka-acls': 'ACLs are not here yet: the broker answers that no authorizer is configured',
  'kafka-delegation-tokens': 'delegation tokens are not here yet: the broker answers that they are off',
  'kafka-jmx':
    "it reads the JVM's metrics by JMX, and a broker of Ottla has no JVM: start it with --metrics-listener 9404, and ask 127.0.0.1:9404/metrics",
  trogdor: 'the test framework of Apache Kafka is not here',
}

export function missingTool(name: string): Tool {
  return {
    style: 'jopt',
    name,
    about: MISSING[name]!,
    options: {},
    isMissing: true,
    run: () => Promise.resolve(),
  }
}
