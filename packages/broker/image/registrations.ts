/**
 * Brokers and controllers as they registered: values that are never changed, only replaced. Field names are those of
 * RegisterBrokerRecord and RegisterControllerRecord.
 */
import type { BrokerRegistrationChangeRecord, RegisterBrokerRecord, RegisterControllerRecord } from '@ottla/protocol'
import { MetadataError } from '../errors.ts'
import { isOnlineDirectory } from './directory-id.ts'
import { registerBrokerRecordVersion, Since } from './features.ts'
import { type MetadataRecord, metadataRecord } from './records.ts'

export interface Endpoint {
  /** Of the listener. */
  readonly name: string
  readonly host: string
  readonly port: number
  /** 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number
}

export interface SupportedFeature {
  readonly name: string
  readonly minSupportedVersion: number
  readonly maxSupportedVersion: number
}

export interface BrokerRegistration {
  readonly id: number
  /** Offset of the record that registered this incarnation. */
  readonly epoch: number
  readonly incarnationId: string
  readonly isMigratingZkBroker: boolean
  readonly endPoints: readonly Endpoint[]
  readonly features: readonly SupportedFeature[]
  readonly rack: string | null
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  /** Ids of the log dirs that are online. */
  readonly logDirs: readonly string[]
  /** Those that take no new partitions; null until the broker has said. */
  readonly cordonedLogDirs: readonly string[] | null
}

export interface ControllerRegistration {
  readonly id: number
  readonly incarnationId: string
  readonly zkMigrationReady: boolean
  readonly endPoints: readonly Endpoint[]
  readonly features: readonly SupportedFeature[]
}

export function brokerRegistration(record: RegisterBrokerRecord): BrokerRegistration {
  if (record.endPoints.some(({ name }) => name === '')) {
    throw new MetadataError('ERR_BROKEN_RECORD', `broker ${record.brokerId} registered a listener without a name`)
  }
  return {
    id: record.brokerId,
    epoch: record.brokerEpoch,
    incarnationId: record.incarnationId,
    isMigratingZkBroker: record.isMigratingZkBroker,
    endPoints: record.endPoints,
    features: record.features,
    rack: record.rack,
    fenced: record.fenced,
    inControlledShutdown: record.inControlledShutdown,
    logDirs: record.logDirs,
    cordonedLogDirs: record.cordonedLogDirs,
  }
}

/** The registration itself if the record changes nothing. */
export function changedRegistration(
  registration: BrokerRegistration,
  record: BrokerRegistrationChangeRecord,
): BrokerRegistration {
  const fenced = flagAfter(registration.fenced, record.fenced, 'fenced')
  if (record.inControlledShutdown !== 0 && record.inControlledShutdown !== 1) {
    throw new MetadataError('ERR_BROKEN_RECORD', `unknown inControlledShutdown ${record.inControlledShutdown}`)
  }
  const inControlledShutdown = registration.inControlledShutdown || record.inControlledShutdown === 1
  const logDirs = record.logDirs.length > 0 ? record.logDirs : registration.logDirs
  const cordonedLogDirs = record.cordonedLogDirs ?? registration.cordonedLogDirs
  const isSame =
    fenced === registration.fenced &&
    inControlledShutdown === registration.inControlledShutdown &&
    sameIds(logDirs, registration.logDirs) &&
    cordonedLogDirs !== null &&
    registration.cordonedLogDirs !== null &&
    sameIds(cordonedLogDirs, registration.cordonedLogDirs)
  return isSame ? registration : { ...registration, fenced, inControlledShutdown, logDirs, cordonedLogDirs }
}

/** The record says -1 for cleared, 1 for set, 0 for no change. */
function flagAfter(current: boolean, change: number, name: string): boolean {
  if (change === 0) return current
  if (change === 1 || change === -1) return change === 1
  throw new MetadataError('ERR_BROKEN_RECORD', `unknown ${name} ${change}`)
}

function sameIds(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((id, i) => id === right[i])
}

export function hasOnlineDirectory(registration: BrokerRegistration, directoryId: string): boolean {
  return isOnlineDirectory(directoryId, registration.logDirs)
}

/** Some log dir takes new partitions. */
export function hasUncordonedDirectory({ logDirs, cordonedLogDirs }: BrokerRegistration): boolean {
  if (logDirs.length === 0 || cordonedLogDirs === null) return true
  return logDirs.some(id => !cordonedLogDirs.includes(id))
}

/** For a snapshot; what `metadataVersion` cannot express is left out. */
export function brokerRegistrationRecord(registration: BrokerRegistration, metadataVersion: number): MetadataRecord {
  const { id, epoch, isMigratingZkBroker, logDirs, cordonedLogDirs, ...rest } = registration
  const version = registerBrokerRecordVersion(metadataVersion)
  return metadataRecord('RegisterBrokerRecord', version, {
    ...rest,
    brokerId: id,
    brokerEpoch: epoch,
    isMigratingZkBroker: version >= 2 && isMigratingZkBroker,
    logDirs: metadataVersion >= Since.DIRECTORY_ASSIGNMENT ? logDirs : [],
    cordonedLogDirs: metadataVersion >= Since.CORDONED_LOG_DIRS ? cordonedLogDirs : null,
  })
}

export function controllerRegistration(record: RegisterControllerRecord): ControllerRegistration {
  return {
    id: record.controllerId,
    incarnationId: record.incarnationId,
    zkMigrationReady: record.zkMigrationReady,
    endPoints: record.endPoints,
    features: record.features,
  }
}

export function controllerRegistrationRecord({ id, ...rest }: ControllerRegistration): MetadataRecord {
  return metadataRecord('RegisterControllerRecord', 0, { ...rest, controllerId: id })
}
