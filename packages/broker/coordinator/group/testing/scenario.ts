/**
 * Scenarios for the group machine that a person can read: named clients that join, sync and commit, time that passes,
 * and what comes of it line by line. The files are in testdata/; a client fills in its own member id and generation
 * unless told otherwise.
 *
 *     join a protocols=range:t1 session=10000      a line for each answer: `a <- join NONE member=a-1 generation=1 ...`
 *     advance 3000                                 and for each record:    `log group g generation=1 ...`
 */
import { errorName, ZERO_UUID } from '@ottla/protocol'
import { developerDefaults, loadConfig, resolveBrokerConfig, resolveGroupConfig } from '../../../config/index.ts'
import { EMPTY_IMAGE } from '../../../image/index.ts'
import type { Effects, Instant } from '../../shard.ts'
import type { GroupConfig } from '../config.ts'
import { AWAY_EPOCH, JOINING_EPOCH, LEAVING_EPOCH } from '../consumer/member.ts'
import { GroupMachine } from '../machine.ts'
import { offsetCommit } from '../offset-records.ts'
import type { GroupRecord } from '../records.ts'
import type { GroupRequest, GroupResponse } from '../requests.ts'
import { groupSerde } from '../serde.ts'
import { type ConsumerClient, heard, heartbeatOf, newConsumer } from './consumer-client.ts'
import { imageWith } from './image.ts'
import { fromHex, showRecord, showResponse, subscription } from './show.ts'

export const TEST_CONFIG: GroupConfig = {
  minSessionTimeoutMs: 1000,
  maxSessionTimeoutMs: 600_000,
  maxSize: 100,
  streamsMaxSize: 100,
  initialRebalanceDelayMs: 3000,
  offsetMetadataMaxBytes: 16,
  offsetsRetentionMs: 60_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  consumer: {
    assignors: ['uniform', 'range'],
    maxSize: 100,
    allowsUpgrade: true,
    allowsDowngrade: true,
    regexRefreshIntervalMs: 600_000,
  },
  shareMaxSize: 3,
  shareInitializeRetryMs: 30_000,
}

/** A group that sets nothing itself has the broker's. */
export const OWN_CONFIG = resolveGroupConfig(
  resolveBrokerConfig(loadConfig({ defaults: developerDefaults({ dataDir: '/data' }) }).raw),
  new Map(),
)

const START_MS = 1_000_000
const NO_PRODUCER = -1

interface Client {
  readonly name: string
  group: string
  memberId: string
  instanceId: string | null
  generation: number
  protocols: string
  protocolType: string
  sessionMs: number
  rebalanceMs: number
  version: number | null
}

interface Words {
  readonly plain: string[]
  readonly named: ReadonlyMap<string, string>
}

export class Scenario {
  readonly #clients = new Map<string, Client>()
  readonly #consumers = new Map<string, ConsumerClient>()
  /** Whose request it is, and which api. */
  readonly #requests = new Map<number, { readonly client: string; readonly api: string }>()
  readonly #log: { readonly record: GroupRecord; readonly offset: number }[] = []
  #config: GroupConfig = TEST_CONFIG
  #maxBatchBytes = 1_000_000
  #machine: GroupMachine
  #image = EMPTY_IMAGE
  #elapsedMs = 0
  #nextOffset = 0
  #nextRequestId = 1
  #nextUuid = 1
  #out: string[] = []

  constructor() {
    this.#machine = this.#start()
  }

  run(command: string): string {
    this.#out = []
    for (const line of command.split('\n')) this.#line(line)
    return this.#out.join('\n')
  }

  // ------------------------------------------------------------------------------------------------------- commands

