/**
 * What a configuration asks for that Ottla does not do, so that nothing is accepted as if it worked: most of it is a
 * warning at the start; what would leave a node open, alone or broken without anybody noticing is a reason not to start.
 */
import type { BrokerConfig } from './broker-config.ts'
import { type ConfigKey, type Honoured, notYet } from './definition.ts'
import { BROKER_CONFIGS, TOPIC_CONFIGS } from './definitions.ts'
import type { ConfigProblem } from './errors.ts'
import { classify } from './names.ts'
import { BadValue, parseValue } from './values.ts'

/** Reasons not to start. */
export function refusals(config: BrokerConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const refuse = (name: string, message: string) =>
    problems.push({ origin: config.source.merged.get(name)?.origin ?? '', name, message })
  if (!config.isBroker || !config.isController)
    refuse('process.roles', "process.roles must be 'broker,controller': nodes with one role are not supported yet")
  if (config.controllerQuorumVoters.length > 1 || config.controllerQuorumBootstrapServers.length > 1) {
    const name =
      config.controllerQuorumVoters.length > 1 ? 'controller.quorum.voters' : 'controller.quorum.bootstrap.servers'
    refuse(name, `${name} must have this node alone: several controllers are not supported yet`)
  }
  for (const { name, protocol } of config.listeners.all) {
    if (protocol !== 'PLAINTEXT')
      refuse('listeners', `listeners: ${name} is ${protocol}, and only PLAINTEXT is supported yet`)
  }
  if (config.authorizerClassName !== '')
    refuse(
      'authorizer.class.name',
      'authorizer.class.name: access control is not supported yet; without it anybody may do anything',
    )
  return problems
}

export interface Unhonoured {
  /** Settings whose effect is missing. */
  readonly warnings: readonly ConfigProblem[]
  /** Settings that there is nothing here to have an effect on. */
  readonly notes: readonly ConfigProblem[]
}

/** Of what somebody has set to another value than the default, what is not honoured. */
export function unhonoured(config: BrokerConfig): Unhonoured {
  const warnings: ConfigProblem[] = []
  const notes: ConfigProblem[] = []
  for (const [name, { value, origin, implied }] of config.source.merged) {
    const key = keyOf(name)
    if (!key || implied || isDefault(key, value)) continue
    const message = sentence(key.honoured, name, key.type === 'password' ? null : value)
    if (message === null) continue
    const list = key.honoured.status === 'not-yet' ? warnings : notes
    list.push({ origin, name, message })
  }
  return { warnings, notes }
}

/** As `unhonoured`, of what a topic sets: sentences for the log. */
export function unhonouredTopicConfigs(overrides: ReadonlyMap<string, string>): string[] {
  return [...overrides].flatMap(([name, value]) => {
    const key = TOPIC_CONFIGS.get(name)
    return key && !isDefault(key, value) ? (sentence(key.honoured, name, value) ?? []) : []
  })
}

const ONE_LISTENER = notYet('settings of a single listener are not read, only those without the prefix')

function keyOf(name: string): ConfigKey | null {
  const key = BROKER_CONFIGS.get(name)
  if (key) return key
  const other = classify(name)
  if (other.kind !== 'listener') return null
  return other.key.honoured.status === 'yes' ? { ...other.key, honoured: ONE_LISTENER } : other.key
}

function isDefault(key: ConfigKey, value: string): boolean {
  const parsed = parseValue(key.type, value)
  return !(parsed instanceof BadValue) && parsed.text === key.defaultText
}

function sentence(honoured: Honoured, name: string, value: string | null): string | null {
  if (honoured.status === 'yes') return null
  const setting = value === null ? name : `${name}=${value}`
  return `${setting} has no effect${honoured.status === 'not-yet' ? ' yet' : ''}: ${honoured.reason}`
}
