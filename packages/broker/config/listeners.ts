/**
 * From `listeners`, `advertised.listeners`, `listener.security.protocol.map`, `controller.listener.names` and the
 * inter-broker settings to what a node listens on and what it tells others; and Kafka's rules for their going together.
 */
import type { VoterAddress } from './quorum-voters.ts'

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

const SECURITY_PROTOCOLS: ReadonlySet<string> = new Set(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'])

export interface Endpoint {
  /** The name of the listener, in capitals. */
  readonly name: string
  readonly protocol: SecurityProtocol
  /** null: all interfaces; of an advertised endpoint, the name of the host. */
  readonly host: string | null
  readonly port: number
}

/** The values of the keys, as parsed. */
export interface ListenerInput {
  readonly nodeId: number
  readonly isBroker: boolean
  readonly isController: boolean
  readonly listeners: readonly string[]
  readonly advertisedListeners: readonly string[] | null
  readonly securityProtocolMap: string
  /** Whether listener.security.protocol.map is more than the default. */
  readonly hasSecurityProtocolMap: boolean
  readonly controllerListenerNames: readonly string[]
  readonly interBrokerListenerName: string | null
  readonly interBrokerSecurityProtocol: string
  readonly hasInterBrokerSecurityProtocol: boolean
  readonly earlyStartListeners: readonly string[] | null
  readonly voters: readonly VoterAddress[]
}

export interface Listeners {
  /** All that the node listens on. */
  readonly all: readonly Endpoint[]
  /** Those for clients and other brokers. */
  readonly broker: readonly Endpoint[]
  readonly controller: readonly Endpoint[]
  readonly advertisedBroker: readonly Endpoint[]
  readonly advertisedController: readonly Endpoint[]
  readonly securityProtocolMap: ReadonlyMap<string, SecurityProtocol>
  readonly interBroker: { readonly name: string; readonly protocol: SecurityProtocol }
  readonly earlyStart: ReadonlySet<string>
}

/** A rule that is broken: the first key is the one to look at. */
export class ListenerError extends Error {
  override readonly name = 'ListenerError'
  readonly key: string

  constructor(key: string, message: string) {
    super(message)
    this.key = key
  }
}

/** Throws a ListenerError for the first rule that is broken; each builds on those before. */
export function resolveListeners(input: ListenerInput): Listeners {
  const securityProtocolMap = protocolMap(input)
  const isControllers = (endpoint: Endpoint) => input.controllerListenerNames.includes(endpoint.name)
  const all = endpoints('listeners', input.listeners, securityProtocolMap)
  checkPorts(all, input.listeners)
  const advertised =
    input.advertisedListeners && endpoints('advertised.listeners', input.advertisedListeners, securityProtocolMap)
  const listeners: Listeners = {
    all,
    broker: all.filter(endpoint => !isControllers(endpoint)),
    controller: all.filter(isControllers),
    advertisedBroker: (advertised ?? all).filter(endpoint => !isControllers(endpoint)),
    advertisedController: advertiseControllers(
      input,
      advertised?.filter(isControllers) ?? [],
      all.filter(isControllers),
    ),
    securityProtocolMap,
    interBroker: interBrokerListener(input, securityProtocolMap),
    earlyStart: earlyStart(input, all),
  }
  checkRoles(input, listeners)
  if (input.isBroker) checkBroker(listeners)
  for (const { name, host } of [...listeners.advertisedBroker, ...listeners.advertisedController]) {
    if (host === '0.0.0.0')
      throw new ListenerError(
        'advertised.listeners',
        `advertised.listeners: nobody can connect to 0.0.0.0, which ${name} says`,
      )
  }
  return listeners
}

// ------------------------------------------------------------------------------------------------------- protocols

const MAP_KEY = 'listener.security.protocol.map'

function protocolMap(input: ListenerInput): Map<string, SecurityProtocol> {
  const map = new Map<string, SecurityProtocol>()
  for (const [name, text] of parseMap(MAP_KEY, input.securityProtocolMap)) {
    const protocol = text.toUpperCase()
    if (!SECURITY_PROTOCOLS.has(protocol))
      throw new ListenerError(MAP_KEY, `${MAP_KEY}: '${text}' is not one of ${[...SECURITY_PROTOCOLS].join(', ')}`)
    const listener = listenerName(MAP_KEY, name)
    if (map.has(listener)) throw new ListenerError(MAP_KEY, `${MAP_KEY}: ${listener} is there more than once`)
    map.set(listener, protocol as SecurityProtocol)
  }
  if (!input.hasSecurityProtocolMap && !needsExplicitMap(input)) {
    for (const name of input.controllerListenerNames) if (name !== 'PLAINTEXT') map.set(name, 'PLAINTEXT')
  }
  return map
}

/** As soon as any listener is not PLAINTEXT, controller listeners are not taken for PLAINTEXT silently. */
function needsExplicitMap(input: ListenerInput): boolean {
  const isSecure = (name: string) => name !== 'PLAINTEXT' && SECURITY_PROTOCOLS.has(name)
  const names = input.listeners.map(entry => {
    const colon = entry.indexOf(':')
    if (colon < 0) throw new ListenerError('listeners', `listeners: '${entry}' is not NAME://host:port`)
    return entry.slice(0, colon).toUpperCase()
  })
  return input.controllerListenerNames.some(isSecure) || names.some(isSecure)
}

/** `a:1,b:2`; the last colon counts, so that a key may have some. */
export function parseMap(key: string, text: string): Map<string, string> {
  const map = new Map<string, string>()
  if (text === '') return map
  for (const entry of text.replace(/[\s,]*$/, '').split(/\s*,\s*/)) {
    const colon = entry.lastIndexOf(':')
    if (colon < 0) throw new ListenerError(key, `${key}: '${entry}' is not two parts with a colon between`)
    map.set(entry.slice(0, colon).trim(), entry.slice(colon + 1).trim())
  }
  return map
}

function listenerName(key: string, name: string): string {
  if (name.trim() === '') throw new ListenerError(key, `${key}: the name of a listener must not be empty`)
  return name.toUpperCase()
}

// ------------------------------------------------------------------------------------------------------- endpoints

const ENDPOINT = /^(.*):\/\/\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]+)$/

