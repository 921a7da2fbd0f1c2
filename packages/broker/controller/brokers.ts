/** BrokerRegistration, BrokerHeartbeat, UnregisterBroker, ControllerRegistration, and the fencing of silent brokers. */
import type { Init } from '@ottla/protocol'
import type { BrokerHeartbeatRequest, BrokerHeartbeatResponse } from '@ottla/protocol/messages/broker-heartbeat'
import type {
  BrokerRegistrationRequest,
  BrokerRegistrationResponse,
} from '@ottla/protocol/messages/broker-registration'
import type {
  ControllerRegistrationRequest,
  ControllerRegistrationResponse,
} from '@ottla/protocol/messages/controller-registration'
import type { UnregisterBrokerRequest, UnregisterBrokerResponse } from '@ottla/protocol/messages/unregister-broker'
import { ApiError } from '../errors.ts'
import {
  type BrokerRegistration,
  isReservedDirectoryId,
  KRAFT_VERSION,
  METADATA_VERSION,
  type MetadataRecord,
  metadataRecord,
  registerBrokerRecordVersion,
  Since,
} from '../image/index.ts'
import type { BrokerState } from './broker-heartbeats.ts'
import { leaderAndIsrUpdates } from './leadership.ts'
import {
  type ControllerResult,
  type ControllerState,
  currentBroker,
  isElrEnabled,
  metadataVersion,
  type RequestScope,
} from './state.ts'

/** From this version on, a request says which broker epoch a clean shutdown ended. */
const KNOWS_CLEAN_SHUTDOWN = 3

export function registerBroker(
  state: ControllerState,
  request: BrokerRegistrationRequest,
  { nowMs, apiVersion, nextOffset }: RequestScope,
): ControllerResult<Init<typeof BrokerRegistrationResponse>> {
  const existing = state.image.brokers.get(request.brokerId)
  checkIdentity(state, request, existing, nowMs)
  if (metadataVersion(state) >= Since.DIRECTORY_ASSIGNMENT) checkLogDirs(state, request)
  checkFeatures(state, request)
  const isSameIncarnation = existing?.incarnationId === request.incarnationId
  const wasClean = apiVersion >= KNOWS_CLEAN_SHUTDOWN && existing?.epoch === request.previousBrokerEpoch
  const cleanUp = isSameIncarnation ? [] : recordsForShutdown(state, request.brokerId, wasClean)
  const brokerEpoch = isSameIncarnation ? existing.epoch : nextOffset
  const version = metadataVersion(state)
  const registration = metadataRecord('RegisterBrokerRecord', registerBrokerRecordVersion(version), {
    brokerId: request.brokerId,
    incarnationId: request.incarnationId,
    brokerEpoch,
    rack: request.rack,
    endPoints: request.listeners,
    features: request.features,
    fenced: isSameIncarnation ? existing.fenced : true,
    inControlledShutdown: isSameIncarnation && existing.inControlledShutdown,
    logDirs: version >= Since.DIRECTORY_ASSIGNMENT ? request.logDirs : [],
  })
  // The registration comes last: if not all of the batches get committed, the broker registers and cleans up again.
  return { records: [...cleanUp, registration], isAtomic: false, response: { brokerEpoch } }
}

function checkIdentity(
  { options, heartbeats }: ControllerState,
  request: BrokerRegistrationRequest,
  existing: BrokerRegistration | undefined,
  nowMs: number,
): void {
  const { brokerId, clusterId, incarnationId } = request
  if (clusterId !== options.clusterId) {
    const message = `This is cluster ${options.clusterId}, and broker ${brokerId} belongs to ${clusterId}.`
    throw new ApiError('INCONSISTENT_CLUSTER_ID', message)
  }
  if (existing && existing.incarnationId !== incarnationId && heartbeats.hasSession(brokerId, existing.epoch, nowMs)) {
    const message = `Broker ${brokerId} is alive. If it was just restarted, this passes when its old session is over.`
    throw new ApiError('DUPLICATE_BROKER_REGISTRATION', message)
  }
  if (request.isMigratingZkBroker) {
    throw new ApiError('BROKER_ID_NOT_REGISTERED', 'Brokers that use ZooKeeper cannot register.')
  }
}

