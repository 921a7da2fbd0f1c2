import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ApiError, ConfigurationError } from '../errors.ts'
import { type BrokerConfig, resolveBrokerConfig } from './broker-config.ts'
import { type DynamicLevel, validateDynamicConfigs } from './dynamic.ts'
import { validateClientMetricsConfigs, validateGroupConfigs } from './group-config.ts'
import { PropertiesSyntaxError, parseProperties } from './properties.ts'
import { configNameOfVariable, loadConfig, type RawConfig } from './sources.ts'
import { validateTopicConfigs } from './topic-config.ts'

type Configs = Readonly<Record<string, string>>

/** Why we refuse what Kafka accepts. */
interface Judged {
  readonly stricter?: string
}

interface Cases {
  readonly base: Configs
  readonly broker: readonly (Judged & { readonly set: Configs; readonly unset?: readonly string[] })[]
  readonly topic: readonly (Judged & {
    readonly configs: Configs
    readonly existing?: Configs
    readonly broker?: Configs
  })[]
  readonly group: readonly (Judged & { readonly configs: Configs })[]
  readonly clientMetrics: readonly (Judged & { readonly configs: Configs })[]
  readonly dynamic: readonly (Judged & {
    readonly level: DynamicLevel
    readonly configs: Configs
    readonly broker?: Configs
  })[]
  readonly properties: readonly string[]
  readonly environments: readonly Configs[]
}

/** null: accepted; else the names that Kafka's message speaks of. */
type Verdict = readonly string[] | null

interface Verdicts {
  readonly broker: readonly Verdict[]
  readonly topic: readonly Verdict[]
  readonly group: readonly Verdict[]
  readonly clientMetrics: readonly Verdict[]
  readonly dynamic: readonly Verdict[]
  readonly properties: readonly (Configs | 'malformed')[]
  readonly environments: readonly Configs[]
}

/** The answers are Apache Kafka 4.3.1's: fixtures/JudgeCases.java. */
const cases: Cases = readJson('cases.json')
const verdicts: Verdicts = readJson('verdicts.json')

function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(`${import.meta.dirname}/fixtures/${name}`, 'utf8'))
}

function raw(configs: Configs): RawConfig {
  return new Map(Object.entries(configs).map(([name, value]) => [name, { value, origin: 'a test' }]))
}

function broker(set: Configs = {}, unset: readonly string[] = []): BrokerConfig {
  const configs: Record<string, string> = { ...cases.base, ...set }
  for (const name of unset) delete configs[name]
  return resolveBrokerConfig(raw(configs))
}

/** null if nothing is thrown. */
function messageOf(check: () => void): string | null {
  try {
    check()
    return null
  } catch (error) {
    assert.ok(error instanceof ConfigurationError || error instanceof ApiError, String(error))
    return error.message
  }
}

function compare(
  section: 'broker' | 'topic' | 'group' | 'clientMetrics' | 'dynamic',
  judge: (i: number) => void,
): void {
  assert.equal(cases[section].length, verdicts[section].length)
  for (const [i, given] of cases[section].entries()) {
    const what = JSON.stringify(given)
    const expected = verdicts[section][i]!
    const message = messageOf(() => judge(i))
    if (given.stricter !== undefined) {
      assert.ok(message !== null && expected === null, what)
      continue
    }
    assert.equal(
      message !== null,
      expected !== null,
      `${what}: Kafka ${expected === null ? 'accepts' : 'rejects'}; ${message}`,
    )
    if (message !== null && expected !== null && expected.length > 0)
      assert.ok(
        expected.some(name => message.includes(name)),
        `${what}: '${message}' names none of ${expected.join(', ')}`,
      )
  }
}

test('a broker accepts what Kafka accepts', () => {
  compare('broker', i => broker(cases.broker[i]!.set, cases.broker[i]!.unset))
})

test('a topic accepts what Kafka accepts', () => {
  compare('topic', i => {
    const { configs, existing = {}, broker: set } = cases.topic[i]!
    validateTopicConfigs(broker(set), new Map(Object.entries(configs)), new Map(Object.entries(existing)))
  })
})

test('a group accepts what Kafka accepts', () => {
  compare('group', i => validateGroupConfigs(broker(), new Map(Object.entries(cases.group[i]!.configs))))
})

test('a client metrics subscription accepts what Kafka accepts', () => {
  compare('clientMetrics', i =>
    validateClientMetricsConfigs('name', new Map(Object.entries(cases.clientMetrics[i]!.configs))),
  )
})

test('a running broker accepts what Kafka accepts', () => {
  compare('dynamic', i => {
    const { level, configs, broker: set } = cases.dynamic[i]!
    validateDynamicConfigs(broker(set), new Map(Object.entries(configs)), level)
  })
})

test('properties are read as Java reads them', () => {
  for (const [i, text] of cases.properties.entries()) {
    let read: Configs | 'malformed'
    try {
      read = Object.fromEntries(parseProperties(text).map(({ key, value }) => [key, value]))
    } catch (error) {
      assert.ok(error instanceof PropertiesSyntaxError)
      read = 'malformed'
    }
    assert.deepEqual(read, verdicts.properties[i], JSON.stringify(text))
  }
})

test("the environment is read as Kafka's image reads it", () => {
  for (const [i, environment] of cases.environments.entries()) {
    const { raw } = loadConfig({ environment })
    const read = Object.fromEntries([...raw].map(([name, { value }]) => [name, value]))
    assert.deepEqual(read, verdicts.environments[i], JSON.stringify(environment))
  }
  assert.equal(configNameOfVariable('KAFKA_NODE_ID'), 'node.id')
})
