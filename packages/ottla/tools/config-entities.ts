/** What `kafka-configs` does for users, clients and addresses: quotas and SCRAM credentials. */
import {
  alterClientQuotas,
  alterScramCredentials,
  type Cluster,
  describeClientQuotas,
  describeScramCredentials,
  type QuotaEntityType,
  type QuotaFilter,
  type Quotas,
  ScramMechanism,
} from '@ottla/client'
import type { ConfigTarget } from './config-options.ts'
import type { ToolContext } from './context.ts'
import { messageOf, ToolError, textOf } from './java/errors.ts'
import { doubleText } from './java/format.ts'
import { hashOrder, stringHash } from './java/hash-order.ts'

const ENTITY_TYPES: Readonly<Record<string, QuotaEntityType>> = { users: 'user', clients: 'client-id', ips: 'ip' }
const SHOWN_TYPES = [
  ['user', 'user-principal'],
  ['client-id', 'client-id'],
  ['ip', 'ip'],
] as const

const CLIENT_QUOTAS = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage', 'controller_mutation_rate']
const IP_QUOTAS = ['connection_creation_rate']
const DEFAULT_ITERATIONS = 4096

type Added = ReadonlyMap<string, string>

export async function alterEntity(
  cluster: Cluster,
  target: ConfigTarget,
  added: Added,
  deleted: readonly string[],
): Promise<void> {
  const [type] = target.types
  if (type === 'ips') {
    const unknown = [...added.keys(), ...deleted].filter(key => !IP_QUOTAS.includes(key))
    if (unknown.length > 0)
      throw new ToolError(
        `Only connection quota configs can be added for 'ips' using --bootstrap-server. Unexpected config names: ${unknown.join(',')}`,
      )
    return alterQuotas(cluster, target, added, deleted)
  }
  checkClientConfigs(target, added, deleted)
  const areQuotas = [...added.keys(), ...deleted].some(key => CLIENT_QUOTAS.includes(key))
  if (areQuotas) return alterQuotas(cluster, target, added, deleted)
  await alterScram(cluster, target.names[0]!, added, deleted)
}

function isScram(key: string): key is ScramMechanism {
  return key in ScramMechanism
}

function checkClientConfigs({ types, names }: ConfigTarget, added: Added, deleted: readonly string[]): void {
  const isOdd = (key: string) => !isScram(key) && !CLIENT_QUOTAS.includes(key)
  const areUsers = types[0] === 'users' && types.length === 1
  for (const [verb, keys] of [
    ['added', [...added.keys()]],
    ['deleted', deleted],
  ] as const) {
    const odd = keys.filter(isOdd)
    const scram = keys.filter(isScram)
    if (!areUsers && odd.length + scram.length > 0)
      throw new ToolError(
        `Only quota configs can be ${verb} for 'clients' using --bootstrap-server. Unexpected config names: ${collection(verb, [...odd, ...scram])}`,
      )
    if (areUsers && odd.length > 0)
      throw new ToolError(
        `Only quota and SCRAM credential configs can be ${verb} for 'users' using --bootstrap-server. Unexpected config names: ${collection(verb, odd)}`,
      )
  }
  const all = [...added.keys(), ...deleted]
  if (!areUsers || !all.some(isScram)) return
  if (names.includes(''))
    throw new ToolError(
      'The use of --entity-default or --user-defaults is not allowed with User SCRAM Credentials using --bootstrap-server.',
    )
  if (all.some(key => CLIENT_QUOTAS.includes(key)))
    throw new ToolError(
      "Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using --bootstrap-server.",
    )
}

/** As Scala prints the one and the other. */
function collection(verb: string, keys: readonly string[]): string {
  return `${verb === 'added' ? 'Set' : 'ArrayBuffer'}(${keys.join(', ')})`
}

