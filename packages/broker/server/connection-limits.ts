/** Limits on connections with the addresses of hosts in place of their names. */
import { type Network, NetworkError } from '@ottla/io'
import { type BrokerConfig, listenerLimits } from '../config/index.ts'
import { ConfigurationError } from '../errors.ts'
import type { ConnectionLimits, IpRates } from '../quota/index.ts'

/** Rejects with a ConfigurationError for a host that has no address. */
export async function connectionLimits(config: BrokerConfig, network: Network): Promise<ConnectionLimits> {
  const { maxConnections, maxConnectionCreationRate, maxConnectionsPerIp, maxConnectionsPerIpOverrides } = config
  const resolved = Array.from(maxConnectionsPerIpOverrides, async ([host, limit]) => {
    const addresses = await network.resolve(host).catch(error => {
      if (!(error instanceof NetworkError)) throw error
      throw new ConfigurationError(`max.connections.per.ip.overrides: ${error.message}`, { cause: error })
    })
    return addresses.map(address => [address, limit] as const)
  })
  return {
    maxConnections,
    maxCreationRate: maxConnectionCreationRate,
    maxConnectionsPerIp,
    maxConnectionsPerIpOverrides: new Map((await Promise.all(resolved)).flat()),
    listeners: listenerLimits(config),
  }
}

/** A host that has no address any more limits nobody: it is told in `unknown`. */
export async function resolvedIpRates(
  rates: ReadonlyMap<string | null, number>,
  network: Network,
): Promise<{ readonly rates: IpRates; readonly unknown: readonly string[] }> {
  const byAddress = new Map<string, number>()
  const unknown: string[] = []
  for (const [host, rate] of rates) {
    if (host === null) continue
    try {
      for (const address of await network.resolve(host)) byAddress.set(address, rate)
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      unknown.push(host)
    }
  }
  return { rates: { default: rates.get(null) ?? Number.POSITIVE_INFINITY, byAddress }, unknown }
}
