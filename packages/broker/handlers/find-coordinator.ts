/**
 * FindCoordinator (key 10), versions 0 to 6: the leader of the partition that a group belongs to (of `__consumer_offsets`)
 * or a transactional id (of `__transaction_state`), or a share partition (of `__share_group_state`). The topic is created when
 * the first one asks, who is answered when what is coordinated there can be served.
 *
 * 1 key type, error message · 4 many keys (KIP-699) · 6 share groups (KIP-932)
 */
import { ErrorCode, type ErrorName } from '@ottla/protocol'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { type GroupCoordinator, OFFSETS_TOPIC } from '../coordinator/group-coordinator.ts'
import { SHARE_GROUP_STATE_TOPIC, type ShareCoordinator } from '../coordinator/share-coordinator.ts'
import { TRANSACTION_TOPIC, type TransactionCoordinator } from '../coordinator/transaction-coordinator.ts'
import type { Services } from '../services.ts'
import { defineHandler } from './handler.ts'

const KeyType = { GROUP: 0, TRANSACTION: 1, SHARE: 2 } as const
const MANY_KEYS_SINCE = 4
const SHARES_SINCE = 6
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
    const found = kindOf(keyType, apiVersion, services)
    if (found && !services.metadata.topic(found.topic))
      await firstOnes(hasMany ? coordinatorKeys : [key], found, services, signal)
    const findOne = (one: string) =>
      found ? find(one, found, listenerName, services) : notFound('INVALID_REQUEST', reasonOf(keyType))
    if (!hasMany) return spelledOut(findOne(key))
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
  isKey(key: string): boolean
  partitionFor(key: string): number
  whenLoaded(partition: number): Promise<void>
}

function kindOf(keyType: number, apiVersion: number, { groups, transactions, shares }: Services): Kind | null {
  if (keyType === KeyType.GROUP) return kind(OFFSETS_TOPIC, groups, () => true)
  if (keyType === KeyType.TRANSACTION) return kind(TRANSACTION_TOPIC, transactions, () => true)
  const isShare = keyType === KeyType.SHARE && apiVersion >= SHARES_SINCE
  return isShare ? kind(SHARE_GROUP_STATE_TOPIC, shares.coordinator, isSharePartition) : null
}

function kind(
  topic: string,
  coordinator: GroupCoordinator | TransactionCoordinator | ShareCoordinator,
  isKey: (key: string) => boolean,
): Kind {
  return {
    topic,
    isKey,
    partitionFor: key => coordinator.partitionFor(key),
    whenLoaded: partition => coordinator.whenLoaded(partition),
  }
}

/** Group, topic id, partition; a group's id may have colons, too. */
function isSharePartition(key: string): boolean {
  return /^.*\S.*:[\w-]{22}:[+-]?\d+$/s.test(key)
}

function reasonOf(keyType: number): string {
  if (keyType === KeyType.SHARE) return `share groups are known since version ${SHARES_SINCE}`
  return `no coordinator has key type ${keyType}`
}

/** Resolves when the topic is made and what the keys are about is loaded, or that does not come to pass. */
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

function find(
  key: string,
  { topic: name, isKey, partitionFor }: Kind,
  listenerName: string,
  services: Services,
): Found {
  if (!isKey(key)) return notFound('INVALID_REQUEST', `${key} is no share partition`)
  const topic = services.metadata.topic(name)
  if (!topic) return notFound('COORDINATOR_NOT_AVAILABLE', `${name} is not there yet`)
  const partition = partitionFor(key)
  const leader = topic.partitions[partition]?.leader ?? -1
  const endpoint = services.metadata.endpoint(leader, listenerName)
  return endpoint ? found(endpoint) : notFound('COORDINATOR_NOT_AVAILABLE', `${name}-${partition} has no leader`)
}

function found({ nodeId, host, port }: Pick<Found, 'nodeId' | 'host' | 'port'>): Found {
  return { errorCode: ErrorCode.NONE, errorMessage: '', nodeId, host, port }
}

/** Before version 4 no error has a message, too: its name, as clients have come to expect. */
function spelledOut(answer: Found): Found {
  return answer.errorCode === ErrorCode.NONE ? { ...answer, errorMessage: 'NONE' } : answer
}

function notFound(code: ErrorName, errorMessage: string): Found {
  return { errorCode: ErrorCode[code], errorMessage, ...NOWHERE }
}
