/**
 * How many connections there may be: at one time, and from one address. Who is one too many in all has to wait until
 * another goes, as those do whom Kafka has not accepted yet; who is one too many from an address is turned away.
 */
import { type Network, NetworkError } from '@ottla/io'
import { ConfigurationError } from '../errors.ts'

export interface ConnectionLimits {
  readonly maxConnections: number
  readonly maxConnectionsPerIp: number
  /** By address. */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>
}

export class ConnectionSlots {
  #limits: ConnectionLimits
  #taken = 0
  readonly #byAddress = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  /** Who is connected stays. */
  set limits(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get isFull(): boolean {
    return this.#taken >= this.#limits.maxConnections
  }

  /** False: there are too many from this address. To be given back with `release`. */
  take(address: string): boolean {
    const { maxConnectionsPerIp, maxConnectionsPerIpOverrides } = this.#limits
    const fromAddress = this.#byAddress.get(address) ?? 0
    if (fromAddress >= (maxConnectionsPerIpOverrides.get(address) ?? maxConnectionsPerIp)) return false
    this.#byAddress.set(address, fromAddress + 1)
    this.#taken++
    return true
  }

  release(address: string): void {
    this.#taken--
    const left = this.#byAddress.get(address)! - 1
    if (left === 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, left)
  }
}

/** With the addresses of hosts in place of their names. Rejects with a ConfigurationError for one that has none. */
export async function connectionLimits(config: ConnectionLimits, network: Network): Promise<ConnectionLimits> {
  const { maxConnections, maxConnectionsPerIp, maxConnectionsPerIpOverrides: byHost } = config
  const resolved = [...byHost].map(async ([host, limit]) => {
    const addresses = await network.resolve(host).catch(error => {
      if (!(error instanceof NetworkError)) throw error
      throw new ConfigurationError(`max.connections.per.ip.overrides: ${error.message}`, { cause: error })
    })
    return addresses.map(address => [address, limit] as const)
  })
  const maxConnectionsPerIpOverrides = new Map((await Promise.all(resolved)).flat())
  return { maxConnections, maxConnectionsPerIp, maxConnectionsPerIpOverrides }
}
