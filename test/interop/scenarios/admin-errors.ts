/**
 * Administration of the cluster, asked for by the protocol itself in each version: feature levels, elections, reassignments,
 * quotas, SCRAM users, the quorum, and names of what has configs. Every answer has to be Apache Kafka's, which is kept in
 * ../expected/admin-errors.txt.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Init } from '@ottla/protocol'
import { AlterClientQuotasRequest, AlterClientQuotasResponse } from '@ottla/protocol/messages/alter-client-quotas'
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '@ottla/protocol/messages/alter-partition-reassignments'
import {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from '@ottla/protocol/messages/alter-user-scram-credentials'
import { ApiVersionsRequest, ApiVersionsResponse } from '@ottla/protocol/messages/api-versions'
import { CreatePartitionsRequest, CreatePartitionsResponse } from '@ottla/protocol/messages/create-partitions'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { DeleteTopicsRequest, DeleteTopicsResponse } from '@ottla/protocol/messages/delete-topics'
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '@ottla/protocol/messages/describe-client-quotas'
import { DescribeClusterRequest, DescribeClusterResponse } from '@ottla/protocol/messages/describe-cluster'
import { DescribeQuorumRequest, DescribeQuorumResponse } from '@ottla/protocol/messages/describe-quorum'
import {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from '@ottla/protocol/messages/describe-user-scram-credentials'
import { ElectLeadersRequest, ElectLeadersResponse } from '@ottla/protocol/messages/elect-leaders'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { ListConfigResourcesRequest, ListConfigResourcesResponse } from '@ottla/protocol/messages/list-config-resources'
import {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '@ottla/protocol/messages/list-partition-reassignments'
import { UnregisterBrokerRequest, UnregisterBrokerResponse } from '@ottla/protocol/messages/unregister-broker'
import { UpdateFeaturesRequest, UpdateFeaturesResponse } from '@ottla/protocol/messages/update-features'
import { NODE_ID } from '../brokers.ts'
import type { Context } from '../context.ts'
import { Asker } from '../prober.ts'
import { runTopicCases, type TopicCase, TopicProbe } from '../topic-probe.ts'

const VERSIONS = { request: ApiVersionsRequest, response: ApiVersionsResponse }
const FEATURES = { request: UpdateFeaturesRequest, response: UpdateFeaturesResponse }
const QUORUM = { request: DescribeQuorumRequest, response: DescribeQuorumResponse }
const ELECT = { request: ElectLeadersRequest, response: ElectLeadersResponse }
const MOVE = { request: AlterPartitionReassignmentsRequest, response: AlterPartitionReassignmentsResponse }
const MOVES = { request: ListPartitionReassignmentsRequest, response: ListPartitionReassignmentsResponse }
const QUOTAS = { request: AlterClientQuotasRequest, response: AlterClientQuotasResponse }
const DESCRIBE_QUOTAS = { request: DescribeClientQuotasRequest, response: DescribeClientQuotasResponse }
const USERS = { request: AlterUserScramCredentialsRequest, response: AlterUserScramCredentialsResponse }
const DESCRIBE_USERS = { request: DescribeUserScramCredentialsRequest, response: DescribeUserScramCredentialsResponse }
const RESOURCES = { request: ListConfigResourcesRequest, response: ListConfigResourcesResponse }
const UNREGISTER = { request: UnregisterBrokerRequest, response: UnregisterBrokerResponse }
const CLUSTER = { request: DescribeClusterRequest, response: DescribeClusterResponse }
const CONFIGS = { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse }
const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const GROW = { request: CreatePartitionsRequest, response: CreatePartitionsResponse }
const DELETE = { request: DeleteTopicsRequest, response: DeleteTopicsResponse }

const Type = { topic: 2, broker: 4, logger: 8, clientMetrics: 16, group: 32 } as const
const [UP, DOWN, FORCED] = [1, 2, 3]

type Level = readonly [feature: string, level: number, upgradeType?: number | undefined]
type Entity = Readonly<Record<string, string | null>>

class Probe extends TopicProbe {
  async features(version: number, levels: readonly Level[], more: Init<typeof UpdateFeaturesRequest> = {}) {
    const featureUpdates = levels.map(([feature, maxVersionLevel, upgradeType = UP!]) => {
      const isDown = upgradeType !== UP
      return { feature, maxVersionLevel, ...(version === 0 ? { allowDowngrade: isDown } : { upgradeType }) }
    })
    const what = levels.map(([feature, level, type = UP]) => `${feature} ${level} type ${type}`).join(', ')
    const how = more.validateOnly ? ' (only validated)' : ''
    await this.tell(`v${version} ${what}${how}`, this.asker().ask(FEATURES, version, { featureUpdates, ...more }))
  }

  async finalized() {
    await settled()
    const { finalizedFeatures } = await this.asker().ask(VERSIONS, 4, {
      clientSoftwareName: 'probe',
      clientSoftwareVersion: '1',
    })
    const levels = finalizedFeatures.map(({ name, maxVersionLevel }) => `${name}=${maxVersionLevel}`).sort()
    this.notes.lines.push(`finalized: ${levels.join(' ')}`)
  }

  /** Where the log is, and when, is chance. */
  async quorum(what: string, version: number, topics: Init<typeof DescribeQuorumRequest>['topics']) {
    const answer = await this.asker().ask(QUORUM, version, { topics })
    for (const { partitions } of answer.topics) {
      for (const partition of partitions) {
        if (partition.errorCode === 0) {
          partition.leaderEpoch = Math.min(partition.leaderEpoch, 1)
          partition.highWatermark = Math.min(partition.highWatermark, 1)
        }
        for (const state of [...partition.currentVoters, ...partition.observers]) {
          state.logEndOffset = Math.min(state.logEndOffset, 1)
          const isNow = (time: number) => (Math.abs(time - Date.now()) < 60_000 ? 0 : time)
          state.lastFetchTimestamp = isNow(state.lastFetchTimestamp)
          state.lastCaughtUpTimestamp = isNow(state.lastCaughtUpTimestamp)
          this.notes.name(state.replicaDirectoryId, 'DIR')
        }
      }
    }
    await this.tell(`v${version} ${what}`, Promise.resolve(answer))
    return answer
  }

  async elect(what: string, version: number, request: Init<typeof ElectLeadersRequest>) {
    await this.tell(`v${version} ${what}`, this.asker().ask(ELECT, version, request))
  }

  async move(
    what: string,
    version: number,
    partitions: readonly (readonly [partition: number, replicas: number[] | null])[],
    more: Init<typeof AlterPartitionReassignmentsRequest> = {},
    name = this.topic,
  ) {
    const wanted = partitions.map(([partitionIndex, replicas]) => ({ partitionIndex, replicas }))
    const request = { topics: [{ name, partitions: wanted }], ...more }
    await this.tell(`v${version} ${what}`, this.asker().ask(MOVE, version, request))
  }

  async moves(what: string, request: Init<typeof ListPartitionReassignmentsRequest>) {
    await this.tell(what, this.asker().ask(MOVES, 0, request))
  }

  async quota(
    what: string,
    entities: readonly Entity[],
    limits: Readonly<Record<string, number | null>>,
    { version = 1, validateOnly = false } = {},
  ) {
    const ops = Object.entries(limits).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null }))
    const entries = entities.map(entity => ({ entity: parts(entity), ops }))
    await this.tell(`v${version} ${what}`, this.asker().ask(QUOTAS, version, { entries, validateOnly }))
  }

  async quotas(
    what: string,
    components: readonly (readonly [type: string, matchType: number, match: string | null])[],
    strict = false,
    version = 1,
  ) {
    const wanted = components.map(([entityType, matchType, match]) => ({ entityType, matchType, match }))
    const isStrict = strict ? ', strict' : ''
    const answer = this.asker().ask(DESCRIBE_QUOTAS, version, { components: wanted, strict })
    await this.tell(`v${version} quotas of ${what}${isStrict}`, answer)
  }

  /** `name/mechanism` each, and `name/mechanism/iterations`. */
  async users(what: string, deletions: readonly string[], upsertions: readonly string[]) {
    const words = (text: string) => text.split('/') as [string, string, string]
    const request = {
      deletions: deletions.map(words).map(([name, mechanism]) => ({ name, mechanism: Number(mechanism) })),
      upsertions: upsertions.map(words).map(([name, mechanism, iterations]) => ({
        name,
        mechanism: Number(mechanism),
        iterations: Number(iterations),
        salt: Buffer.from('salt'),
        saltedPassword: Buffer.from('salted'),
      })),
    }
    await this.tell(what, this.asker().ask(USERS, 0, request))
  }

  async describeUsers(what: string, names: readonly string[] | null) {
    const users = names?.map(name => ({ name })) ?? null
    await this.tell(`users: ${what}`, this.asker().ask(DESCRIBE_USERS, 0, { users }))
  }

  async resources(what: string, version: number, resourceTypes: number[]) {
    await this.tell(`v${version} ${what}`, this.asker().ask(RESOURCES, version, { resourceTypes }))
  }

  async set(resourceType: number, resourceName: string, name: string, value: string | null) {
    const configs = [{ name, value, configOperation: value === null ? 1 : 0 }]
    const resources = [{ resourceType, resourceName, configs }]
    await this.tell(`${resourceName}: ${name}=${value}`, this.asker().ask(CONFIGS, 1, { resources }))
  }
}

