/** The resolved configuration of each group that has one of its own, kept until it or the broker's changes. */
import { type BrokerConfig, type GroupConfig, resolveGroupConfig } from './config/index.ts'
import { ConfigResourceType, configsOf, type MetadataImage } from './image/index.ts'

const NONE: ReadonlyMap<string, string> = new Map()

export class GroupConfigs {
  readonly #resolved = new Map<string, GroupConfig>()
  #broker: BrokerConfig
  #image: () => MetadataImage
  #defaults: GroupConfig

  constructor(broker: BrokerConfig, image: () => MetadataImage) {
    this.#broker = broker
    this.#image = image
    this.#defaults = resolveGroupConfig(broker, NONE)
  }

  get(groupId: string): GroupConfig {
    const known = this.#resolved.get(groupId)
    if (known) return known
    const overrides = configsOf(this.#image(), { type: ConfigResourceType.GROUP, name: groupId })
    // Most have none, and any number of names may be asked for.
    if (overrides.size === 0) return this.#defaults
    const resolved = resolveGroupConfig(this.#broker, overrides)
    this.#resolved.set(groupId, resolved)
    return resolved
  }

  forget(groupId: string): void {
    this.#resolved.delete(groupId)
  }

  reconfigure(broker: BrokerConfig): void {
    this.#broker = broker
    this.#defaults = resolveGroupConfig(broker, NONE)
    this.#resolved.clear()
  }
}
