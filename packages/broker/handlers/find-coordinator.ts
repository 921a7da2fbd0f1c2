/**
 * FindCoordinator (key 10), versions 0 to 6: the leader of the partition that a group belongs to (of `__consumer_offsets`)
 * or a transactional id (of `__transaction_state`). The topic is created when the first one asks, who is answered when
 * what is coordinated there can be served. Coordinators of share groups are not there yet.
 *
 * 1 key type, error message · 4 many keys (KIP-699) · 6 share groups (KIP-932)
 */
import { ErrorCode, type ErrorName } from '@ottla/protocol'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { type GroupCoordinator, OFFSETS_TOPIC } from '../coordinator/group-coordinator.ts'
import { TRANSACTION_TOPIC, type TransactionCoordinator } from '../coordinator/transaction-coordinator.ts'
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
    const found = kindOf(keyType, services)
    if (found && !services.metadata.topic(found.topic))
      await firstOnes(hasMany ? coordinatorKeys : [key], found, services, signal)
    const findOne = (one: string) =>
      found ? find(one, found, listenerName, services) : notFound('INVALID_REQUEST', reasonOf(keyType))
    if (!hasMany) return findOne(key)
    return { coordinators: coordinatorKeys.map(one => ({ key: one, ...findOne(one) })) }
  },
  failed({ coordinatorKeys }, { errorCode, errorMessage }, apiVersion) {
    const failure = { errorCode, errorMessage, ...NOWHERE }
    if (apiVersion < MANY_KEYS_SINCE) return failure
    return { coordinators: coordinatorKeys.map(key => ({ key, ...failure })) }
  },
})

/** A coordinator as far as finding it goes. */
interface Kind {
  readonly topic: string
  partitionFor(key: string): number
  whenLoaded(partition: number): Promise<void>
}

function kindOf(keyType: number, { groups, transactions }: Services): Kind | null {
  if (keyType === KeyType.GROUP) return kind(OFFSETS_TOPIC, groups)
  return keyType === KeyType.TRANSACTION ? kind(TRANSACTION_TOPIC, transactions) : null
}

function kind(topic: string, coordinator: GroupCoordinator | TransactionCoordinator): Kind {
  return {
    topic,
    partitionFor: key => coordinator.partitionFor(key),
    whenLoaded: partition => coordinator.whenLoaded(partition),
  }
}

function reasonOf(keyType: number): string {
  return keyType === KeyType.SHARE ? 'share groups are not served yet' : `no coordinator has key type ${keyType}`
}

/** Resolves when the topic is made and what these keys belong to is loaded, or that does not come to pass. */
function firstOnes(keys: readonly string[], kind: Kind, services: Services, signal: AbortSignal): Promise<void> {
  const { world, autoTopics, metadata } = services
  return new Promise(resolve => {
    const done = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = world.clock.setTimer(CREATION_PATIENCE_MS, done)
    signal.addEventListener('abort', done, { once: true })
    autoTopics
      .create(kind.topic)
      .then(async () => {
        if (!metadata.topic(kind.topic)) return
        await Promise.all(keys.map(key => kind.whenLoaded(kind.partitionFor(key))))
      })
      .then(done, done)
  })
}

function find(key: string, kind: Kind, listenerName: string, { metadata }: Services): Found {
  const topic = metadata.topic(kind.topic)
  if (!topic) return notFound('COORDINATOR_NOT_AVAILABLE', `${kind.topic} is not there yet`)
  const partition = kind.partitionFor(key)
  const leader = topic.partitions[partition]?.leader ?? -1
  const endpoint = metadata.endpoint(leader, listenerName)
  return endpoint ? found(endpoint) : notFound('COORDINATOR_NOT_AVAILABLE', `${kind.topic}-${partition} has no leader`)
}

function found({ nodeId, host, port }: Pick<Found, 'nodeId' | 'host' | 'port'>): Found {
  return { errorCode: ErrorCode.NONE, errorMessage: '', nodeId, host, port }
}

function notFound(code: ErrorName, errorMessage: string): Found {
  return { errorCode: ErrorCode[code], errorMessage, ...NOWHERE }
}
