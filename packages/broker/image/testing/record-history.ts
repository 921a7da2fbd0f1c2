/**
 * For tests: histories of metadata records that a controller could have written. fast-check draws small numbers;
 * `recordHistory` turns each into a record that is valid after those before it, so that shrinking keeps it valid.
 */
import fc from 'fast-check'
import { type MetadataRecord, metadataRecord } from '../records.ts'

export type Step = readonly [kind: number, a: number, b: number, c: number]

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.tuple(fc.nat({ max: 17 }), fc.nat({ max: 5 }), fc.nat({ max: 3 }), fc.nat({ max: 3 })),
  { maxLength: 60 },
)

export function testUuid(prefix: string, n: number): string {
  return `${prefix}${n}`.padEnd(21, '_').concat('A')
}

interface State {
  readonly topics: Map<number, { id: string; partitions: number }>
  readonly brokers: Map<number, number>
  readonly acls: Set<string>
  created: number
  producerIds: number
}

type Maker = (state: State, a: number, b: number, c: number, offset: number) => MetadataRecord | null

/** One per kind of step; null where the step makes no sense in the state. */
const makers: readonly Maker[] = [
  (state, a) => {
    if (state.topics.has(a)) return null
    const topicId = testUuid('topic', state.created++)
    state.topics.set(a, { id: topicId, partitions: 0 })
    return metadataRecord('TopicRecord', 0, { name: `t${a}`, topicId })
  },
  newPartition,
  newPartition,
  newPartition,
  (state, a, b, c) => {
    const topic = state.topics.get(a)
    if (!topic || topic.partitions <= b) return null
    const isr = [[1], [1, 2], []][c % 3]!
    const change = { topicId: topic.id, partitionId: b, isr, leader: c === 3 ? -2 : (isr[0] ?? -1) }
    return metadataRecord('PartitionChangeRecord', 2, { ...change, eligibleLeaderReplicas: c === 2 ? [1, 2] : null })
  },
  (state, a) => {
    const topic = state.topics.get(a)
    if (!topic) return null
    state.topics.delete(a)
    return metadataRecord('RemoveTopicRecord', 0, { topicId: topic.id })
  },
  (state, a) => metadataRecord('ClearElrRecord', 0, { topicName: state.topics.has(a) ? `t${a}` : '' }),
  (_, a, b, c) => {
    const resourceType = [2, 4, 16, 32][b]!
    const resourceName = b === 1 ? ['', '1'][a % 2]! : `t${a}`
    return metadataRecord('ConfigRecord', 0, {
      resourceType,
      resourceName,
      name: `key.${c}`,
      value: a === 5 ? null : `${a}`,
    })
  },
  (state, a, b, c, offset) => {
    state.brokers.set(a, offset)
    const endPoints = [{ name: 'PLAINTEXT', host: `host${b}`, port: 9092 + c, securityProtocol: 0 }]
    const features = [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }]
    const broker = { brokerId: a, incarnationId: testUuid('inc', offset), brokerEpoch: offset, endPoints, features }
    const logDirs = Array.from({ length: b }, (_, i) => testUuid(`dir${a}x`, i))
    return metadataRecord('RegisterBrokerRecord', 4, { ...broker, rack: c === 0 ? null : `rack${c}`, logDirs })
  },
  (state, a, b, c) => {
    const brokerEpoch = state.brokers.get(a)
    if (brokerEpoch === undefined) return null
    const cordonedLogDirs = c === 0 ? null : Array.from({ length: c - 1 }, (_, i) => testUuid(`dir${a}x`, i))
    const change = { brokerId: a, brokerEpoch, fenced: (b % 3) - 1, inControlledShutdown: b === 3 ? 1 : 0 }
    return metadataRecord('BrokerRegistrationChangeRecord', 3, { ...change, cordonedLogDirs })
  },
  (state, a) => {
    const brokerEpoch = state.brokers.get(a)
    if (brokerEpoch === undefined || !state.brokers.delete(a)) return null
    return metadataRecord('UnregisterBrokerRecord', 0, { brokerId: a, brokerEpoch })
  },
  (_, a, b, c) =>
    metadataRecord('RegisterControllerRecord', 0, {
      controllerId: a,
      incarnationId: testUuid('inc', b),
      endPoints: [{ name: 'CONTROLLER', host: 'localhost', port: 9093 + c, securityProtocol: 0 }],
      features: [],
    }),
  (_, a, b) => {
    const names = ['group.version', 'share.version', 'streams.version', 'transaction.version']
    return metadataRecord('FeatureLevelRecord', 0, { name: names[b]!, featureLevel: a % 2 })
  },
  state => {
    state.producerIds += 1000
    return metadataRecord('ProducerIdsRecord', 0, { brokerId: 1, brokerEpoch: 5, nextProducerId: state.producerIds })
  },
  (_, a, b, c) => {
    const parts = [
      { entityType: 'user', entityName: a === 0 ? null : `u${a}` },
      { entityType: 'client-id', entityName: 'c' },
    ]
    const entity = b === 0 ? parts : b === 1 ? parts.toReversed() : parts.slice(0, 1)
    return metadataRecord('ClientQuotaRecord', 0, { entity, key: `rate${c % 2}`, value: a + 0.5, remove: c === 3 })
  },
  (state, a, b) => {
    const id = testUuid('acl', a)
    if (b === 3 && !state.acls.delete(id)) return null
    if (b === 3) return metadataRecord('RemoveAccessControlEntryRecord', 0, { id })
    state.acls.add(id)
    const pattern = { resourceType: 2, resourceName: `t${b}`, patternType: 3 }
    return metadataRecord('AccessControlEntryRecord', 0, {
      id,
      ...pattern,
      principal: 'User:u',
      host: '*',
      operation: 3,
      permissionType: 3,
    })
  },
  (_, a, b, c) => {
    if (c === 3) return metadataRecord('RemoveUserScramCredentialRecord', 0, { name: `u${a}`, mechanism: 1 + (b % 2) })
    const bytes = Uint8Array.of(a, b, c)
    const keys = { salt: bytes, storedKey: bytes, serverKey: bytes, iterations: 4096 + c }
    return metadataRecord('UserScramCredentialRecord', 0, { name: `u${a}`, mechanism: 1 + (b % 2), ...keys })
  },
  (_, a, b, c) => {
    if (c === 3) return metadataRecord('RemoveDelegationTokenRecord', 0, { tokenId: `token${a}` })
    return metadataRecord('DelegationTokenRecord', 0, {
      tokenId: `token${a}`,
      owner: `User:u${b}`,
      expirationTimestamp: c,
    })
  },
]

function newPartition(state: State, a: number, b: number): MetadataRecord | null {
  const topic = state.topics.get(a)
  if (!topic) return null
  const replicas = Array.from({ length: b }, (_, i) => i + 1)
  const directories = replicas.map(id => testUuid('dir', id))
  const partition = { partitionId: topic.partitions++, topicId: topic.id, replicas, isr: replicas, directories }
  return metadataRecord('PartitionRecord', 2, {
    ...partition,
    leader: replicas[0] ?? -1,
    leaderEpoch: 0,
    partitionEpoch: 0,
  })
}

/** Begins as a formatted log does, with metadata.version. */
export function recordHistory(drawn: readonly Step[]): MetadataRecord[] {
  const records = [
    metadataRecord('FeatureLevelRecord', 0, { name: 'metadata.version', featureLevel: 30 }),
    metadataRecord('FeatureLevelRecord', 0, { name: 'eligible.leader.replicas.version', featureLevel: 1 }),
  ]
  const state: State = { topics: new Map(), brokers: new Map(), acls: new Set(), created: 0, producerIds: 0 }
  for (const [kind, a, b, c] of drawn) {
    const record = makers[kind]!(state, a, b, c, records.length)
    if (record) records.push(record)
  }
  return records
}
