/** What the controller asks of `config/`: whether configs may be set, and what they come to for a topic. */
import {
  applyDynamicConfigs,
  BROKER_CONFIGS,
  type BrokerConfig,
  CLIENT_METRICS_CONFIGS,
  type ConfigDef,
  DYNAMIC_ONLY_BROKER_CONFIGS,
  GROUP_CONFIGS,
  resolveTopicConfig,
  TOPIC_CONFIGS,
  type TopicConfig,
  validateClientMetricsConfigs,
  validateDynamicConfigs,
  validateGroupConfigs,
  validateTopicConfigs,
} from '../config/index.ts'
import { type ConfigResource, ConfigResourceType, configsOf, type MetadataImage } from '../image/index.ts'

type Configs = ReadonlyMap<string, string>

const DEFINITIONS: ReadonlyMap<number, readonly ConfigDef[]> = new Map<number, readonly ConfigDef[]>([
  [ConfigResourceType.TOPIC, [TOPIC_CONFIGS]],
  [ConfigResourceType.BROKER, [BROKER_CONFIGS, DYNAMIC_ONLY_BROKER_CONFIGS]],
  [ConfigResourceType.GROUP, [GROUP_CONFIGS]],
  [ConfigResourceType.CLIENT_METRICS, [CLIENT_METRICS_CONFIGS]],
])

function definitionOf({ type }: ConfigResource, name: string): ConfigDef | undefined {
  return DEFINITIONS.get(type)?.find(definition => definition.get(name))
}

/**
 * false for a key that is in no table: of a plugin, or with the prefix of a listener. Kafka's controller knows the types
 * of what topics and brokers have, and of nothing else.
 */
export function isListConfig(resource: ConfigResource, name: string): boolean {
  if (resource.type !== ConfigResourceType.TOPIC && resource.type !== ConfigResourceType.BROKER) return false
  return definitionOf(resource, name)?.get(name)?.type === 'list'
}

/** null: the key has no default, or its default is that it is not set. */
export function defaultConfig(resource: ConfigResource, name: string): string | null {
  return definitionOf(resource, name)?.defaultText(name) ?? null
}

/**
 * The configuration of this node with what is set for it in the cluster, which its topics' configs build on. Made again
 * only when one of the two changes: images share what does not.
 */
export class NodeConfig {
  readonly #fixed: BrokerConfig
  readonly #nodeId: string
  #cluster: Configs | null = null
  #own: Configs | null = null
  #current: BrokerConfig

  constructor(fixed: BrokerConfig) {
    this.#fixed = fixed
    this.#nodeId = String(fixed.nodeId)
    this.#current = fixed
  }

  in(image: MetadataImage): BrokerConfig {
    const cluster = configsOf(image, { type: ConfigResourceType.BROKER, name: '' })
    const own = configsOf(image, { type: ConfigResourceType.BROKER, name: this.#nodeId })
    if (cluster !== this.#cluster || own !== this.#own) {
      this.#cluster = cluster
      this.#own = own
      this.#current = applyDynamicConfigs(this.#fixed, cluster, own).config
    }
    return this.#current
  }

  topicConfig(image: MetadataImage, topic: string): TopicConfig {
    return resolveTopicConfig(this.in(image), configsOf(image, { type: ConfigResourceType.TOPIC, name: topic }))
  }

  /**
   * All that a resource is to have. Throws an ApiError. Another broker's configs pass: that broker has checked them
   * before it sent them here, and only it can.
   */
  validate(image: MetadataImage, resource: ConfigResource, configs: Configs): void {
    const current = this.in(image)
    switch (resource.type) {
      case ConfigResourceType.TOPIC:
        validateTopicConfigs(current, configs, configsOf(image, resource))
        break
      case ConfigResourceType.BROKER:
        if (resource.name === '') validateDynamicConfigs(current, configs, 'cluster')
        else if (resource.name === this.#nodeId) validateDynamicConfigs(current, configs, 'broker')
        break
      case ConfigResourceType.GROUP:
        validateGroupConfigs(current, configs)
        break
      case ConfigResourceType.CLIENT_METRICS:
        validateClientMetricsConfigs(resource.name, configs)
        break
    }
  }
}
