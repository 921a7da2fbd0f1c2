import {
  array,
  bool,
  bytes,
  float64,
  int8,
  int16,
  int32,
  int64,
  message,
  type Of,
  string,
  uint16,
  uuid,
} from '../schema.ts'

export const AbortTransactionRecord = message(
  'AbortTransactionRecord',
  { key: 25, versions: '0', flexible: '0+' },
  {
    reason: string('0+', null, { nullable: '0+', tag: 0 }),
  },
)

export type AbortTransactionRecord = Of<typeof AbortTransactionRecord>

export const AccessControlEntryRecord = message(
  'AccessControlEntryRecord',
  { key: 18, versions: '0', flexible: '0+' },
  {
    id: uuid(),
    resourceType: int8(),
    resourceName: string(),
    patternType: int8(),
    principal: string(),
    host: string(),
    operation: int8(),
    permissionType: int8(),
  },
)

export type AccessControlEntryRecord = Of<typeof AccessControlEntryRecord>

export const BeginTransactionRecord = message(
  'BeginTransactionRecord',
  { key: 23, versions: '0', flexible: '0+' },
  {
    name: string('0+', null, { nullable: '0+', tag: 0 }),
  },
)

export type BeginTransactionRecord = Of<typeof BeginTransactionRecord>

export const BrokerRegistrationChangeRecord = message(
  'BrokerRegistrationChangeRecord',
  { key: 17, versions: '0-3', flexible: '0+' },
  {
    brokerId: int32(),
    brokerEpoch: int64(),
    fenced: int8('0+', 0, { tag: 0 }),
    inControlledShutdown: int8('1+', 0, { tag: 1 }),
    logDirs: array(uuid(), '2+', { tag: 2 }),
    cordonedLogDirs: array(uuid(), '3+', { nullable: '3+', defaultNull: true, tag: 3 }),
  },
)

export type BrokerRegistrationChangeRecord = Of<typeof BrokerRegistrationChangeRecord>

export const ClearElrRecord = message(
  'ClearElrRecord',
  { key: 28, versions: '0', flexible: '0+' },
  {
    topicName: string(),
  },
)

export type ClearElrRecord = Of<typeof ClearElrRecord>

export const ClientQuotaRecord = message(
  'ClientQuotaRecord',
  { key: 14, versions: '0', flexible: '0+' },
  {
    entity: array({
      entityType: string(),
      entityName: string('0+', '', { nullable: '0+' }),
    }),
    key: string(),
    value: float64(),
    remove: bool(),
  },
)

export type ClientQuotaRecord = Of<typeof ClientQuotaRecord>

export const ConfigRecord = message(
  'ConfigRecord',
  { key: 4, versions: '0', flexible: '0+' },
  {
    resourceType: int8(),
    resourceName: string(),
    name: string(),
    value: string('0+', '', { nullable: '0+' }),
  },
)

export type ConfigRecord = Of<typeof ConfigRecord>

export const DelegationTokenRecord = message(
  'DelegationTokenRecord',
  { key: 10, versions: '0', flexible: '0+' },
  {
    owner: string(),
    requester: string(),
    renewers: array(string()),
    issueTimestamp: int64(),
    maxTimestamp: int64(),
    expirationTimestamp: int64(),
    tokenId: string(),
  },
)

export type DelegationTokenRecord = Of<typeof DelegationTokenRecord>

export const EndTransactionRecord = message('EndTransactionRecord', { key: 24, versions: '0', flexible: '0+' }, {})

export type EndTransactionRecord = Of<typeof EndTransactionRecord>

export const FeatureLevelRecord = message(
  'FeatureLevelRecord',
  { key: 12, versions: '0', flexible: '0+' },
  {
    name: string(),
    featureLevel: int16(),
  },
)

export type FeatureLevelRecord = Of<typeof FeatureLevelRecord>

export const FenceBrokerRecord = message(
  'FenceBrokerRecord',
  { key: 7, versions: '0', flexible: '0+' },
  {
    id: int32(),
    epoch: int64(),
  },
)

export type FenceBrokerRecord = Of<typeof FenceBrokerRecord>

export const NoOpRecord = message('NoOpRecord', { key: 20, versions: '0', flexible: '0+' }, {})

export type NoOpRecord = Of<typeof NoOpRecord>

export const PartitionChangeRecord = message(
  'PartitionChangeRecord',
  { key: 5, versions: '0-2', flexible: '0+' },
  {
    partitionId: int32('0+', -1),
    topicId: uuid(),
    isr: array(int32(), '0+', { nullable: '0+', defaultNull: true, tag: 0 }),
    leader: int32('0+', -2, { tag: 1 }),
    replicas: array(int32(), '0+', { nullable: '0+', defaultNull: true, tag: 2 }),
    removingReplicas: array(int32(), '0+', { nullable: '0+', defaultNull: true, tag: 3 }),
    addingReplicas: array(int32(), '0+', { nullable: '0+', defaultNull: true, tag: 4 }),
    leaderRecoveryState: int8('0+', -1, { tag: 5 }),
    directories: array(uuid(), '1+', { nullable: '1+', defaultNull: true, tag: 8 }),
    eligibleLeaderReplicas: array(int32(), '2+', { nullable: '2+', defaultNull: true, tag: 6 }),
    lastKnownElr: array(int32(), '2+', { nullable: '2+', defaultNull: true, tag: 7 }),
  },
)