async function alterQuotas(
  cluster: Cluster,
  { types, names }: ConfigTarget,
  added: Added,
  deleted: readonly string[],
): Promise<void> {
  const current = (await quotasOf(cluster, { types, names }))[0]?.values
  const missing = deleted.filter(key => !current?.has(key))
  if (missing.length > 0) throw new ToolError(`Invalid config(s): ${missing.join(',')}`)
  const entity = types.map((type, i) => ({ entityType: ENTITY_TYPES[type]!, name: names[i] || null }))
  const changes = [...added].map(([key, text]) => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (Number.isNaN(value)) throw new ToolError(`Cannot parse quota configuration value for ${key}: ${text}`)
    return { key, value }
  })
  await alterClientQuotas(cluster, entity, [...changes, ...deleted.map(key => ({ key, value: null }))])
}

async function alterScram(cluster: Cluster, user: string, added: Added, deleted: readonly string[]): Promise<void> {
  const upsertions = [...added].map(([key, text]) => {
    const mechanism = key as ScramMechanism
    const match = /^(?:iterations=(-?[0-9]*),)?password=(.*)$/s.exec(text)
    if (!match) throw new ToolError(`Invalid credential property ${key.replaceAll('-', '_')}=${text}`)
    const given = match[1]
    const iterations = given === undefined || given === '-1' ? DEFAULT_ITERATIONS : Number(given)
    const { minIterations } = ScramMechanism[mechanism]
    if (iterations < minIterations)
      throw new ToolError(
        `Iterations ${iterations} is less than the minimum ${minIterations} required for ${mechanism}`,
      )
    return { mechanism, iterations, password: match[2]! }
  })
  await alterScramCredentials(cluster, user, upsertions, deleted.filter(isScram))
}

async function quotasOf(cluster: Cluster, { types, names }: ConfigTarget): Promise<Quotas[]> {
  if (names.length > types.length) throw new ToolError('More entity names specified than entity types')
  const filters: QuotaFilter[] = types.map((type, i) => {
    const name = names[i]
    return { entityType: ENTITY_TYPES[type]!, name: name === '' ? null : name }
  })
  return describeClientQuotas(cluster, filters)
}

export async function describeEntity(cluster: Cluster, target: ConfigTarget, context: ToolContext): Promise<void> {
  for (const { entity, values } of hashOrder(await quotasOf(cluster, target), entityHash, true)) {
    const shown = SHOWN_TYPES.flatMap(([entityType, text]) => {
      const part = entity.find(one => one.entityType === entityType)
      if (!part) return []
      return [part.name === null ? `the default ${text}` : `${text} '${part.name}'`]
    })
    const quotas = hashOrder([...values], ([key]) => stringHash(key)).map(
      ([key, value]) => `${key}=${doubleText(value)}`,
    )
    context.print(`Quota configs for ${shown.join(', ')} are ${quotas.join(', ')}`)
  }
  if (target.types.includes('users') && !target.types.includes('clients') && !target.names.includes(''))
    await describeScram(cluster, target.names, context)
}

/** `ClientQuotaEntity.hashCode()`: 31 and that of a map, which is the sum of its entries'. */
function entityHash({ entity }: Quotas): number {
  const hashes = entity.map(({ entityType, name }) => stringHash(entityType) ^ (name === null ? 0 : stringHash(name)))
  return (31 + hashes.reduce((sum, hash) => (sum + hash) | 0, 0)) | 0
}

async function describeScram(cluster: Cluster, users: readonly string[], context: ToolContext): Promise<void> {
  for (const { user, failure, credentials } of await describeScramCredentials(
    cluster,
    users.length > 0 ? users : null,
  )) {
    if (failure?.code === 'RESOURCE_NOT_FOUND') continue
    if (failure) {
      const exception = textOf(failure).split(':')[0]!.split('.').at(-1)
      context.print(
        `Error retrieving SCRAM credential configs for user-principal '${user}': ${exception}: ${messageOf(failure)}`,
      )
      continue
    }
    const shown = credentials.map(({ mechanism, iterations }) => `${mechanism}=iterations=${iterations}`)
    context.print(`SCRAM credential configs for user-principal '${user}' are ${shown.join(', ')}`)
  }
}