/** A controller answers a moment before the broker knows what it has changed, Apache Kafka's on a busy machine. */
function settled(): Promise<void> {
  return sleep(700)
}

function parts(entity: Entity) {
  return Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
}

export async function adminErrors(context: Context): Promise<void> {
  const folder = join(context.kit.scratch, 'admin-errors')
  mkdirSync(folder)
  const broker = await context.brokers.start(context.kind, { folder })
  await runTopicCases('admin-errors', context, broker, CASES, name => new Probe(name, broker.bootstrap))
}

const LOG = '__cluster_metadata'
const [EXACT, DEFAULT, ANY] = [0, 1, 2]

const CASES: Record<string, TopicCase<Probe>> = {
  'feature levels: what is refused': {
    async run(p) {
      for (const version of [0, 1, 2]) {
        await p.features(version, [])
        await p.features(version, [['no.such.version', 1]])
        await p.features(version, [['no.such.version', 0, DOWN]])
        await p.features(version, [['metadata.version', 31]])
        await p.features(version, [['metadata.version', 6, DOWN]])
        await p.features(version, [['metadata.version', 29, DOWN]])
        await p.features(version, [['metadata.version', 29, FORCED]])
        await p.features(version, [['transaction.version', -1, DOWN]])
        await p.features(version, [['transaction.version', 3]])
        await p.features(version, [['transaction.version', 1]])
        await p.features(version, [['kraft.version', 0, DOWN]])
        await p.features(version, [['kraft.version', 2]])
      }
      for (const type of [0, 4, -1]) await p.features(2, [['group.version', 1, type]])
      for (const type of [DOWN, FORCED]) await p.features(2, [['metadata.version', 30, type]])
      await p.features(2, [['kraft.version', 1, FORCED]])
      await p.features(2, [
        ['share.version', 0, DOWN],
        ['streams.version', 7],
      ])
      await p.finalized()
    },
  },
  'feature levels: down and up': {
    async run(p) {
      await p.finalized()
      await p.features(1, [['transaction.version', 1, DOWN]], { validateOnly: true })
      await p.features(1, [['transaction.version', 1, DOWN]])
      await p.finalized()
      await p.features(1, [['transaction.version', 2]])
      await p.features(2, [['share.version', 0, FORCED]])
      await p.features(0, [['share.version', 1]])
      await p.features(2, [
        ['eligible.leader.replicas.version', 0, DOWN],
        ['group.version', 0, DOWN],
        ['streams.version', 0, DOWN],
      ])
      await p.finalized()
      await p.features(2, [
        ['eligible.leader.replicas.version', 1],
        ['group.version', 1],
        ['streams.version', 1],
      ])
      await p.features(2, [['metadata.version', 30]])
      await p.features(2, [['kraft.version', 1]])
      await p.features(2, [['group.version', 1]], { timeoutMs: 0 })
      await p.features(2, [['group.version', 1]], { timeoutMs: -1 })
      await p.finalized()
    },
  },
  'the quorum': {
    async run(p) {
      const theOne = { topicName: LOG, partitions: [{ partitionIndex: 0 }] }
      for (const version of [0, 1, 2]) {
        await p.quorum('the metadata log', version, [theOne])
        await p.quorum('nothing', version, [])
        await p.quorum('another partition', version, [{ topicName: LOG, partitions: [{ partitionIndex: 1 }] }])
        await p.quorum('no partition', version, [{ topicName: LOG, partitions: [] }])
        await p.quorum('another topic', version, [{ topicName: p.topic, partitions: [{ partitionIndex: 0 }] }])
        await p.quorum('it and another', version, [theOne, { topicName: 'x', partitions: [{ partitionIndex: 3 }] }])
      }
    },
  },
  elections: {
    async run(p) {
      const topicPartitions = [
        { topic: p.topic, partitions: [0, 1, 2, -1] },
        { topic: 'nobody', partitions: [0] },
        { topic: p.topic, partitions: [0] },
      ]
      for (const version of [0, 1, 2]) {
        await p.elect('some', version, { topicPartitions })
        await p.elect('none', version, { topicPartitions: [] })
        await p.elect('none of a topic', version, { topicPartitions: [{ topic: p.topic, partitions: [] }] })
        await p.elect('in no time', version, { topicPartitions, timeoutMs: 0 })
        await p.elect('none in no time', version, { topicPartitions: [], timeoutMs: 0 })
        if (version === 0) continue
        await p.elect('unclean', version, { topicPartitions, electionType: 1 })
        await p.elect('unknown', version, { topicPartitions, electionType: 2 })
        await p.elect('unknown of none', version, { topicPartitions: [], electionType: 2 })
        await p.elect('unknown of all', version, { topicPartitions: null, electionType: -1 })
      }
    },
  },
  reassignments: {
    async run(p) {
      for (const version of [0, 1]) {
        await p.move('no topics', version, [], { topics: [] })
        await p.move('no partitions', version, [])
        await p.move('the same', version, [[0, [NODE_ID]]])
        await p.move('cancelled', version, [[0, null]])
        await p.move('none', version, [[0, []]])
        await p.move('unknown brokers', version, [
          [0, [9]],
          [1, [NODE_ID, 9]],
          [0, [-1]],
        ])
        await p.move('twice', version, [[0, [NODE_ID, NODE_ID]]])
        await p.move('no such partition', version, [
          [7, [NODE_ID]],
          [-1, null],
        ])
        await p.move('no such topic', version, [[0, [NODE_ID]]], {}, 'nobody')
        await p.move('in no time', version, [[0, [NODE_ID]]], { timeoutMs: 0 })
        await p.move('nothing in no time', version, [], { topics: [], timeoutMs: 0 })
      }
      await p.move('another factor', 1, [[0, [NODE_ID, 9]]], { allowReplicationFactorChange: false })
      await p.move('the same factor', 1, [[0, [NODE_ID]]], { allowReplicationFactorChange: false })
      await p.moves('all under way', { topics: null })
      await p.moves('none under way', { topics: [] })
      await p.moves('some under way', { topics: [{ name: p.topic, partitionIndexes: [0, 1, 7] }] })
      await p.moves('of no topic', { topics: [{ name: 'nobody', partitionIndexes: [0] }] })
      await p.moves('in no time', { topics: null, timeoutMs: 0 })
    },
  },
  'quotas: what is refused': {
    async run(p) {
      const rate = { producer_byte_rate: 1000 }
      for (const version of [0, 1]) {
        await p.quota('nobody', [], rate, { version })
        await p.quota('no entity', [{}], rate, { version })
        await p.quota('another type', [{ group: 'g' }], rate, { version })
        await p.quota('no name', [{ user: '' }], rate, { version })
        await p.quota('an ip and a user', [{ ip: '10.0.0.1', user: 'u' }], rate, { version })
        await p.quota(
          'an ip and a client',
          [{ ip: null, 'client-id': null }],
          { connection_creation_rate: 1 },
          { version },
        )
        await p.quota('no ip', [{ ip: 'no.such.host.invalid' }], { connection_creation_rate: 1 }, { version })
        for (const key of ['producer_byte_rate', 'request_percentage', 'color', ''])
          await p.quota(`${key} of an ip`, [{ ip: '10.0.0.1' }], { [key]: 1 }, { version })
        for (const key of ['connection_creation_rate', 'color', ''])
          await p.quota(`${key} of a user`, [{ user: 'u' }], { [key]: 1 }, { version })
        for (const value of [0, -1, 1.5, 1e-9, 1.0000001, 1e19, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
          await p.quota(
            `bytes ${value}`,
            [{ user: 'u' }],
            { consumer_byte_rate: value },
            { version, validateOnly: true },
          )
        for (const value of [0, -1, 1.5, 1e-9, 1e300, Number.POSITIVE_INFINITY])
          await p.quota(
            `percent ${value}`,
            [{ user: 'u' }],
            { request_percentage: value },
            { version, validateOnly: true },
          )
        for (const value of [0, 1.5, 2 ** 31 - 1, 2 ** 31])
          await p.quota(
            `a rate ${value}`,
            [{ ip: null }],
            { connection_creation_rate: value },
            { version, validateOnly: true },
          )
        await p.quota('one good and one bad', [{ user: 'u' }], { producer_byte_rate: 1, color: 1 }, { version })
        await p.quota('an unknown one removed', [{ user: 'u' }], { color: null }, { version })
        await p.quota('nothing', [{ user: 'u' }], {}, { version })
        await p.quota('twice the same', [{ user: 'u' }, { user: 'u' }], rate, { version, validateOnly: true })
      }
      await settled()
      await p.quotas('all', [])
    },
  },
  'quotas: asked for': {
    async run(p) {
      const rate = { producer_byte_rate: 1_000_000, consumer_byte_rate: 2_000_000.0000001 }
      const entities: Entity[] = [
        { user: 'alice' },
        { user: null },
        { 'client-id': 'c' },
        { 'client-id': null },
        { user: 'alice', 'client-id': 'c' },
        { 'client-id': null, user: 'alice' },
        { user: null, 'client-id': null },
        { user: 'a b/ü%' },
      ]
      await p.quota('many', entities, rate)
      await p.quota('an ip', [{ ip: '10.0.0.1' }, { ip: null }, { ip: '::1' }], { connection_creation_rate: 100 })
      await p.quota('other limits', [{ user: 'alice' }], { request_percentage: 99.5, controller_mutation_rate: 1e9 })
      await p.quota('one gone', [{ user: null }], { producer_byte_rate: null, consumer_byte_rate: null })
      await settled()
      for (const version of [0, 1]) {
        for (const strict of [false, true]) {
          await p.quotas('all', [], strict, version)
          await p.quotas('alice', [['user', EXACT!, 'alice']], strict, version)
          await p.quotas('the default client', [['client-id', DEFAULT!, null]], strict, version)
          await p.quotas('any user', [['user', ANY!, null]], strict, version)
          await p.quotas('any ip', [['ip', ANY!, null]], strict, version)
          const both = (user: number, name: string | null, client: number, id: string | null) =>
            [
              ['user', user, name],
              ['client-id', client, id],
            ] as const
          await p.quotas('alice and c', both(EXACT!, 'alice', EXACT!, 'c'), strict, version)
          await p.quotas('alice and any', both(EXACT!, 'alice', ANY!, null), strict, version)
          await p.quotas('any and the default', both(ANY!, null, DEFAULT!, null), strict, version)
        }
        await p.quotas('nobody', [['user', EXACT!, 'nobody']], false, version)
        await p.quotas('an unknown type', [['group', ANY!, null]], false, version)
        await p.quotas('an empty type', [['', ANY!, null]], false, version)
        await p.quotas(
          'two of a type',
          [
            ['user', ANY!, null],
            ['user', DEFAULT!, null],
          ],
          false,
          version,
        )
        await p.quotas(
          'an ip and a user',
          [
            ['ip', ANY!, null],
            ['user', ANY!, null],
          ],
          false,
          version,
        )
        await p.quotas('a name where none belongs', [['user', ANY!, 'x']], false, version)
        await p.quotas('a default with a name', [['user', DEFAULT!, 'x']], false, version)
        await p.quotas('no name where one belongs', [['user', EXACT!, null]], false, version)
        await p.quotas('an unknown match', [['user', 3, null]], false, version)
      }
      const all = {
        producer_byte_rate: null,
        consumer_byte_rate: null,
        request_percentage: null,
        controller_mutation_rate: null,
      }
      await p.quota('all gone', entities, all)
      await p.quota('ips gone', [{ ip: '10.0.0.1' }, { ip: null }, { ip: '::1' }], { connection_creation_rate: null })
      await settled()
      await p.quotas('all', [])
    },
  },
  'quotas: of mutations': {
    async run(p) {
      await p.quota('mutations', [{ user: null }], { controller_mutation_rate: 0.01 })
      await settled()
      // Who is throttled is not heard for a while: each request comes from a connection of its own.
      let serial = 0
      const create = (version: number, names: string[], validateOnly = false) => {
        const topics = names.map(name => ({ name, numPartitions: 2, replicationFactor: 1 }))
        const answer = p.asker(`creates-${serial++}`).ask(CREATE, version, { topics, timeoutMs: 5000, validateOnly })
        return answer.then(({ topics }) => ({ topics: topics.map(({ name, errorCode }) => ({ name, errorCode })) }))
      }
      const remove = (version: number, wanted: Init<typeof DeleteTopicsRequest>) => {
        const answer = p.asker(`deletes-${serial++}`).ask(DELETE, version, { ...wanted, timeoutMs: 5000 })
        return answer.then(({ responses }) => ({
          topics: responses.map(({ name, errorCode }) => ({ name, errorCode })),
        }))
      }
      await p.tell('the first ones', create(7, ['mutations.a']))
      await p.tell('v7: too much', create(7, ['mutations.b', 'mutations.c']))
      await p.tell('v7: too much, only validated', create(7, ['mutations.b'], true))
      await p.tell('v7: wrong anyway', create(7, ['mutations.a']))
      await p.tell('v6: too much', create(6, ['mutations.b']))
      await p.tell('v5: who can be told of nothing', create(5, ['mutations.b']))
      for (const version of [2, 3]) {
        const topics = [{ name: 'mutations.a', count: 3 + version, assignments: null }]
        const answer = p.asker(`grows-${serial++}`).ask(GROW, version, { topics, timeoutMs: 5000, validateOnly: false })
        await p.tell(`v${version}: more partitions`, answer)
      }
      for (const version of [4, 5]) {
        const topicNames = [version === 4 ? 'mutations.b' : 'mutations.a', 'nobody']
        await p.tell(`v${version}: deleted`, remove(version, { topicNames }))
      }
      const topics = [{ name: 'mutations.a' }]
      await p.tell('v6: deleted', remove(6, { topics }))
      await p.quota('no mutations', [{ user: null }], { controller_mutation_rate: null })
      await settled()
      await p.tell('no limit', remove(6, { topics }))
    },
  },
  'users of SCRAM': {
    async run(p) {
      await p.describeUsers('none', null)
      await p.users('nobody', [], [])
      await p.users('new ones', [], ['alice/1/4096', 'bob/2/16384'])
      await p.users('another mechanism', [], ['alice/2/8192'])
      await p.users('bad iterations', [], ['few/1/4095', 'many/2/16385', 'negative/1/-1'])
      await p.users('bad mechanisms', ['alice/0', 'x/9'], ['y/3/4096'])
      await p.users('bad names', ['/1'], [])
      await p.users('an empty name', [], ['/1/4096'])
      await p.users('who is not there', ['nobody/1', 'bob/1'], [])
      await p.users('twice', [], ['carol/1/4096', 'carol/2/4096'])
      await p.users('three times', [], ['carol/1/4096', 'carol/2/4096', 'carol/1/4096'])
      await p.users('deleted and made', ['bob/2'], ['bob/1/4096'])
      await p.users('deleted twice', ['bob/2', 'bob/2'], [])
      await p.users('wrong and twice', ['bob/1', 'bob/2'], [])
      await settled()
      await p.describeUsers('all', null)
      await p.describeUsers('all, too', [])
      await p.describeUsers('some', ['alice', 'nobody', 'bob', 'bob', ''])
      await p.users('the end', ['alice/1', 'bob/2'], [])
      await settled()
      await p.describeUsers('what is left', null)
      await p.users('the end of alice', ['alice/2'], [])
    },
  },
  'names of what has configs': {
    async run(p) {
      await p.set(Type.group, 'resources-group', 'consumer.session.timeout.ms', '50000')
      await p.set(Type.clientMetrics, 'resources-metrics', 'interval.ms', '1000')
      await settled()
      await p.resources('client metrics', 0, [])
      await p.resources('groups', 1, [Type.group])
      await p.resources('client metrics', 1, [Type.clientMetrics])
      await p.resources('brokers and loggers', 1, [Type.broker, Type.logger])
      await p.resources('twice', 1, [Type.broker, Type.broker])
      for (const type of [0, 1, 3, 64, -1]) await p.resources(`type ${type}`, 1, [type])
      await p.resources('a good and a bad one', 1, [Type.group, 1])
      await p.set(Type.group, 'resources-group', 'consumer.session.timeout.ms', null)
      await p.set(Type.clientMetrics, 'resources-metrics', 'interval.ms', null)
      await settled()
      await p.resources('groups without', 1, [Type.group])
      await p.resources('client metrics without', 1, [Type.clientMetrics])
    },
  },
  'brokers and the cluster': {
    async run(p) {
      for (const brokerId of [9, -1]) await p.tell(`no broker ${brokerId}`, p.asker().ask(UNREGISTER, 0, { brokerId }))
      for (const version of [0, 1, 2]) {
        const describe = async (what: string, request: Init<typeof DescribeClusterRequest>) => {
          const answer = await p.asker().ask(CLUSTER, version, request)
          if (answer.errorCode === 0) answer.clusterId = 'C'
          await p.tell(`v${version} ${what}`, Promise.resolve(answer))
        }
        await describe('brokers', {})
        await describe('operations', { includeClusterAuthorizedOperations: true })
        if (version > 0)
          for (const endpointType of [1, 2, 3, 0, -1]) await describe(`type ${endpointType}`, { endpointType })
        if (version > 1) await describe('fenced ones', { includeFencedBrokers: true })
      }
    },
  },
  'asked at the controller': {
    async run(p) {
      const topics = [{ topicName: LOG, partitions: [{ partitionIndex: 0 }] }]
      const { nodes } = await p.asker().ask(QUORUM, 2, { topics })
      const { host, port } = nodes[0]!.listeners[0]!
      const controller = new Asker('controller', `${host}:${port}`)
      const tell = (what: string, answer: Promise<object>) => p.tell(what, answer)
      try {
        await tell('elections', controller.ask(ELECT, 2, { topicPartitions: [{ topic: p.topic, partitions: [0, 5] }] }))
        const wanted = [{ name: p.topic, partitions: [{ partitionIndex: 0, replicas: [9] }] }]
        await tell('reassignments', controller.ask(MOVE, 1, { topics: wanted }))
        await tell('under way', controller.ask(MOVES, 0, { topics: null }))
        await tell('no quotas', controller.ask(QUOTAS, 1, { entries: [] }))
        await tell('no users', controller.ask(USERS, 0, { deletions: [{ name: 'x', mechanism: 1 }], upsertions: [] }))
        const featureUpdates = [{ feature: 'transaction.version', maxVersionLevel: 9, upgradeType: 1 }]
        await tell('features', controller.ask(FEATURES, 2, { featureUpdates }))
        await tell('no broker', controller.ask(UNREGISTER, 0, { brokerId: 9 }))
        for (const endpointType of [1, 2, 3]) {
          const answer = await controller.ask(CLUSTER, 2, { endpointType })
          if (answer.errorCode === 0) answer.clusterId = 'C'
          await tell(`the cluster, type ${endpointType}`, Promise.resolve(answer))
        }
        const { apiKeys } = await controller.ask(VERSIONS, 4, {
          clientSoftwareName: 'probe',
          clientSoftwareVersion: '1',
        })
        const asked = new Set([32, 33, 37, 43, 44, 45, 46, 48, 49, 50, 51, 55, 57, 60, 64, 74])
        const keys = apiKeys.filter(({ apiKey }) => asked.has(apiKey))
        await tell('its APIs', Promise.resolve({ apiKeys: keys }))
      } finally {
        controller.end()
      }
    },
  },
}
