/** The addresses in `controller.quorum.voters` and `controller.quorum.bootstrap.servers`. */

export interface VoterAddress {
  readonly id: number
  readonly host: string
  readonly port: number
}

const HOST_AND_PORT = /^(?:[0-9a-zA-Z\-%._]*:\/\/)?\[?([0-9a-zA-Z\-%._:]*)\]?:([0-9]+)$/

export function parseHostAndPort(text: string): { readonly host: string; readonly port: number } | null {
  const match = HOST_AND_PORT.exec(text)
  if (!match) return null
  const port = Number(match[2])
  return port <= 65_535 ? { host: match[1]!, port } : null
}

/** Of `id@host:port`; null if it is not that. */
export function parseVoter(text: string): VoterAddress | null {
  const [id, address, ...rest] = text.split('@')
  if (address === undefined || rest.length > 0 || !/^[+-]?\d+$/.test(id!)) return null
  const hostAndPort = parseHostAndPort(address)
  return hostAndPort && { id: Number(id), ...hostAndPort }
}

export function isBootstrapServer(text: string): boolean {
  return parseHostAndPort(text) !== null
}
