/** The options of `kafka-configs`, and whose configuration they mean: by `--entity-type` and `--entity-name`, or `--topic`, `--user`… */
import { isIP } from 'node:net'
import { COMMAND_CONFIG } from './declaration.ts'
import { ToolError } from './java/errors.ts'
import { type Options, type ParsedOptions, UsageError } from './options.ts'

export const CONFIG_OPTIONS = {
  'bootstrap-server': { about: 'Brokers to begin with: host:port, several separated by commas.', value: 'host:port' },
  'bootstrap-controller': { about: 'Or controllers.', value: 'host:port' },
  'command-config': COMMAND_CONFIG,
  alter: { about: 'Change configs.' },
  describe: { about: 'Show configs: those that were set; with --all every one.' },
  all: { about: 'With --describe: defaults, and what stands in server.properties, too.' },
  'entity-type': {
    about: 'topics, clients, users, brokers, broker-loggers, ips, client-metrics or groups.',
    value: 'type',
  },
  'entity-name': { about: 'Its name or id.', value: 'name' },
  'entity-default': { about: 'What all clients, users, brokers or ips have unless they have their own.' },
  'add-config': {
    about:
      'Configs to set; square brackets keep commas together. Of users: quotas, or SCRAM-SHA-256=[iterations=8192,password=secret].',
    value: 'k1=v1,k2=[v1,v2]',
  },
  'add-config-file': { about: 'A properties file of configs to set.', value: 'file' },
  'delete-config': { about: 'Configs that go back to their defaults.', value: 'k1,k2', separator: ',' },
  topic: { about: 'The configuration of a topic.', value: 'name' },
  client: { about: 'Of a client, by its id.', value: 'id' },
  'client-defaults': { about: 'Of all clients.' },
  user: { about: 'Of a user.', value: 'name' },
  'user-defaults': { about: 'Of all users.' },
  broker: { about: 'Of a broker.', value: 'id' },
  'broker-defaults': { about: 'Of all brokers.' },
  'broker-logger': { about: "Of a broker's loggers.", value: 'broker id' },
  ip: { about: 'Of an address.', value: 'address' },
  'ip-defaults': { about: 'Of all addresses.' },
  group: { about: 'Of a group.', value: 'id' },
  'client-metrics': { about: 'Of a client metrics configuration.', value: 'name' },
} as const satisfies Options
export type Parsed = ParsedOptions<keyof typeof CONFIG_OPTIONS>

/** Types and names side by side; a name of '' is the default of its type. */
export interface ConfigTarget {
  readonly types: readonly string[]
  readonly names: readonly string[]
}

const FLAGS = [
  ['topic', 'topics'],
  ['client', 'clients'],
  ['user', 'users'],
  ['broker', 'brokers'],
  ['broker-logger', 'broker-loggers'],
  ['ip', 'ips'],
  ['client-metrics', 'client-metrics'],
  ['group', 'groups'],
] as const
const DEFAULT_FLAGS = [
  ['client-defaults', 'clients'],
  ['user-defaults', 'users'],
  ['broker-defaults', 'brokers'],
  ['ip-defaults', 'ips'],
] as const
const ALL_TYPES = ['topics', 'clients', 'users', 'brokers', 'ips', 'client-metrics', 'groups', 'broker-loggers']
const WITH_DEFAULTS = ['users', 'clients', 'brokers', 'ips']

function targetOf(options: Parsed): ConfigTarget {
  const flags = FLAGS.filter(([flag]) => options.has(flag))
  const defaults = DEFAULT_FLAGS.filter(([flag]) => options.has(flag))
  const given = [...options.texts('entity-name')]
  const entities = options.given
    .filter(name => name === 'entity-name' || name === 'entity-default')
    .map(name => (name === 'entity-name' ? (given.shift() ?? '') : ''))
  return {
    types: [...options.texts('entity-type'), ...[...flags, ...defaults].map(([, type]) => type)],
    names: [...entities, ...flags.map(([flag]) => options.text(flag)!), ...defaults.map(() => '')],
  }
}

