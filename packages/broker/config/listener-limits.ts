/** How many connections a listener takes, and how fast: what is set with its prefix, else what is set for all. */
import { type BrokerConfig, listenerConfigValue } from './broker-config.ts'

export interface ListenerLimitConfig {
  readonly maxConnections: number
  /** A second. */
  readonly maxCreationRate: number
}

type Config = Pick<BrokerConfig, 'listeners' | 'source'>

/** By the names of the listeners. */
export function listenerLimits(config: Config): ReadonlyMap<string, ListenerLimitConfig> {
  return new Map(
    config.listeners.all.map(({ name }) => {
      const limit = (key: 'max.connections' | 'max.connection.creation.rate') =>
        listenerConfigValue(config, name, key) as number
      const limits = {
        maxConnections: limit('max.connections'),
        maxCreationRate: limit('max.connection.creation.rate'),
      }
      return [name, limits] as const
    }),
  )
}
