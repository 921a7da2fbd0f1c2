/**
 * AlterConfigs and IncrementalAlterConfigs on their way to the controller: what is this broker's own business is done
 * here, or refused, and the rest goes on. Log levels are; and nobody may alter another broker's configs here.
 */
import { ApiError, errorCodeOf, messageOf } from '../errors.ts'
import { ConfigOperation, ConfigResourceType } from '../image/index.ts'
import type { Services } from '../services.ts'
import type { RequestContext } from './handler.ts'

interface Resource {
  readonly resourceType: number
  readonly resourceName: string
}

interface Result {
  readonly resourceType?: number
  readonly resourceName?: string
  readonly errorCode?: number
  readonly errorMessage?: string | null
}

/**
 * `own` returns true for what it has done, and throws an ApiError for what it refuses. What `forward` is given are the
 * others; results come in the order of the request.
 */
export async function alterOwn<R extends Resource>(
  resources: readonly R[],
  own: (resource: R) => boolean,
  forward: (others: R[]) => Promise<{ readonly responses?: readonly Result[] | undefined }>,
): Promise<{ responses: Result[] }> {
  const repeated = new Set(repeatedResources(resources))
  const done = new Map<R, Result>()
  for (const resource of resources) {
    // Which of them is meant is for nobody to say: the controller refuses them all.
    if (repeated.has(keyOf(resource))) continue
    const { resourceType, resourceName } = resource
    try {
      if (own(resource)) done.set(resource, { resourceType, resourceName, errorCode: 0, errorMessage: null })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const failure = { errorCode: errorCodeOf(error), errorMessage: messageOf(error) }
      done.set(resource, { resourceType, resourceName, ...failure })
    }
  }
  const others = resources.filter(resource => !done.has(resource))
  const forwarded = others.length > 0 || resources.length === 0 ? ((await forward(others)).responses ?? []) : []
  let next = 0
  return { responses: resources.map(resource => done.get(resource) ?? forwarded[next++]!) }
}

function* repeatedResources(resources: readonly Resource[]): Generator<string> {
  const seen = new Set<string>()
  for (const resource of resources) {
    const key = keyOf(resource)
    if (seen.has(key)) yield key
    seen.add(key)
  }
}

function keyOf({ resourceType, resourceName }: Resource): string {
  return `${resourceType}:${resourceName}`
}

/** The empty name is that of all brokers. A controller is asked for any of them. */
export function checkBroker(resource: Resource, { listenerName }: RequestContext, services: Services): void {
  const { resourceType, resourceName } = resource
  if (resourceType !== ConfigResourceType.BROKER || resourceName === '') return
  if (!services.isControllerListener(listenerName)) requireThisBroker(resourceName, services)
}

/** What the controller checks of resources that it is asked for. */
export function checkChanges(
  changes: readonly { readonly name: string; readonly value: string | null; readonly configOperation: number }[],
): void {
  if (new Set(changes.map(({ name }) => name)).size < changes.length)
    throw new ApiError('INVALID_REQUEST', 'Error due to duplicate config keys')
  const missing = changes.filter(
    ({ value, configOperation }) => value === null && configOperation !== ConfigOperation.DELETE,
  )
  if (missing.length > 0)
    throw new ApiError(
      'INVALID_REQUEST',
      `a null value is not supported for: ${missing.map(({ name }) => name).join(', ')}`,
    )
}

export function requireThisBroker(name: string, services: Services): void {
  if (!/^[+-]?\d+$/.test(name)) throw new ApiError('INVALID_REQUEST', `a broker id is an integer, not '${name}'`)
  if (Number(name) !== services.config.nodeId) {
    throw new ApiError(
      'INVALID_REQUEST',
      `this is broker ${services.config.nodeId}: ask broker ${name} for its configuration`,
    )
  }
}