  readonly #commands: Readonly<Record<string, (words: Words) => void>> = {
    config: words => this.#configure(words),
    join: words => this.#join(this.#client(words), words),
    sync: words => this.#sync(this.#once(words), words),
    heartbeat: words => this.#heartbeat(this.#once(words)),
    topics: ({ named }) => this.#changeTopics(named),
    subscribe: words => this.#beat(words, JOINING_EPOCH),
    beat: words => this.#beat(words, null),
    unsubscribe: words => this.#beat(words, LEAVING_EPOCH),
    away: words => this.#beat(words, AWAY_EPOCH),
    'describe-consumer': ({ plain }) =>
      this.#print(showResponse('describe', this.#machine.describeConsumerGroup(plain[0] ?? 'g'))),
    leave: words => this.#leave(words),
    commit: words => this.#commit(this.#once(words), words),
    fetch: words => this.#fetch(words),
    describe: words => this.#describe(words),
    list: words => this.#list(words),
    'delete-groups': ({ plain }) => this.#call('admin', 'deleteGroups', { groupsNames: plain }),
    'delete-offsets': words => this.#deleteOffsets(words),
    'delete-topic': words => this.#deleteTopic(words),
    transaction: words => this.#transaction(words),
    advance: ({ plain }) => this.#advance(Number(plain[0])),
    restart: () => this.#restart(),
    unload: () => this.#unload(),
  }

  #line(line: string): void {
    const [verb = '', ...rest] = line.split(/\s+/)
    const command = this.#commands[verb]
    if (!command) throw new Error(`no command '${verb}'`)
    command(parseWords(rest))
  }

  /** `topics t=3 u=1`: all that there are from now on, with their number of partitions. */
  #changeTopics(named: ReadonlyMap<string, string>): void {
    const before = this.#image
    const counts = Object.fromEntries([...named].map(([name, count]) => [name, Number(count)]))
    const provenance = { ...before.provenance, offset: before.provenance.offset + 1 }
    this.#image = { ...imageWith(counts), provenance }
    this.#take(this.#machine.onTopicsChanged(new Set([...before.topicsByName.keys(), ...named.keys()]), this.#now))
  }

  #beat({ plain, named }: Words, epoch: number | null): void {
    const name = plain[0]!
    const member = this.#consumers.get(name) ?? newConsumer(name)
    this.#consumers.set(name, member)
    this.#call(name, 'consumerGroupHeartbeat', heartbeatOf(member, plain, named, epoch))
  }

  /** Topic partitions, or all that the group has; `stable=yes`, `id=` of the topics. */
  #fetch({ plain, named }: Words): void {
    const topics = plain.length > 0 ? plain.map(name => toFetchedTopic(name, named.get('id'))) : null
    const request = { groupId: named.get('group') ?? 'g', memberId: null, memberEpoch: -1, topics }
    this.#print(showResponse('fetch', this.#machine.fetchOffsets(request, named.has('stable'))))
  }

  #describe({ plain, named }: Words): void {
    const described = this.#machine.describeGroup(plain[0] ?? 'g', Number(named.get('v') ?? 6))
    this.#print(showResponse('describe', described))
  }

  #list({ named }: Words): void {
    const filter = (key: string) => named.get(key)?.split(',') ?? []
    for (const listed of this.#machine.listGroups(filter('states'), filter('types'))) {
      this.#print(showResponse('list', listed))
    }
  }

  #deleteOffsets({ plain, named }: Words): void {
    this.#call('admin', 'offsetDelete', { groupId: named.get('group') ?? 'g', topics: plain.map(toDeletedTopic) })
  }

  #deleteTopic({ plain, named }: Words): void {
    this.#take(this.#machine.onTopicsDeleted([{ name: plain[0]!, id: named.get('id') ?? ZERO_UUID }], this.#now))
  }

  #unload(): void {
    for (const { requestId, response } of this.#machine.onUnload()) this.#answer(requestId, response)
  }

  #configure({ named }: Words): void {
    const value = (key: string, or: number) => Number(named.get(key) ?? or)
    this.#config = {
      ...this.#config,
      maxSize: value('max-size', this.#config.maxSize),
      consumer: {
        ...this.#config.consumer,
        maxSize: value('consumer-max-size', this.#config.consumer.maxSize),
        allowsUpgrade: value('upgrade', 1) === 1,
        allowsDowngrade: value('downgrade', 1) === 1,
      },
      initialRebalanceDelayMs: value('delay', this.#config.initialRebalanceDelayMs),
      offsetsRetentionMs: value('retention', this.#config.offsetsRetentionMs),
      offsetsRetentionCheckIntervalMs: value('check', this.#config.offsetsRetentionCheckIntervalMs),
    }
    this.#maxBatchBytes = value('max-batch', this.#maxBatchBytes)
    this.#machine = this.#start()
  }

  #join(client: Client, { named }: Words): void {
    client.sessionMs = Number(named.get('session') ?? client.sessionMs)
    client.rebalanceMs = Number(named.get('rebalance') ?? client.rebalanceMs)
    client.protocols = named.get('protocols') ?? client.protocols
    client.protocolType = named.get('type') ?? client.protocolType
    const request = {
      groupId: client.group,
      memberId: named.get('member') ?? client.memberId,
      groupInstanceId: client.instanceId,
      sessionTimeoutMs: client.sessionMs,
      rebalanceTimeoutMs: client.rebalanceMs,
      protocolType: client.protocolType,
      protocols: client.protocols === '' ? [] : client.protocols.split(';').map(subscription),
      reason: null,
    }
    this.#call(client.name, 'joinGroup', request)
  }

  /** assignments: `a=01ff,b=02` by client or member id. */
  #sync(client: Client, { named }: Words): void {
    const assignments = (named.get('assign') ?? '').split(',').filter(Boolean)
    this.#call(client.name, 'syncGroup', {
      groupId: client.group,
      generationId: client.generation,
      memberId: client.memberId,
      groupInstanceId: client.instanceId,
      protocolType: named.get('type') ?? null,
      protocolName: named.get('protocol') ?? null,
      assignments: assignments.map(pair => {
        const [who = '', hex = ''] = pair.split(':')
        return { memberId: this.#clients.get(who)?.memberId ?? who, assignment: fromHex(hex) }
      }),
    })
  }

  #heartbeat({ name, group, generation, memberId, instanceId }: Client): void {
    this.#call(name, 'heartbeat', { groupId: group, generationId: generation, memberId, groupInstanceId: instanceId })
  }

  /** Clients or member ids, `as=` an instance id; or `instance=i` as an administrator does. */
  #leave({ plain, named }: Words): void {
    const clients = plain.flatMap(name => this.#clients.get(name) ?? [])
    const members = plain.map(name => {
      const { memberId = name, instanceId = named.get('as') ?? null } = this.#clients.get(name) ?? {}
      return { memberId, groupInstanceId: instanceId, reason: null as string | null }
    })
    const instance = named.get('instance')
    if (instance) members.push({ memberId: '', groupInstanceId: instance, reason: null })
    const groupId = named.get('group') ?? clients[0]?.group ?? 'g'
    this.#call(clients[0]?.name ?? 'admin', 'leaveGroup', { groupId, memberId: '', members })
  }

  /** `t-0=5` or `t-0=5/metadata`; `alone`: as a consumer without a group; `in=7`: in a transaction of producer 7. */
  #commit(client: Client, { plain, named }: Words): void {
    const offsets = [...named].filter(([key]) => /-\d+$/.test(key))
    const isAlone = plain.includes('alone')
    const consumer = this.#consumers.get(client.name)
    if (consumer)
      Object.assign(client, {
        memberId: named.get('member') ?? consumer.memberId,
        generation: Number(named.get('epoch') ?? consumer.epoch),
      })
    const generation = isAlone ? -1 : client.generation
    const request = {
      groupId: client.group,
      memberId: isAlone ? '' : client.memberId,
      groupInstanceId: isAlone ? null : client.instanceId,
      topics: offsets.map(([key, value]) => {
        const { topic, partition } = topicPartition(key)
        const [offset, metadata = null] = value.split('/')
        const committed = { partitionIndex: partition, committedOffset: Number(offset), committedLeaderEpoch: -1 }
        return {
          name: topic,
          topicId: named.get('id') ?? ZERO_UUID,
          partitions: [{ ...committed, committedMetadata: metadata }],
        }
      }),
    }
    const producerId = Number(named.get('in') ?? NO_PRODUCER)
    if (producerId === NO_PRODUCER) {
      const retentionTimeMs = Number(named.get('retention') ?? -1)
      this.#call(client.name, 'offsetCommit', { ...request, generationIdOrMemberEpoch: generation, retentionTimeMs })
    } else {
      const producer = { transactionalId: 'x', producerId, producerEpoch: 0 }
      this.#call(client.name, 'txnOffsetCommit', { ...request, ...producer, generationId: generation })
    }
  }

  /** `transaction 7 t-0=5` writes, `transaction 7 commit` or `abort` ends: as replayed from the log. */
  #transaction({ plain, named }: Words): void {
    const producerId = Number(plain[0])
    const group = named.get('group') ?? 'g'
    for (const [key, value] of named) {
      if (key === 'group') continue
      const { topic, partition } = topicPartition(key)
      const commit = { offset: Number(value), leaderEpoch: -1, metadata: '', commitTimestamp: this.#now.wallMs }
      const record = offsetCommit({ group, topic, partition }, { ...commit, expireTimestamp: -1, topicId: ZERO_UUID })
      this.#machine.replay(record, { offset: this.#nextOffset++, producerId, producerEpoch: 0 })
    }
    const end = plain[1]
    if (end) {
      this.#machine.endTransaction(producerId, end === 'commit', this.#nextOffset++)
    }
  }

  // ----------------------------------------------------------------------------------------------------------- time

  #advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms
    for (let next = this.#machine.nextDeadlineMs(); next <= untilMs; next = this.#machine.nextDeadlineMs()) {
      this.#elapsedMs = Math.max(next, this.#elapsedMs)
      const before = this.#out.length
      this.#take(this.#machine.expire(this.#now))
      for (let i = before; i < this.#out.length; i++) this.#out[i] = `+${this.#elapsedMs} ${this.#out[i]}`
    }
    this.#elapsedMs = untilMs
  }

  get #now(): Instant {
    return { wallMs: START_MS + this.#elapsedMs, monotonicMs: this.#elapsedMs }
  }

  /** Everything in memory is lost; what is in the log comes back, as bytes. */
  #restart(): void {
    const machine = this.#create()
    for (const { record, offset } of this.#log) {
      const { key, value } = groupSerde.encode(record)
      const decoded = groupSerde.decode(key, value)
      if ('record' in decoded) machine.replay(decoded.record, { offset, producerId: -1, producerEpoch: -1 })
    }
    this.#machine = machine
    this.#take(machine.onLoaded(this.#now, this.#nextOffset))
  }

  #start(): GroupMachine {
    const machine = this.#create()
    machine.onLoaded(this.#now, this.#nextOffset)
    return machine
  }

  #create(): GroupMachine {
    return new GroupMachine({
      config: this.#config,
      configOf: () => OWN_CONFIG,
      image: () => this.#image,
      newUuid: () => String(this.#nextUuid++),
      maxBatchBytes: () => this.#maxBatchBytes,
      log: { info() {} },
    })
  }

  // -------------------------------------------------------------------------------------------------------- answers

  #call(client: string, api: GroupRequest['api'], request: unknown): void {
    const requestId = this.#nextRequestId++
    this.#requests.set(requestId, { client, api })
    const apiVersion = this.#clients.get(client)?.version ?? (api === 'consumerGroupHeartbeat' ? 1 : 9)
    const caller = { apiVersion, clientId: client, clientHost: '/127.0.0.1' }
    this.#take(this.#machine.handle(requestId, { api, request, caller } as GroupRequest, this.#now))
  }

  #take({ records, completions }: Effects<GroupResponse, GroupRecord>): void {
    for (const record of records) {
      this.#log.push({ record, offset: this.#nextOffset++ })
      this.#print(showRecord(record))
    }
    for (const { requestId, response } of completions) this.#answer(requestId, response)
  }

  #answer(requestId: number, response: GroupResponse): void {
    const request = this.#requests.get(requestId)
    if (!request) throw new Error(`request ${requestId} was answered twice`)
    this.#requests.delete(requestId)
    if (request.api === 'consumerGroupHeartbeat') heard(this.#consumers.get(request.client)!, response)
    const client = this.#clients.get(request.client)
    if (
      client &&
      'memberId' in response &&
      (errorName(response.errorCode ?? 0) === 'NONE' || response.errorCode === 79)
    ) {
      client.memberId = response.memberId ?? ''
      if ('generationId' in response) client.generation = response.generationId ?? client.generation
    }
    this.#print(`${request.client} <- ${showResponse(request.api, response)}`)
  }

  #print(line: string): void {
    this.#out.push(line)
  }

  #client({ plain, named }: Words): Client {
    const name = plain[0]!
    let client = this.#clients.get(name)
    if (!client || plain.includes('new')) {
      client = {
        name,
        group: 'g',
        memberId: '',
        instanceId: null,
        generation: -1,
        protocols: 'range:t',
        protocolType: 'consumer',
        sessionMs: 10_000,
        rebalanceMs: 30_000,
        version: null,
      }
      this.#clients.set(name, client)
    }
    client.group = named.get('group') ?? client.group
    client.instanceId = named.get('instance') ?? client.instanceId
    client.version = named.has('v') ? Number(named.get('v')) : client.version
    return client
  }

  /** With another id or generation for this one request. */
  #once(words: Words): Client {
    const client = this.#client(words)
    const { named } = words
    return {
      ...client,
      memberId: named.get('member') ?? client.memberId,
      generation: Number(named.get('generation') ?? client.generation),
    }
  }
}

function parseWords(words: string[]): Words {
  const plain = words.filter(word => !word.includes('='))
  const named = words
    .filter(word => word.includes('='))
    .map(word => {
      const at = word.indexOf('=')
      return [word.slice(0, at), word.slice(at + 1)] as const
    })
  return { plain, named: new Map(named) }
}

function topicPartition(text: string): { topic: string; partition: number } {
  const at = text.lastIndexOf('-')
  return { topic: text.slice(0, at), partition: Number(text.slice(at + 1)) }
}

function toDeletedTopic(text: string) {
  const { topic, partition } = topicPartition(text)
  return { name: topic, partitions: [{ partitionIndex: partition }] }
}

function toFetchedTopic(text: string, topicId: string = ZERO_UUID) {
  const { topic, partition } = topicPartition(text)
  return { name: topic, topicId, partitionIndexes: [partition] }
}
