/**
 * DescribeClientQuotas (key 48), versions 0 to 1 (KIP-546): the quotas of entities that a filter names. Of each type it
 * asks for one name, the default, or any; `strict` leaves out entities that have other types, too.
 */
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '@ottla/protocol/messages/describe-client-quotas'
import { ApiError } from '../errors.ts'
import { type ClientQuotaImage, QuotaEntityType, quotaKey } from '../image/index.ts'
import { bySlot, inJavaOrder, javaHashCode, javaSlot, javaSlots } from '../java-hash.ts'
import { defineHandler } from './handler.ts'

type Component = DescribeClientQuotasRequest['components'][number]

const MatchType = { EXACT: 0, DEFAULT: 1, SPECIFIED: 2 } as const

export const describeClientQuotas = defineHandler({
  request: DescribeClientQuotasRequest,
  response: DescribeClientQuotasResponse,
  handle({ components, strict }, _context, { metadata }) {
    checkFilter(components)
    const { clientQuotas } = metadata.image
    const found: ClientQuotaImage[] = isOneEntity(components, strict)
      ? [clientQuotas.get(quotaKey(components.map(named)))].filter(quota => quota !== undefined)
      : [...clientQuotas.values()].filter(({ entity }) => matches(entity, components, strict))
    const entries = entitiesInOrder(found, clientQuotas.size).map(({ entity, values }) => ({
      entity: [...entity],
      values: valuesInOrder(values).map(([key, value]) => ({ key, value })),
    }))
    return { entries }
  },
  failed: (_request, failure) => ({ ...failure, entries: null }),
})

/**
 * As Kafka tells entities, and the quotas of one that were set at once: in the order of Java's maps, just large enough
 * for all there are. There are clients that compare. Of entities that share a slot Kafka has the one first that was set
 * first, which no record tells; one of fewer parts mostly was.
 */
function entitiesInOrder(found: readonly ClientQuotaImage[], all: number): ClientQuotaImage[] {
  const slots = javaSlots(all, 1)
  const wideLast = found.toSorted((a, b) => a.entity.length - b.entity.length)
  return bySlot(wideLast, ({ entity }) => javaSlot(entityHash(entity), slots))
}

/** As Java's, of an object with one field, a map from types to names. */
function entityHash(entity: ClientQuotaImage['entity']): number {
  const parts = entity.map(({ entityType, entityName }) => javaHashCode(entityType) ^ javaHashCode(entityName ?? ''))
  return parts.reduce((sum, part) => (sum + part) | 0, 31)
}

/** They come from a map with 16 slots. */
function valuesInOrder(values: ReadonlyMap<string, number>): [string, number][] {
  const slots = javaSlots(values.size, 1)
  return bySlot(
    inJavaOrder(values, ([key]) => key),
    ([key]) => javaSlot(javaHashCode(key), slots),
  )
}

function checkFilter(components: readonly Component[]): void {
  const types = components.map(({ entityType }) => entityType)
  for (const [i, { entityType, matchType, match }] of components.entries()) {
    if (entityType === '') throw invalid('An entity type is empty.')
    if (types.indexOf(entityType) < i) throw invalid(`The entity type ${entityType} appears more than once.`)
    if (!Object.values<string>(QuotaEntityType).includes(entityType))
      throw new ApiError('UNSUPPORTED_VERSION', `There is no entity type ${entityType}.`)
    if (!Object.values<number>(MatchType).includes(matchType)) throw invalid(`There is no match type ${matchType}.`)
    if ((matchType === MatchType.EXACT) === (match === null))
      throw invalid('A name goes with an exact match, and with no other.')
  }
  if (types.includes(QuotaEntityType.ip) && types.length > 1)
    throw invalid('Invalid entity filter component combination: an ip stands alone.')
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_REQUEST', message)
}

/** So that it need not be searched for. */
function isOneEntity(components: readonly Component[], strict: boolean): boolean {
  return strict && components.every(({ matchType }) => matchType !== MatchType.SPECIFIED)
}

function named({ entityType, match }: Component) {
  return { entityType, entityName: match }
}

function matches(entity: ClientQuotaImage['entity'], components: readonly Component[], strict: boolean): boolean {
  if (strict && entity.length !== components.length) return false
  return components.every(({ entityType, matchType, match }) => {
    const part = entity.find(each => each.entityType === entityType)
    return part !== undefined && (matchType === MatchType.SPECIFIED || part.entityName === match)
  })
}
