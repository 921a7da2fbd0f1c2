import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { camelCase } from './definition.ts'
import { BROKER_CONFIGS, GROUP_CONFIGS, TOPIC_CONFIGS } from './definitions.ts'
import { TOPIC_SYNONYMS } from './synonyms.ts'

/** Keys that are worked out here, and the name under which what comes of them is read. */
const READ_AS: Readonly<Record<string, string>> = {
  'process.roles': 'isController',
  'broker.id': 'nodeId',
  'log.dir': 'logDirs',
  'advertised.listeners': 'advertisedBroker',
  'listener.security.protocol.map': 'listeners',
  'inter.broker.listener.name': 'listeners',
  'security.inter.broker.protocol': 'listeners',
  'controller.listener.names': 'controller',
  'controller.quorum.bootstrap.servers': 'controllerQuorumVoters',
  'internal.metadata.log.segment.bytes': 'metadataLogSegmentBytes',
  'internal.segment.bytes': 'segmentBytes',
  'offsets.retention.minutes': 'offsetsRetentionMs',
}

/**
 * Keys whose rooms are being wired and that nobody reads yet. The list only grows shorter: what stays unread is not
 * honoured, and its row must say so.
 */
const AWAITED: readonly string[] = []

const packages = dirname(dirname(import.meta.dirname))
const rooms = globSync('{broker,log}/**/*.ts', { cwd: packages })
  .filter(path => !/^broker\/config\/|\.test\.ts$|\/(?:testing|fixtures)\//.test(path))
  .map(path => readFileSync(`${packages}/${path}`, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ''))
  .join('\n')

/** The default or a bound of what a group may set: read if that is. */
function ofGroup(name: string): string | undefined {
  const [, kind, key] = /^group\.(consumer|share|streams)\.(?:min\.|max\.)?(.+)$/.exec(name) ?? []
  return [`${kind}.${key}`, `${kind}.num.${key}`].find(key => GROUP_CONFIGS.get(key))
}

function isRead(name: string): boolean {
  return new RegExp(`\\b${READ_AS[name] ?? camelCase(name)}\\b`).test(rooms)
}

test('a key that is said to be honoured is read by a room', () => {
  const asTopic = new Map([...TOPIC_SYNONYMS].flatMap(([topic, synonyms]) => synonyms.map(({ name }) => [name, topic])))
  const honoured = [BROKER_CONFIGS, TOPIC_CONFIGS, GROUP_CONFIGS]
    .flatMap(({ keys }) => [...keys.values()])
    .filter(key => key.honoured.status === 'yes')
    .map(key => key.name)
  const unread = honoured.filter(name => ![name, asTopic.get(name), ofGroup(name)].some(key => key && isRead(key)))
  assert.deepEqual(
    [...new Set(unread)].sort(),
    [...AWAITED].sort(),
    'unread, and AWAITED: change the row of the key, or the list',
  )
})
