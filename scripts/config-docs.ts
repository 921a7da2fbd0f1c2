/**
 * Writes docs/configuration.md from the tables of configuration keys: `node scripts/config-docs.ts`. A test (beside
 * this file) fails when the page is not what the tables say.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  BROKER_AREAS,
  BROKER_CONFIGS,
  CLIENT_METRICS_CONFIGS,
  ConfigDef,
  type ConfigKey,
  DYNAMIC_ONLY_BROKER_CONFIGS,
  EXTRA_BROKER_CONFIGS,
  GROUP_CONFIGS,
  type Honoured,
  TOPIC_CONFIGS,
} from '../packages/broker/config/index.ts'

export const PAGE = join(dirname(import.meta.dirname), 'docs/configuration.md')

const INTRODUCTION = `# Configuration

<!-- Written by scripts/config-docs.ts from the tables in packages/broker/config/keys/: change those. -->

Ottla is configured by Apache Kafka's names, those of version 4.3. The later counts more:

1. \`ottla start --config server.properties\`: a file of Kafka, unchanged.
2. \`KAFKA_*\` variables, as Kafka's image reads them: \`KAFKA_LOG_DIRS\` is \`log.dirs\`; \`__\` stands for \`_\` and \`___\` for \`-\`.
3. \`--set key=value\`, as often as needed.

Without a file and without \`KAFKA_PROCESS_ROLES\` the node is one for a developer: broker and controller in one, on
127.0.0.1:9092, replication factors 1, no wait before a first rebalance ([decision 0008](decisions/0008-configuration.md)).

A bad value is an error that says where it stands and why. An unknown key is an error as \`--set\` and for a topic; in a
file or in the environment it is a warning, as Kafka leaves such keys to plugins. What is set for one listener has its
prefix: \`listener.name.<listener>.<key>\`, or \`listener.name.<listener>.<sasl mechanism>.<key>\`.

**Change**: \`start\` needs a restart; \`broker\` can be set on a running broker, \`cluster\` also for all brokers at once
(\`ottla config\`). What counts first: topic or group, then this broker, then all brokers, then file, environment and
arguments, then the default.

**Honoured**: \`yes\`; \`not yet\`, which brings a warning at the start if it is set to another value than the default;
\`no effect\`, where there is nothing in Ottla that it could set. Start-up is refused where going without would leave a
node open or alone: an authorizer, a listener that is not PLAINTEXT, several controllers.
`

const CHANGE = { 'read-only': 'start', 'per-broker': 'broker', 'cluster-wide': 'cluster' } as const

/** The whole page. */
export function configurationPage(): string {
  const parts = [INTRODUCTION, summary(), '## Brokers\n']
  for (const [area, rows] of Object.entries(BROKER_AREAS)) {
    parts.push(`### ${area}\n`, table([...new ConfigDef(rows).keys.values()], BROKER_CONFIGS, true))
  }
  parts.push(
    '### Read by plugins of Kafka\n',
    `| Key | Honoured | |\n| --- | --- | --- |\n${[...EXTRA_BROKER_CONFIGS]
      .map(([name, { honoured, documentation }]) => `| \`${name}\` | ${status(honoured)} | ${documentation} |`)
      .join('\n')}\n`,
    '### On a running broker only\n',
    table([...DYNAMIC_ONLY_BROKER_CONFIGS.keys.values()], DYNAMIC_ONLY_BROKER_CONFIGS, true),
    '## Topics\n',
    table([...TOPIC_CONFIGS.keys.values()], TOPIC_CONFIGS, false),
    '## Groups\n',
    table([...GROUP_CONFIGS.keys.values()], GROUP_CONFIGS, false),
    '## Client metrics subscriptions\n',
    table([...CLIENT_METRICS_CONFIGS.keys.values()], CLIENT_METRICS_CONFIGS, false),
  )
  return parts.join('\n')
}

function summary(): string {
  const line = (what: string, ...definitions: ConfigDef[]) => {
    const keys = definitions.flatMap(definition => [...definition.keys.values()])
    const count = (of: Honoured['status']) => keys.filter(key => key.honoured.status === of).length
    return `| ${what} | ${keys.length} | ${count('yes')} | ${count('not-yet')} | ${count('no-effect')} |`
  }
  return `| | Keys | Honoured | Not yet | No effect |
| --- | --- | --- | --- | --- |
${line('Brokers', BROKER_CONFIGS, DYNAMIC_ONLY_BROKER_CONFIGS)}
${line('Topics', TOPIC_CONFIGS)}
${line('Groups', GROUP_CONFIGS)}
${line('Client metrics', CLIENT_METRICS_CONFIGS)}
`
}

function table(keys: readonly ConfigKey[], definition: ConfigDef, hasModes: boolean): string {
  const change = hasModes ? ' Change |' : ''
  const rows = keys.map(key => {
    const mode = hasModes ? ` ${CHANGE[key.updateMode]} |` : ''
    return `| \`${key.name}\` | ${key.type}${valid(key)} | ${byDefault(key, definition)} |${mode} ${status(key.honoured)} | ${documentation(key)} |`
  })
  return `| Key | Type | Default |${change} Honoured | |
| --- | --- | --- |${hasModes ? ' --- |' : ''} --- | --- |
${rows.join('\n')}
`
}

/** Kafka's way to write a range is not everybody's. */
function valid({ validator }: ConfigKey): string {
  const text = (validator?.description ?? '')
    .replace(/^\[(-?[\d.]+),\.\.\.\]$/, '≥ $1')
    .replace(/^\[(-?[\d.]+),\.\.\.,(-?[\d.]+)\]/, '$1 to $2')
    .replace(/^\(case insensitive\) /, '')
    .replace(/^\[(.*)\]$/, '$1')
  return text === '' ? '' : `, ${text.replaceAll('<', '&lt;')}`
}

function byDefault(key: ConfigKey, definition: ConfigDef): string {
  if (key.defaultText === undefined) return 'none: must be set'
  const text = definition.defaultText(key.name)
  if (text === null) return ''
  if (text === '9223372036854775807' || text === '1.7976931348623157E308') return 'unlimited'
  return text === '' ? 'empty' : `\`${text}\``
}

function documentation({ internal, documentation }: ConfigKey): string {
  return internal ? `${documentation} Internal to Kafka.` : documentation
}

function status(honoured: Honoured): string {
  if (honoured.status === 'yes') return 'yes'
  return `${honoured.status === 'not-yet' ? 'not yet' : 'no effect'}: ${honoured.reason}`
}

if (import.meta.main) {
  writeFileSync(PAGE, configurationPage())
  console.log(`${PAGE}: ${readFileSync(PAGE, 'utf8').split('\n').length} lines`)
}
