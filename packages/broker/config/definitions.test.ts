import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ConfigDef } from './config-def.ts'
import { camelCase } from './definition.ts'
import {
  BROKER_CONFIGS,
  CLIENT_METRICS_CONFIGS,
  DYNAMIC_ONLY_BROKER_CONFIGS,
  GROUP_CONFIGS,
  TOPIC_CONFIGS,
} from './definitions.ts'
import { brokerSynonyms, GROUP_SYNONYMS, TOPIC_SYNONYMS } from './synonyms.ts'

interface DumpedKey {
  readonly name: string
  readonly type: string
  readonly hasDefault: boolean
  readonly default: string | null
  readonly importance: string
  readonly validator: string | null
  readonly validValues: string | null
  readonly nullAllowed: boolean | null
  readonly emptyAllowed: boolean | null
  readonly internal: boolean
}

interface Dump {
  readonly broker: readonly DumpedKey[]
  readonly brokerDynamic: readonly DumpedKey[]
  readonly topic: readonly DumpedKey[]
  readonly group: readonly DumpedKey[]
  readonly clientMetrics: readonly DumpedKey[]
  readonly updateModes: Readonly<Record<string, string>>
  readonly topicSynonyms: Readonly<Record<string, readonly { readonly name: string; readonly ofTwo: string }[]>>
  readonly brokerSynonyms: Readonly<Record<string, readonly string[]>>
  readonly groupSynonyms: Readonly<Record<string, string | null>>
}

/** Made by Apache Kafka 4.3.1: fixtures/DumpDefinitions.java. */
const dump: Dump = JSON.parse(readFileSync(`${import.meta.dirname}/fixtures/definitions.json`, 'utf8'))

/** A set in Kafka, printed in the order of its hash. */
function inOrder(validValues: string | null): string {
  return (validValues ?? '').replace(/\[(.*)\]/, (whole, inner: string) =>
    inner.includes(', ') ? `[${inner.split(', ').sort().join(', ')}]` : whole,
  )
}

/** Same shape from both sides, so that a difference prints as one. */
function ours(definition: ConfigDef): Map<string, object> {
  return new Map(
    [...definition.keys.values()].map(key => [
      key.name,
      {
        type: key.type.toUpperCase(),
        hasDefault: key.defaultText !== undefined,
        default: definition.defaultText(key.name),
        importance: key.importance.toUpperCase(),
        hasValidator: key.validator !== null,
        dropsDuplicates: key.validator?.dropsDuplicates ?? false,
        validValues: inOrder(key.validator?.description ?? null),
        nullAllowed: key.validator && key.validator.check(null) === null,
        emptyAllowed: key.validator && key.type === 'list' ? key.validator.check([]) === null : null,
        internal: key.internal,
      },
    ]),
  )
}

function kafkas(keys: readonly DumpedKey[]): Map<string, object> {
  return new Map(
    keys.map(key => [
      key.name,
      {
        type: key.type,
        hasDefault: key.hasDefault,
        default: key.default,
        importance: key.importance,
        hasValidator: key.validator !== null,
        dropsDuplicates: key.validator?.endsWith('$ValidList') ?? false,
        validValues: inOrder(key.validValues),
        nullAllowed: key.nullAllowed,
        emptyAllowed: key.emptyAllowed,
        internal: key.internal,
      },
    ]),
  )
}

const definitions: readonly [string, ConfigDef, readonly DumpedKey[]][] = [
  ['broker', BROKER_CONFIGS, dump.broker],
  ['dynamic broker', DYNAMIC_ONLY_BROKER_CONFIGS, dump.brokerDynamic],
  ['topic', TOPIC_CONFIGS, dump.topic],
  ['group', GROUP_CONFIGS, dump.group],
  ['client metrics', CLIENT_METRICS_CONFIGS, dump.clientMetrics],
]

for (const [what, definition, expected] of definitions) {
  test(`${what} configs are Kafka's: names, types, defaults, importance, checks`, () => {
    const mine = ours(definition)
    const theirs = kafkas(expected)
    assert.deepEqual([...mine.keys()].sort(), [...theirs.keys()].sort())
    for (const [name, key] of theirs) assert.deepEqual(mine.get(name), key, name)
  })
}

test("update modes of broker configs are Kafka's", () => {
  const mine = [...BROKER_CONFIGS.keys.values(), ...DYNAMIC_ONLY_BROKER_CONFIGS.keys.values()]
    .filter(key => key.updateMode !== 'read-only')
    .map(key => [key.name, key.updateMode] as const)
  assert.deepEqual(Object.fromEntries(mine), dump.updateModes)
})

test("synonyms are Kafka's", () => {
  const topics = [...TOPIC_SYNONYMS].map(([name, synonyms]) => [
    name,
    synonyms.map(synonym => ({ name: synonym.name, ofTwo: String(2 * synonym.factor) })),
  ])
  assert.deepEqual(Object.fromEntries(topics), dump.topicSynonyms)
  const brokers = [...BROKER_CONFIGS.keys.keys()]
    .map(name => [name, brokerSynonyms(name)] as const)
    .filter(([, synonyms]) => synonyms.length > 1)
  assert.deepEqual(Object.fromEntries(brokers), dump.brokerSynonyms)
  assert.deepEqual(Object.fromEntries(GROUP_SYNONYMS), dump.groupSynonyms)
})

test('every key has a sentence, and a reason if it is not honoured', () => {
  for (const [, definition] of definitions) {
    for (const { name, documentation, honoured } of definition.keys.values()) {
      assert.match(documentation, /^\S.{10,200}[.]$/s, name)
      assert.doesNotMatch(documentation, /[|<>\n]/, `${name}: must stand in a table`)
      assert.equal(honoured.status === 'yes', honoured.reason === '', name)
      assert.doesNotMatch(honoured.reason, /\.$/, name)
    }
  }
})

test('names in camel case are unique', () => {
  for (const [what, definition] of definitions) {
    const names = [...definition.keys.keys()].map(camelCase)
    assert.equal(new Set(names).size, names.length, what)
  }
  assert.equal(camelCase('log.segment.bytes'), 'logSegmentBytes')
})
