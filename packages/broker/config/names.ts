/**
 * Names that are not in the table of broker configs: prefixed ones, those of Kafka's authorizer, those that Kafka once
 * had, and slips of the pen, for which the nearest right name is found.
 */
import { type ConfigKey, type Honoured, noEffect, notYet } from './definition.ts'
import { BROKER_CONFIGS, DYNAMIC_ONLY_BROKER_CONFIGS, TOPIC_CONFIGS } from './definitions.ts'
import { withoutListenerPrefix } from './synonyms.ts'

/** Keys that plugins of Kafka read by themselves and that are in no definition. */
export const EXTRA_BROKER_CONFIGS: ReadonlyMap<
  string,
  { readonly documentation: string; readonly honoured: Honoured }
> = new Map([
  [
    'super.users',
    {
      documentation: 'Principals that may do everything, User:name separated by semicolons.',
      honoured: notYet('there is no access control'),
    },
  ],
  [
    'allow.everyone.if.no.acl.found',
    {
      documentation: 'Everyone may use a resource for which there is no ACL.',
      honoured: notYet('there is no access control'),
    },
  ],
])

const NO_ZOOKEEPER = noEffect('there is no ZooKeeper')
const REMOVED_PREFIXES: readonly [string, Honoured][] = [['zookeeper.', NO_ZOOKEEPER]]

/** Keys of older versions: Kafka 4.3 ignores them, and so files that have them are common. */
const REMOVED: ReadonlyMap<string, Honoured> = new Map([
  ['advertised.host.name', notYet('Kafka 3.0 dropped it: use advertised.listeners')],
  ['advertised.port', notYet('Kafka 3.0 dropped it: use advertised.listeners')],
  ['auto.include.jmx.reporter', noEffect('Kafka 4.0 dropped it')],
  ['broker.id.generation.enable', NO_ZOOKEEPER],
  ['control.plane.listener.name', noEffect('Kafka 4.0 dropped it')],
  ['controlled.shutdown.max.retries', noEffect('Kafka 4.0 dropped it')],
  ['controlled.shutdown.retry.backoff.ms', noEffect('Kafka 4.0 dropped it')],
  ['delegation.token.master.key', notYet('Kafka 4.0 dropped it: use delegation.token.secret.key')],
  ['group.coordinator.new.enable', noEffect('Kafka 4.0 dropped it')],
  ['host.name', notYet('Kafka 3.0 dropped it: use listeners')],
  [
    'inter.broker.protocol.version',
    noEffect('Kafka 4.0 dropped it: metadata.version is set with ottla storage or features'),
  ],
  ['log.message.downconversion.enable', noEffect('Kafka 4.0 dropped it')],
  ['log.message.format.version', noEffect('Kafka 4.0 dropped it')],
  [
    'log.message.timestamp.difference.max.ms',
    notYet('Kafka 4.0 dropped it: use log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms'),
  ],
  ['offsets.commit.required.acks', noEffect('Kafka 4.0 dropped it')],
  ['password.encoder.cipher.algorithm', NO_ZOOKEEPER],
  ['password.encoder.iterations', NO_ZOOKEEPER],
  ['password.encoder.key.length', NO_ZOOKEEPER],
  ['password.encoder.keyfactory.algorithm', NO_ZOOKEEPER],
  ['password.encoder.old.secret', NO_ZOOKEEPER],
  ['password.encoder.secret', NO_ZOOKEEPER],
  ['port', notYet('Kafka 3.0 dropped it: use listeners')],
  ['quota.consumer.default', notYet('Kafka 3.0 dropped it: quotas are set per client')],
  ['quota.producer.default', notYet('Kafka 3.0 dropped it: quotas are set per client')],
  ['reserved.broker.max.id', NO_ZOOKEEPER],
])

/** Settings that are handed on to plugins: any name is right. */
const PLUGIN_PREFIXES = ['rsm.config.', 'rlmm.config.', 'metrics.context.', 'config.providers.']

/** A name in a broker's configuration that is not a key of it. */
export type OtherName =
  /** `listener.name.x.` or `listener.name.x.mechanism.` before a key. */
  | { readonly kind: 'listener'; readonly listener: string; readonly key: ConfigKey }
  | { readonly kind: 'extra'; readonly honoured: Honoured }
  | { readonly kind: 'removed'; readonly honoured: Honoured }
  | { readonly kind: 'plugin' }
  | { readonly kind: 'dynamic-only' }
  | { readonly kind: 'unknown' }

export function classify(name: string): OtherName {
  const listener = classifyListenerConfig(name)
  if (listener) return listener
  const extra = EXTRA_BROKER_CONFIGS.get(name)
  if (extra) return { kind: 'extra', honoured: extra.honoured }
  const removed = REMOVED.get(name) ?? REMOVED_PREFIXES.find(([prefix]) => name.startsWith(prefix))?.[1]
  if (removed) return { kind: 'removed', honoured: removed }
  if (PLUGIN_PREFIXES.some(prefix => name.startsWith(prefix))) return { kind: 'plugin' }
  if (DYNAMIC_ONLY_BROKER_CONFIGS.get(name)) return { kind: 'dynamic-only' }
  return { kind: 'unknown' }
}

function classifyListenerConfig(name: string): OtherName | null {
  const rest = withoutListenerPrefix(name)
  if (rest === null) return null
  const listener = name.slice('listener.name.'.length, name.length - rest.length - 1)
  const key = BROKER_CONFIGS.get(rest) ?? BROKER_CONFIGS.get(rest.slice(rest.indexOf('.') + 1))
  return key ? { kind: 'listener', listener, key } : { kind: 'unknown' }
}

/** What somebody who wrote `name`, which is unknown, may have meant; null if nothing is near. */
export function nearestBrokerConfig(name: string): string | null {
  const rest = withoutListenerPrefix(name)
  if (rest !== null) {
    const near = nearest(rest, BROKER_CONFIGS.keys.keys())
    return near && name.slice(0, -rest.length) + near
  }
  // A topic's name used for a broker is the commonest slip.
  const asTopic = TOPIC_CONFIGS.get(name) && BROKER_CONFIGS.get(`log.${name}`)
  return asTopic ? asTopic.name : nearest(name, BROKER_CONFIGS.keys.keys())
}

/** The candidate that takes the fewest edits to make of `name`; null if none is near. */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  let best: string | null = null
  let bestDistance = Math.floor(name.length / 3) + 1
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate, bestDistance)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Insertions, deletions and replacements from `a` to `b`; `bound` if there are that many or more. */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound) return bound
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      current[j] = Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1)
      if (current[j]! < least) least = current[j]!
    }
    if (least >= bound) return bound
    previous = current
  }
  return Math.min(previous[b.length]!, bound)
}
