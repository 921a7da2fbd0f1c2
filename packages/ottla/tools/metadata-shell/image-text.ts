/** Registrations, partitions, ACLs and credentials as Apache Kafka's classes print themselves. */
import type {
  BrokerRegistration,
  ControllerRegistration,
  Endpoint,
  PartitionRegistration,
  SupportedFeature,
} from '@ottla/broker/image'
import type { AccessControlEntryRecord, UserScramCredentialRecord } from '@ottla/protocol'

const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']
const MAX_SHORT = 32_767

/** `Arrays.toString()`, and that of a list. */
function list(items: readonly (string | number)[]): string {
  return `[${items.join(', ')}]`
}

function byName<T extends { readonly name: string }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function listenersText(endPoints: readonly Endpoint[]): string {
  const shown = byName(endPoints).map(
    ({ name, host, port, securityProtocol }) =>
      `Endpoint(listenerName='${name}', securityProtocol=${SECURITY_PROTOCOLS[securityProtocol]}, host='${host}', port=${port})`,
  )
  return list(shown)
}

function featuresText(features: readonly SupportedFeature[]): string {
  const shown = byName(features).map(({ name, minSupportedVersion: min, maxSupportedVersion: max }) => {
    const range = min === max ? String(min) : max === MAX_SHORT ? `${min}+` : `${min}-${max}`
    return `${name}: ${range}`
  })
  return `{${shown.join(', ')}}`
}

/** As Java compares ids: by two signed numbers. */
function sortedIds(ids: readonly string[]): string[] {
  const halves = ids.map(id => {
    const bytes = Buffer.from(id, 'base64url')
    return { id, high: bytes.readBigInt64BE(0), low: bytes.readBigInt64BE(8) }
  })
  halves.sort((a, b) => (a.high === b.high ? (a.low < b.low ? -1 : 1) : a.high < b.high ? -1 : 1))
  return halves.map(({ id }) => id)
}

export function brokerText(broker: BrokerRegistration): string {
  const { id, epoch, incarnationId, endPoints, features, rack, fenced, inControlledShutdown } = broker
  const { isMigratingZkBroker, logDirs, cordonedLogDirs } = broker
  return (
    `BrokerRegistration(id=${id}, epoch=${epoch}, incarnationId=${incarnationId}` +
    `, listeners=${listenersText(endPoints)}, supportedFeatures=${featuresText(features)}` +
    `, rack=${rack === null ? 'Optional.empty' : `Optional[${rack}]`}, fenced=${fenced}` +
    `, inControlledShutdown=${inControlledShutdown}, isMigratingZkBroker=${isMigratingZkBroker}` +
    `, directories=${list(sortedIds(logDirs))}, cordonedDirectories=${cordonedLogDirs && list(cordonedLogDirs)})`
  )
}

export function controllerText(controller: ControllerRegistration): string {
  const { id, incarnationId, zkMigrationReady, endPoints, features } = controller
  return (
    `ControllerRegistration(id=${id}, incarnationId=${incarnationId}, zkMigrationReady=${zkMigrationReady}` +
    `, listeners=${listenersText(endPoints)}, supportedFeatures=${featuresText(features)})`
  )
}

export function partitionText(partition: PartitionRegistration): string {
  const { replicas, directories, isr, removingReplicas, addingReplicas, elr, lastKnownElr } = partition
  const { leader, leaderRecoveryState, leaderEpoch, partitionEpoch } = partition
  return (
    `PartitionRegistration(replicas=${list(replicas)}, directories=${list(directories)}, isr=${list(isr)}` +
    `, removingReplicas=${list(removingReplicas)}, addingReplicas=${list(addingReplicas)}` +
    `, elr=${list(elr)}, lastKnownElr=${list(lastKnownElr)}, leader=${leader}` +
    `, leaderRecoveryState=${leaderRecoveryState === 0 ? 'RECOVERED' : 'RECOVERING'}` +
    `, leaderEpoch=${leaderEpoch}, partitionEpoch=${partitionEpoch})`
  )
}

const RESOURCES = ['UNKNOWN', 'ANY', 'TOPIC', 'GROUP', 'CLUSTER', 'TRANSACTIONAL_ID', 'DELEGATION_TOKEN', 'USER']
const PATTERNS = ['UNKNOWN', 'ANY', 'MATCH', 'LITERAL', 'PREFIXED']
const OPERATIONS = [
  ...['UNKNOWN', 'ANY', 'ALL', 'READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'CLUSTER_ACTION'],
  ...['DESCRIBE_CONFIGS', 'ALTER_CONFIGS', 'IDEMPOTENT_WRITE', 'CREATE_TOKENS', 'DESCRIBE_TOKENS', 'TWO_PHASE_COMMIT'],
]
const PERMISSIONS = ['UNKNOWN', 'ANY', 'DENY', 'ALLOW']

export function aclText(acl: AccessControlEntryRecord): string {
  const of = (names: readonly string[], code: number) => names[code] ?? 'UNKNOWN'
  return (
    `StandardAcl[resourceType=${of(RESOURCES, acl.resourceType)}, resourceName=${acl.resourceName}` +
    `, patternType=${of(PATTERNS, acl.patternType)}, principal=${acl.principal}, host=${acl.host}` +
    `, operation=${of(OPERATIONS, acl.operation)}, permissionType=${of(PERMISSIONS, acl.permissionType)}]`
  )
}

export function scramText({ salt, storedKey, serverKey, iterations }: UserScramCredentialRecord): string {
  const [a, b, c] = [salt, storedKey, serverKey].map(bytes => Buffer.from(bytes).toString('hex'))
  return `ScramCredentialData(salt=${a}, storedKey=${b}, serverKey=${c}, iterations=${iterations})`
}
