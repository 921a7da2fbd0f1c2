/** Scripts of Apache Kafka that have nothing behind them here yet: each says so, says why, and ends with 1. */
import type { Tool } from './declaration.ts'

/** By the name of the script. */
export const MISSING: Readonly<Record<string, string>> = {
  'connect-distributed': 'Kafka Connect is not here yet',
  'connect-mirror-maker': 'Kafka Connect, on which MirrorMaker stands, is not here yet',
  'connect-plugin-path': 'Kafka Connect is not here yet',
  'connect-standalone': 'Kafka Connect is not here yet',
  'kafka-acls': 'ACLs, and their APIs, are not here yet',
  'kafka-delegation-tokens': 'delegation tokens, and their APIs, are not here yet',
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