function checkLogDirs({ image }: ControllerState, { brokerId, logDirs }: BrokerRegistrationRequest): void {
  const refuse = (reason: string) => new ApiError('INVALID_REGISTRATION', `Broker ${brokerId} ${reason}.`)
  if (logDirs.length === 0) throw refuse('registers no log directories')
  if (logDirs.some(isReservedDirectoryId)) throw refuse('registers a reserved directory id')
  if (new Set(logDirs).size < logDirs.length) throw refuse('registers a directory id twice')
  for (const broker of image.brokers.values()) {
    const taken = broker.id === brokerId ? undefined : logDirs.find(id => broker.logDirs.includes(id))
    if (taken) throw refuse(`registers directory ${taken}, which belongs to broker ${broker.id}`)
  }
}

/** Every feature that is finalized must be in the range that the broker supports. */
function checkFeatures(state: ControllerState, { brokerId, features }: BrokerRegistrationRequest): void {
  const finalized = new Map(state.image.features)
  finalized.set(METADATA_VERSION, metadataVersion(state))
  finalized.set(KRAFT_VERSION, state.options.kraftVersion())
  const ranges = new Map(features.map(feature => [feature.name, feature]))
  if (!ranges.has(METADATA_VERSION)) {
    throw new ApiError('INVALID_REGISTRATION', `Broker ${brokerId} does not say which ${METADATA_VERSION} it supports.`)
  }
  for (const name of new Set([...ranges.keys(), ...finalized.keys()])) {
    const level = finalized.get(name) ?? 0
    const { minSupportedVersion: min, maxSupportedVersion: max } = ranges.get(name) ?? {
      minSupportedVersion: 0,
      maxSupportedVersion: 0,
    }
    if (level >= min && level <= max) continue
    const message = `Broker ${brokerId} supports ${name} from ${min} to ${max}, but the cluster has it at ${level}.`
    throw new ApiError('UNSUPPORTED_VERSION', message)
  }
}

/** What an incarnation that is gone leaves to clean up. */
function recordsForShutdown(state: ControllerState, brokerId: number, wasClean: boolean): MetadataRecord[] {
  const { partitions } = state
  if (!isElrEnabled(state) || wasClean) {
    return leaderAndIsrUpdates(state, partitions.withBrokerInIsr(brokerId), { remove: brokerId })
  }
  const change = { uncleanShutdown: brokerId }
  return [
    ...leaderAndIsrUpdates(state, partitions.withBrokerInIsr(brokerId), change),
    ...leaderAndIsrUpdates(state, partitions.withBrokerInElr(brokerId), change),
  ]
}

export function brokerHeartbeat(
  state: ControllerState,
  request: BrokerHeartbeatRequest,
  { nowMs, nextOffset }: RequestScope,
): ControllerResult<Init<typeof BrokerHeartbeatResponse>> {
  const { brokerId, brokerEpoch, currentMetadataOffset } = request
  const broker = currentBroker(state, brokerId, brokerEpoch)
  const { heartbeats, partitions } = state
  heartbeats.contact(brokerId, brokerEpoch, nowMs)
  const registrationOffset = state.registrationOffsets.get(brokerId) ?? brokerEpoch
  const { current, next } = heartbeats.nextState(
    brokerId,
    request,
    registrationOffset,
    partitions.hasLeaderships(brokerId),
  )
  const knowsDirs = metadataVersion(state) >= Since.DIRECTORY_ASSIGNMENT
  const lostDirs = knowsDirs ? broker.logDirs.filter(id => request.offlineLogDirs.includes(id)) : []
  const records = current === next ? [] : recordsForState(state, broker, next, lostDirs)
  const isLeaving = current !== next && next !== 'unfenced'
  if (lostDirs.length > 0) records.push(...recordsForLostDirs(state, broker, lostDirs, isLeaving))
  if (metadataVersion(state) >= Since.CORDONED_LOG_DIRS) {
    records.push(...recordsForCordonedDirs(broker, request.cordonedLogDirs))
  }
  heartbeats.advance(brokerId, next, currentMetadataOffset, nextOffset + records.length - 1)
  const response = {
    isCaughtUp: currentMetadataOffset >= registrationOffset,
    isFenced: next === 'fenced' || next === 'shutdown-now',
    shouldShutDown: next === 'shutdown-now',
  }
  return { records, isAtomic: false, response }
}