function endpoints(
  key: string,
  entries: readonly string[],
  protocols: ReadonlyMap<string, SecurityProtocol>,
): Endpoint[] {
  const result = entries.map(entry => {
    const match = ENDPOINT.exec(entry)
    if (!match) throw new ListenerError(key, `${key}: '${entry}' is not NAME://host:port`)
    const name = listenerName(key, match[1]!)
    const port = Number(match[3])
    if (port < 0 || port > 65_535) throw new ListenerError(key, `${key}: '${entry}' has a port that is not 0 to 65535`)
    const protocol = protocols.get(name)
    if (!protocol) throw new ListenerError(key, `${key}: ${MAP_KEY} has no security protocol for ${name}`)
    return { name, protocol, host: match[2] || null, port }
  })
  const names = result.map(endpoint => endpoint.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new ListenerError(key, `${key}: ${twice} is there more than once`)
  return result
}

/** Each listener its own port, but for an IPv4 and an IPv6 address that share one. */
function checkPorts(all: readonly Endpoint[], entries: readonly string[]): void {
  for (const [port, same] of Map.groupBy(all, endpoint => endpoint.port)) {
    if (port === 0 || same.length === 1) continue
    const versions = same.map(endpoint => ipVersion(endpoint.host))
    const isPair = same.length === 2 && versions.includes(4) && versions.includes(6)
    if (!isPair) {
      throw new ListenerError(
        'listeners',
        `listeners: only an IPv4 and an IPv6 address can share a port, not ${port} of ${entries.join(',')}`,
      )
    }
  }
}

/** 4, 6, or 0 if it is not the address of an interface. */
export function ipVersion(host: string | null): 0 | 4 | 6 {
  if (host === null) return 0
  const octets = host.split('.')
  if (octets.length === 4 && octets.every(octet => /^(0|[1-9][0-9]{0,2})$/.test(octet) && Number(octet) < 256)) return 4
  return isIpv6(host.split('%')[0]!) ? 6 : 0
}

function isIpv6(address: string): boolean {
  const halves = address.split('::')
  if (halves.length > 2 || !address.includes(':')) return false
  const groups = halves.flatMap(half => (half === '' ? [] : half.split(':')))
  const last = groups.at(-1)
  const hasIpv4 = last !== undefined && ipVersion4(last)
  const hex = hasIpv4 ? groups.slice(0, -1) : groups
  const count = hex.length + (hasIpv4 ? 2 : 0)
  return hex.every(group => /^[0-9a-fA-F]{1,4}$/.test(group)) && (halves.length === 2 ? count < 8 : count === 8)
}

function ipVersion4(text: string): boolean {
  return text.includes('.') && ipVersion(text) === 4
}

// -------------------------------------------------------------------------------------------------------- the rest

function interBrokerListener(input: ListenerInput, protocols: ReadonlyMap<string, SecurityProtocol>) {
  if (input.interBrokerListenerName === null) {
    const protocol = input.interBrokerSecurityProtocol as SecurityProtocol
    return { name: protocol, protocol }
  }
  const key = 'inter.broker.listener.name'
  if (input.hasInterBrokerSecurityProtocol)
    throw new ListenerError(key, `${key} and security.inter.broker.protocol must not both be set`)
  const name = listenerName(key, input.interBrokerListenerName)
  const protocol = protocols.get(name)
  if (!protocol) throw new ListenerError(key, `${key}: ${MAP_KEY} has no security protocol for ${name}`)
  return { name, protocol }
}

function earlyStart(input: ListenerInput, all: readonly Endpoint[]): Set<string> {
  const names = new Set(all.map(endpoint => endpoint.name))
  if (input.earlyStartListeners === null) return new Set(input.controllerListenerNames.filter(name => names.has(name)))
  const unknown = input.earlyStartListeners.find(name => !names.has(name))
  if (unknown !== undefined)
    throw new ListenerError('early.start.listeners', `early.start.listeners: ${unknown} is not one of listeners`)
  return new Set(input.earlyStartListeners)
}

/** What others are told of the controller: as advertised, else as the voters know this node, else where it listens. */
function advertiseControllers(
  input: ListenerInput,
  advertised: readonly Endpoint[],
  listening: readonly Endpoint[],
): Endpoint[] {
  const voter = input.voters.find(({ id }) => id === input.nodeId)
  return input.controllerListenerNames.flatMap((controllerName, i) => {
    const name = controllerName.toUpperCase()
    const own = advertised.find(endpoint => endpoint.name === name)
    if (own) return [own]
    const endpoint = listening.find(endpoint => endpoint.name === name)
    if (!endpoint) return []
    const isWildcard = endpoint.host === null || endpoint.host === '0.0.0.0'
    if (i === 0 && isWildcard) checkRoutable(input.voters)
    if (i === 0 && isWildcard && voter) return [{ ...endpoint, host: voter.host, port: voter.port }]
    return [endpoint.host === '0.0.0.0' ? { ...endpoint, host: null } : endpoint]
  })
}

function checkRoutable(voters: readonly VoterAddress[]): void {
  const key = 'controller.quorum.voters'
  if (voters.some(voter => voter.host === '0.0.0.0'))
    throw new ListenerError(key, `${key}: nobody can connect to 0.0.0.0`)
}

const NAMES_KEY = 'controller.listener.names'

function checkRoles(input: ListenerInput, listeners: Listeners): void {
  const { isBroker, isController, controllerListenerNames } = input
  const names = listeners.all.map(endpoint => endpoint.name)
  if (!isController) {
    if (listeners.controller.length > 0)
      throw new ListenerError(
        NAMES_KEY,
        `${NAMES_KEY}: a node that is only a broker must not have a listener of it in listeners`,
      )
    const unmapped = controllerListenerNames.find(name => !listeners.securityProtocolMap.has(name.toUpperCase()))
    if (unmapped !== undefined)
      throw new ListenerError(MAP_KEY, `${MAP_KEY} must have the controller listener ${unmapped}`)
    return
  }
  if (!isBroker && listeners.advertisedController.length !== listeners.all.length)
    throw new ListenerError(
      'listeners',
      `listeners: a node that is only a controller must have no others than those of ${NAMES_KEY}`,
    )
  if (
    !isBroker &&
    input.interBrokerListenerName !== null &&
    controllerListenerNames.includes(listeners.interBroker.name)
  )
    throw new ListenerError('inter.broker.listener.name', `inter.broker.listener.name must not be one of ${NAMES_KEY}`)
  const missing = controllerListenerNames.find(name => !names.includes(name))
  if (missing !== undefined)
    throw new ListenerError(NAMES_KEY, `${NAMES_KEY}: a controller must have ${missing} in listeners`)
}

function checkBroker({ all, advertisedBroker, interBroker }: Listeners): void {
  const names = all.map(endpoint => endpoint.name)
  const advertised = advertisedBroker.map(endpoint => endpoint.name)
  if (advertised.length === 0)
    throw new ListenerError('listeners', `listeners: a broker needs one that is not in ${NAMES_KEY}`)
  if (!advertised.includes(interBroker.name)) {
    throw new ListenerError(
      'inter.broker.listener.name',
      `inter.broker.listener.name, which is ${interBroker.name}, must be one of the advertised listeners: ${advertised.join(', ')}`,
    )
  }
  const strange = advertised.find(name => !names.includes(name))
  if (strange !== undefined)
    throw new ListenerError('advertised.listeners', `advertised.listeners: ${strange} is not one of listeners`)
}
