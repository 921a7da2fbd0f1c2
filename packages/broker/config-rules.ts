/** What the controller asks about configurations, answered from the definitions and this node's own settings. */
import {
  BROKER_CONFIGS,
  type BrokerConfig,
  CLIENT_METRICS_CONFIGS,
  type ConfigDef,
  DYNAMIC_ONLY_BROKER_CONFIGS,
  describeTopic,
  GROUP_CONFIGS,
  TOPIC_CONFIGS,
  validateClientMetricsConfigs,
  validateDynamicConfigs,
  validateGroupConfigs,
  validateTopicConfig,
  validateTopicConfigs,
} from './config/index.ts'
import type { ConfigRules, DynamicConfigs } from './controller/index.ts'
import { ApiError } from './errors.ts'
import { type ConfigResource, ConfigResourceType } from './image/index.ts'

const { TOPIC, BROKER, GROUP, CLIENT_METRICS } = ConfigResourceType

/** `current` gives the broker's configuration as it is now, dynamic configs included. */
export function configRules(current: () => BrokerConfig): ConfigRules {
  return {
    validateConfig: ({ type }, name, value) => (type === TOPIC ? validateTopicConfig(name, value) : null),
    validateConfigs: (resource, configs) => reasonOf(() => validateAll(current(), resource, configs)),
    isList: (type, name) => definitionsOf(type).some(definition => definition.get(name)?.type === 'list'),
    defaultValue: (type, name) => {
      if (type === TOPIC) return current().topicDefaults.get(name) ?? TOPIC_CONFIGS.defaultText(name)
      return (
        definitionsOf(type)
          .map(definition => definition.defaultText(name))
          .find(text => text !== null) ?? null
      )
    },
    topicConfig: (name, dynamic) =>
      topicConfigs(current(), dynamic).find(config => config.name === name)?.value ?? null,
    topicConfigs: dynamic => topicConfigs(current(), dynamic),
  }
}

function topicConfigs(broker: BrokerConfig, dynamic: DynamicConfigs) {
  return describeTopic(broker, dynamic.topic).map(({ name, value, source, isSensitive }) => ({
    name,
    value,
    source,
    isSensitive,
  }))
}

function validateAll(broker: BrokerConfig, { type, name }: ConfigResource, configs: ReadonlyMap<string, string>): void {
  if (type === TOPIC) validateTopicConfigs(broker, configs)
  else if (type === BROKER) validateDynamicConfigs(broker, configs, name === '' ? 'cluster' : 'broker')
  else if (type === GROUP) validateGroupConfigs(broker, configs)
  else if (type === CLIENT_METRICS) validateClientMetricsConfigs(name, configs)
}

function reasonOf(validate: () => void): string | null {
  try {
    validate()
    return null
  } catch (error) {
    if (error instanceof ApiError) return error.message
    throw error
  }
}

function definitionsOf(type: number): readonly ConfigDef[] {
  if (type === TOPIC) return [TOPIC_CONFIGS]
  if (type === GROUP) return [GROUP_CONFIGS]
  if (type === CLIENT_METRICS) return [CLIENT_METRICS_CONFIGS]
  return [BROKER_CONFIGS, DYNAMIC_ONLY_BROKER_CONFIGS]
}