/** Throws what is wrong, in the order in which Java's tool would find it. */
export function checkConfigOptions(options: Parsed): ConfigTarget {
  if (options.count('alter', 'describe') !== 1)
    throw new UsageError('Command must include exactly one action: --describe, --alter')
  options.not('describe', 'add-config', 'delete-config')
  const target = targetOf(options)
  checkTypes(options, target)
  if (options.count('bootstrap-server', 'bootstrap-controller') > 1)
    throw new ToolError('Only one of --bootstrap-server or --bootstrap-controller can be specified')
  checkNames(options, target)
  if (options.has('describe')) checkDescribe(options, target)
  else checkAlter(options, target)
  return target
}

function checkTypes(options: Parsed, { types }: ConfigTarget): void {
  const twice = types.filter((type, i) => types.indexOf(type) !== i)
  if (twice.length > 0) throw new ToolError(`Duplicate entity type(s) specified: ${twice.join(',')}`)
  if (options.count('bootstrap-server', 'bootstrap-controller') === 0)
    throw new ToolError('Either --bootstrap-server or --bootstrap-controller must be specified.')
  for (const type of types) {
    if (!ALL_TYPES.includes(type))
      throw new ToolError(
        `Invalid entity type ${type}, the entity type must be one of ${ALL_TYPES.join(', ')} with a --bootstrap-server or --bootstrap-controller argument`,
      )
  }
  if (types.length === 0) throw new ToolError('At least one entity type must be specified')
  if (types.length > 1 && types.some(type => type !== 'users' && type !== 'clients'))
    throw new ToolError("Only 'users' and 'clients' entity types may be specified together")
  const areFlags = [...FLAGS, ...DEFAULT_FLAGS].some(([flag]) => options.has(flag))
  if (areFlags && options.count('entity-name', 'entity-type', 'entity-default') > 0)
    throw new ToolError('--entity-{type,name,default} should not be used in conjunction with specific entity flags')
}

function checkNames(options: Parsed, { types, names }: ConfigTarget): void {
  if (!names.some(name => name !== '')) return
  if (types.includes('brokers') || types.includes('broker-loggers')) {
    for (const option of ['entity-name', 'broker', 'broker-logger'] as const) {
      const id = options.has(option) ? options.text(option)! : '0'
      if (!/^[+-]?\d+$/.test(id))
        throw new ToolError(`The entity name for ${types[0]} must be a valid integer broker id, but it is: ${id}`)
    }
  }
  if (!types.includes('ips')) return
  for (const option of ['entity-name', 'ip'] as const) {
    const address = options.has(option) ? options.text(option)! : '127.0.0.1'
    // A name of a host is the broker's to look up.
    const isName = /^[a-zA-Z0-9]([\w.-]*[a-zA-Z0-9])?$/.test(address) && !/^[\d.]+$/.test(address)
    if (!isIP(address) && !isName)
      throw new ToolError(
        `The entity name for ${types[0]} must be a valid IP or resolvable host, but it is: ${address}`,
      )
  }
}

function checkDescribe(options: Parsed, { types, names }: ConfigTarget): void {
  if (options.has('entity-default') && !types.some(type => WITH_DEFAULTS.includes(type)))
    throw new ToolError(`--entity-default must not be specified with --describe of ${types.join(',')}`)
  if (types.includes('broker-loggers') && !names.some(name => name !== ''))
    throw new ToolError(`An entity name must be specified with --describe of ${types.join(',')}`)
}

function checkAlter(options: Parsed, { types, names }: ConfigTarget): void {
  if (types.some(type => WITH_DEFAULTS.includes(type))) {
    if (names.length === 0)
      throw new ToolError(
        'An entity-name or default entity must be specified with --alter of users, clients, brokers or ips',
      )
  } else if (!names.some(name => name !== ''))
    throw new ToolError(`An entity name must be specified with --alter of ${types.join(',')}`)
  if (options.has('add-config') && options.has('add-config-file'))
    throw new ToolError('Only one of --add-config or --add-config-file must be specified')
  if (options.count('add-config', 'add-config-file', 'delete-config') === 0)
    throw new ToolError(
      'At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter',
    )
}
