/**
 * FindCoordinator (key 10), versions 0 to 6: the leader of the partition of `__consumer_offsets` that a group belongs to.
 * The topic is created when the first one asks, who is answered when the groups can be served. Coordinators of transactions
 * and share groups are not there yet.
 *
 * 1 key type, error message · 4 many keys (KIP-699) · 6 share groups (KIP-932)
 */
import { ErrorCode, type ErrorName } from '@ottla/protocol'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { OFFSETS_TOPIC } from '../coordinator/group-coordinator.ts'
import type { Services } from '../services.ts'
import { defineHandler } from './handler.ts'

const KeyType = { GROUP: 0, TRANSACTION: 1, SHARE: 2 } as const
const MANY_KEYS_SINCE = 4
/**
 * Kafka does not wait, and has the first one ask again. Clients do that after a tenth of a second or more, some log an
 * error before, and a few give up.
 */
const CREATION_PATIENCE_MS = 1000
const NOWHERE = { nodeId: -1, host: '', port: -1 }

interface Found {
  readonly errorCode: number
  readonly errorMessage: string
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

export const findCoordinator = defineHandler({
  request: FindCoordinatorRequest,
  response: FindCoordinatorResponse,
  async handle({ key, keyType, coordinatorKeys }, { apiVersion, listenerName, signal }, services) {
    const hasMany = apiVersion >= MANY_KEYS_SINCE
    if (keyType === KeyType.GROUP && !services.metadata.topic(OFFSETS_TOPIC))
      await firstGroups(hasMany ? coordinatorKeys : [key], services, signal)
    const findOne = (one: string) => find(one, keyType, listenerName, services)
    if (!hasMany) return findOne(key)
    return { coordinators: coordinatorKeys.map(one => ({ key: one, ...findOne(one) })) }
  },
  failed({ coordinatorKeys }, { errorCode, errorMessage }, apiVersion) {
    const failure = { errorCode, errorMessage, ...NOWHERE }
    if (apiVersion < MANY_KEYS_SINCE) return failure
    return { coordinators: coordinatorKeys.map(key => ({ key, ...failure })) }
  },
})

/** Resolves when the offsets topic is made and these groups are loaded, or that does not come to pass. */
function firstGroups(groupIds: readonly string[], services: Services, signal: AbortSignal): Promise<void> {
  const { world, autoTopics, metadata, groups } = services
  return new Promise(resolve => {
    const done = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = world.clock.setTimer(CREATION_PATIENCE_MS, done)
    signal.addEventListener('abort', done, { once: true })
    autoTopics
      .create(OFFSETS_TOPIC)
      .then(async () => {
        if (!metadata.topic(OFFSETS_TOPIC)) return
        await Promise.all(groupIds.map(groupId => groups.whenLoaded(groups.partitionFor(groupId))))
      })
      .then(done, done)
  })
}

function find(key: string, keyType: number, listenerName: string, services: Services): Found {
  switch (keyType) {
    case KeyType.GROUP:
      return findGroupCoordinator(key, listenerName, services)
    case KeyType.TRANSACTION:
      return notFound('INVALID_REQUEST', 'transactions are not served yet')
    case KeyType.SHARE:
      return notFound('INVALID_REQUEST', 'share groups are not served yet')
    default:
      return notFound('INVALID_REQUEST', `no coordinator has key type ${keyType}`)
  }
}

function findGroupCoordinator(groupId: string, listenerName: string, { metadata, groups }: Services): Found {
  const topic = metadata.topic(OFFSETS_TOPIC)
  if (!topic) return notFound('COORDINATOR_NOT_AVAILABLE', `${OFFSETS_TOPIC} is not there yet`)
  const partition = groups.partitionFor(groupId)
  const leader = topic.partitions[partition]?.leader ?? -1
  const endpoint = metadata.endpoint(leader, listenerName)
  return endpoint
    ? found(endpoint)
    : notFound('COORDINATOR_NOT_AVAILABLE', `${OFFSETS_TOPIC}-${partition} has no leader`)
}

function found({ nodeId, host, port }: Pick<Found, 'nodeId' | 'host' | 'port'>): Found {
  return { errorCode: ErrorCode.NONE, errorMessage: '', nodeId, host, port }
}

function notFound(code: ErrorName, errorMessage: string): Found {
  return { errorCode: ErrorCode[code], errorMessage, ...NOWHERE }
}