export type PartitionChangeRecord = Of<typeof PartitionChangeRecord>

export const PartitionRecord = message(
  'PartitionRecord',
  { key: 3, versions: '0-2', flexible: '0+' },
  {
    partitionId: int32('0+', -1),
    topicId: uuid(),
    replicas: array(int32()),
    isr: array(int32()),
    removingReplicas: array(int32()),
    addingReplicas: array(int32()),
    leader: int32('0+', -1),
    leaderRecoveryState: int8('0+', 0, { tag: 0 }),
    leaderEpoch: int32('0+', -1),
    partitionEpoch: int32('0+', -1),
    directories: array(uuid(), '1+'),
    eligibleLeaderReplicas: array(int32(), '2+', { nullable: '2+', defaultNull: true, tag: 1 }),
    lastKnownElr: array(int32(), '2+', { nullable: '2+', defaultNull: true, tag: 2 }),
  },
)

export type PartitionRecord = Of<typeof PartitionRecord>

export const ProducerIdsRecord = message(
  'ProducerIdsRecord',
  { key: 15, versions: '0', flexible: '0+' },
  {
    brokerId: int32(),
    brokerEpoch: int64('0+', -1),
    nextProducerId: int64(),
  },
)

export type ProducerIdsRecord = Of<typeof ProducerIdsRecord>

export const RegisterBrokerRecord = message(
  'RegisterBrokerRecord',
  { key: 0, versions: '0-4', flexible: '0+' },
  {
    brokerId: int32(),
    isMigratingZkBroker: bool('2+'),
    incarnationId: uuid(),
    brokerEpoch: int64(),
    endPoints: array({
      name: string(),
      host: string(),
      port: uint16(),
      securityProtocol: int16(),
    }),
    features: array({
      name: string(),
      minSupportedVersion: int16(),
      maxSupportedVersion: int16(),
    }),
    rack: string('0+', '', { nullable: '0+' }),
    fenced: bool('0+', true),
    inControlledShutdown: bool('1+'),
    logDirs: array(uuid(), '3+', { tag: 0 }),
    cordonedLogDirs: array(uuid(), '4+', { nullable: '4+', defaultNull: true, tag: 1 }),
  },
)

export type RegisterBrokerRecord = Of<typeof RegisterBrokerRecord>

export const RegisterControllerRecord = message(
  'RegisterControllerRecord',
  { key: 27, versions: '0', flexible: '0+' },
  {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    endPoints: array({
      name: string(),
      host: string(),
      port: uint16(),
      securityProtocol: int16(),
    }),
    features: array({
      name: string(),
      minSupportedVersion: int16(),
      maxSupportedVersion: int16(),
    }),
  },
)

export type RegisterControllerRecord = Of<typeof RegisterControllerRecord>

export const RemoveAccessControlEntryRecord = message(
  'RemoveAccessControlEntryRecord',
  { key: 19, versions: '0', flexible: '0+' },
  {
    id: uuid(),
  },
)

export type RemoveAccessControlEntryRecord = Of<typeof RemoveAccessControlEntryRecord>

export const RemoveDelegationTokenRecord = message(
  'RemoveDelegationTokenRecord',
  { key: 26, versions: '0', flexible: '0+' },
  {
    tokenId: string(),
  },
)

export type RemoveDelegationTokenRecord = Of<typeof RemoveDelegationTokenRecord>

export const RemoveTopicRecord = message(
  'RemoveTopicRecord',
  { key: 9, versions: '0', flexible: '0+' },
  {
    topicId: uuid(),
  },
)

export type RemoveTopicRecord = Of<typeof RemoveTopicRecord>

export const RemoveUserScramCredentialRecord = message(
  'RemoveUserScramCredentialRecord',
  { key: 22, versions: '0', flexible: '0+' },
  {
    name: string(),
    mechanism: int8(),
  },
)

export type RemoveUserScramCredentialRecord = Of<typeof RemoveUserScramCredentialRecord>

export const TopicRecord = message(
  'TopicRecord',
  { key: 2, versions: '0', flexible: '0+' },
  {
    name: string(),
    topicId: uuid(),
  },
)

export type TopicRecord = Of<typeof TopicRecord>

export const UnfenceBrokerRecord = message(
  'UnfenceBrokerRecord',
  { key: 8, versions: '0', flexible: '0+' },
  {
    id: int32(),
    epoch: int64(),
  },
)

export type UnfenceBrokerRecord = Of<typeof UnfenceBrokerRecord>

export const UnregisterBrokerRecord = message(
  'UnregisterBrokerRecord',
  { key: 1, versions: '0', flexible: '0+' },
  {
    brokerId: int32(),
    brokerEpoch: int64(),
  },
)

export type UnregisterBrokerRecord = Of<typeof UnregisterBrokerRecord>

export const UserScramCredentialRecord = message(
  'UserScramCredentialRecord',
  { key: 11, versions: '0', flexible: '0+' },
  {
    name: string(),
    mechanism: int8(),
    salt: bytes(),
    storedKey: bytes(),
    serverKey: bytes(),
    iterations: int32(),
  },
)

export type UserScramCredentialRecord = Of<typeof UserScramCredentialRecord>

export const ZkMigrationStateRecord = message(
  'ZkMigrationStateRecord',
  { key: 21, versions: '0', flexible: '0+' },
  {
    zkMigrationState: int8(),
  },
)

export type ZkMigrationStateRecord = Of<typeof ZkMigrationStateRecord>
