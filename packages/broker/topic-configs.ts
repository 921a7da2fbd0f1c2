/** The resolved configuration of each topic, kept until the topic's own or the broker's changes. */
import { type BrokerConfig, resolveTopicConfig, type TopicConfig } from './config/index.ts'
import { ConfigResourceType, configsOf, type MetadataImage } from './image/index.ts'

export class TopicConfigs {
  readonly #resolved = new Map<string, TopicConfig>()
  #broker: BrokerConfig
  #image: () => MetadataImage

  constructor(broker: BrokerConfig, image: () => MetadataImage) {
    this.#broker = broker
    this.#image = image
  }

  get(topic: string): TopicConfig {
    const known = this.#resolved.get(topic)
    if (known) return known
    const resolved = resolveTopicConfig(this.#broker, this.overrides(topic))
    this.#resolved.set(topic, resolved)
    return resolved
  }

  /** What was set for the topic itself, by Kafka's names. */
  overrides(topic: string): ReadonlyMap<string, string> {
    return configsOf(this.#image(), { type: ConfigResourceType.TOPIC, name: topic })
  }

  forget(topic: string): void {
    this.#resolved.delete(topic)
  }

  reconfigure(broker: BrokerConfig): void {
    this.#broker = broker
    this.#resolved.clear()
  }
}