function recordsForState(
  state: ControllerState,
  broker: BrokerRegistration,
  next: BrokerState,
  lostDirs: readonly string[],
): MetadataRecord[] {
  const { id: brokerId, epoch: brokerEpoch } = broker
  switch (next) {
    case 'fenced':
    case 'shutdown-now':
      return fencingRecords(state, broker)
    case 'unfenced':
      return [
        metadataRecord('BrokerRegistrationChangeRecord', 0, { brokerId, brokerEpoch, fenced: -1 }),
        ...leaderAndIsrUpdates(state, state.partitions.withoutLeader(), { add: brokerId, lostDirs }),
      ]
    case 'controlled-shutdown': {
      const change = { brokerId, brokerEpoch, inControlledShutdown: 1 }
      const begins = broker.inControlledShutdown ? [] : [metadataRecord('BrokerRegistrationChangeRecord', 1, change)]
      const moves = leaderAndIsrUpdates(state, state.partitions.withBrokerInIsr(brokerId), { remove: brokerId })
      return [...begins, ...moves]
    }
  }
}

function fencingRecords(
  state: ControllerState,
  { id: brokerId, epoch: brokerEpoch }: BrokerRegistration,
): MetadataRecord[] {
  return [
    ...leaderAndIsrUpdates(state, state.partitions.withBrokerInIsr(brokerId), { remove: brokerId }),
    metadataRecord('BrokerRegistrationChangeRecord', 0, { brokerId, brokerEpoch, fenced: 1 }),
  ]
}

/** A broker that is leaving has had all its partitions moved already. */
function recordsForLostDirs(
  state: ControllerState,
  { id: brokerId, epoch: brokerEpoch, logDirs }: BrokerRegistration,
  lost: readonly string[],
  isLeaving: boolean,
): MetadataRecord[] {
  const inLostDirs = isLeaving ? [] : lost.map(id => state.partitions.inDirectory(id))
  const moves = inLostDirs.flatMap(partitions => leaderAndIsrUpdates(state, partitions, { remove: brokerId }))
  const left = logDirs.filter(id => !lost.includes(id))
  return [...moves, metadataRecord('BrokerRegistrationChangeRecord', 2, { brokerId, brokerEpoch, logDirs: left })]
}

/** null: the broker has not read enough of the log yet to say. */
function recordsForCordonedDirs(broker: BrokerRegistration, cordoned: readonly string[] | null): MetadataRecord[] {
  if (cordoned === null) return []
  const known = broker.cordonedLogDirs
  if (known && known.length === cordoned.length && cordoned.every(id => known.includes(id))) return []
  const change = { brokerId: broker.id, brokerEpoch: broker.epoch, cordonedLogDirs: cordoned }
  return [metadataRecord('BrokerRegistrationChangeRecord', 3, change)]
}

/** Fences one broker whose session is over; null if there is none. One at a time, so that the next one sees it. */
export function fenceSilentBroker(state: ControllerState, nowMs: number): ControllerResult<null> | null {
  for (let id = state.heartbeats.takeExpired(nowMs); id !== null; id = state.heartbeats.takeExpired(nowMs)) {
    const broker = state.image.brokers.get(id)
    if (broker) return { records: fencingRecords(state, broker), isAtomic: false, response: null }
  }
  return null
}

export function unregisterBroker(
  state: ControllerState,
  { brokerId }: UnregisterBrokerRequest,
): ControllerResult<Init<typeof UnregisterBrokerResponse>> {
  const broker = state.image.brokers.get(brokerId)
  if (!broker) throw new ApiError('BROKER_ID_NOT_REGISTERED', `Broker ${brokerId} is not registered.`)
  const { partitions } = state
  const records = [
    ...leaderAndIsrUpdates(state, partitions.withBrokerInIsr(brokerId), { remove: brokerId }),
    ...leaderAndIsrUpdates(state, partitions.withBrokerInElr(brokerId), { remove: brokerId }),
    metadataRecord('UnregisterBrokerRecord', 0, { brokerId, brokerEpoch: broker.epoch }),
  ]
  return { records, isAtomic: false, response: { errorCode: 0, errorMessage: null } }
}

export function registerController(
  state: ControllerState,
  request: ControllerRegistrationRequest,
): ControllerResult<Init<typeof ControllerRegistrationResponse>> {
  if (metadataVersion(state) < Since.CONTROLLER_REGISTRATION) {
    throw new ApiError('UNSUPPORTED_VERSION', 'The metadata.version is too old for controllers to register.')
  }
  const record = metadataRecord('RegisterControllerRecord', 0, {
    controllerId: request.controllerId,
    incarnationId: request.incarnationId,
    zkMigrationReady: false,
    endPoints: request.listeners,
    features: request.features,
  })
  return { records: [record], isAtomic: true, response: { errorCode: 0, errorMessage: null } }
}
