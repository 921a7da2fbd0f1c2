/**
 * AlterClientQuotas: limits of users, client ids, both together, or addresses, each by name or as the default. An entity
 * is changed as a whole or not at all; what is set to what it is writes no record.
 */
import type { Init } from '@ottla/protocol'
import type { AlterClientQuotasRequest, AlterClientQuotasResponse } from '@ottla/protocol/messages/alter-client-quotas'
import { ApiError } from '../errors.ts'
import {
  type MetadataRecord,
  metadataRecord,
  type QuotaEntityPart,
  QuotaEntityType,
  QuotaKey,
  quotaKey,
} from '../image/index.ts'
import { checkRecordCount, failure, type Outcome, outcomeOf } from './outcome.ts'
import type { ControllerResult, ControllerState } from './state.ts'

type Entry = AlterClientQuotasRequest['entries'][number]

/** With what whoever took the request found out, as the controller asks no name service. */
export type AlterClientQuotas = AlterClientQuotasRequest & {
  /** Names of `ip` entities that are no address and that no host has. */
  readonly unknownHosts?: ReadonlySet<string>
}

interface Result {
  readonly entity: readonly QuotaEntityPart[]
  readonly outcome: Outcome
}

const MAX_INT = 2 ** 31 - 1
const MAX_LONG = 2 ** 63
/** Kafka's: how far from an integer a double may be that stands for one. */
const FRACTION = 1e-6

/** null: any number. */
const USER_KEYS: ReadonlyMap<string, number | null> = new Map([
  [QuotaKey.producerByteRate, MAX_LONG],
  [QuotaKey.consumerByteRate, MAX_LONG],
  [QuotaKey.requestPercentage, null],
  [QuotaKey.controllerMutationRate, null],
])
const IP_KEYS: ReadonlyMap<string, number | null> = new Map([[QuotaKey.connectionCreationRate, MAX_INT]])

/** As Kafka's hash tables have them, in records and in responses; there are clients that compare. */
const ENTITY_ORDER: readonly string[] = [QuotaEntityType.ip, QuotaEntityType.clientId, QuotaEntityType.user]

export function alterClientQuotas(
  state: ControllerState,
  request: AlterClientQuotas,
): ControllerResult<Init<typeof AlterClientQuotasResponse>> {
  const records: MetadataRecord[] = []
  const results = new Map<string, Result>()
  for (const { entity: given, ops } of request.entries) {
    // Of a part that is there twice, the last counts.
    const parts = new Map(given.map(part => [part.entityType, part]))
    const entity = [...parts.values()].sort(
      (a, b) => ENTITY_ORDER.indexOf(a.entityType) - ENTITY_ORDER.indexOf(b.entityType),
    )
    const key = quotaKey(entity)
    // As in Kafka the first has been changed by then, and its success is not told.
    const outcome = results.has(key)
      ? failure('INVALID_REQUEST', 'The entity appears more than once.')
      : outcomeOf(() => records.push(...changes(state, entity, ops, request.unknownHosts)))
    results.set(key, { entity, outcome })
  }
  checkRecordCount(records)
  const entries = Array.from(results.values(), ({ entity, outcome }) => ({ entity, ...outcome }))
  return { records: request.validateOnly ? [] : records, isAtomic: true, response: { entries } }
}

/** Throws INVALID_REQUEST. */
function changes(
  { image }: ControllerState,
  entity: readonly QuotaEntityPart[],
  ops: Entry['ops'],
  unknownHosts: ReadonlySet<string> | undefined,
): MetadataRecord[] {
  if (new Set(ops.map(({ key }) => key)).size < ops.length) throw invalid('A quota appears more than once.')
  const keys = keysFor(entity, unknownHosts)
  const current = image.clientQuotas.get(quotaKey(entity))?.values
  return ops.flatMap(({ key, value, remove }) => {
    if (remove) return current?.has(key) ? [metadataRecord('ClientQuotaRecord', 0, { entity, key, remove: true })] : []
    checkValue(keys, key, value)
    return Object.is(current?.get(key), value) ? [] : [metadataRecord('ClientQuotaRecord', 0, { entity, key, value })]
  })
}

/** The quotas that such an entity can have. */
function keysFor(entity: readonly QuotaEntityPart[], unknownHosts: ReadonlySet<string> | undefined) {
  if (entity.length === 0) throw invalid('A quota needs an entity.')
  for (const { entityType, entityName } of entity) {
    if (!Object.values<string>(QuotaEntityType).includes(entityType))
      throw invalid(`There is no entity type '${entityType}'.`)
    if (entityName === '') throw invalid(`The name of a ${entityType} must not be empty.`)
  }
  const ip = entity.find(part => part.entityType === QuotaEntityType.ip)
  if (!ip) return USER_KEYS
  if (entity.length > 1) throw invalid('Invalid quota entity combination: an ip stands alone.')
  if (ip.entityName !== null && unknownHosts?.has(ip.entityName))
    throw invalid(`'${ip.entityName}' is not a valid IP or resolvable host.`)
  return IP_KEYS
}

function checkValue(keys: ReadonlyMap<string, number | null>, key: string, value: number): void {
  const max = keys.get(key)
  if (max === undefined) throw invalid(`Such an entity has no quota '${key}'.`)
  if (value <= 0) throw invalid(`${key} must be greater than 0.`)
  if (max === null) return
  if (value > max) throw invalid(`${key} is too large.`)
  if (value % 1 > FRACTION) throw invalid(`${key} must be a whole number.`)
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_REQUEST', message)
}
