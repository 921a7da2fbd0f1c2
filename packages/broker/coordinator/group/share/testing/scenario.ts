/**
 * Scenarios for share groups in the group machine that a person can read; the files are in testdata/. Members fill in
 * their own epoch unless told otherwise; topics are `t` with three partitions, `u` with one, and what the scenario makes.
 *
 *     beat a topics=t,u epoch=0 group=g rack=r      `a <- epoch=2 interval=5000 assignment=t:0,1,2`, and a line a record
 *     initialized     uninitialized                 what the share coordinator was asked for last is done, or can't be
 *     leave a     advance 1000     describe g     topic v=2     delete-topic t     restart     config interval=0
 *     alter g t:0@5     delete-offsets g t     deleted     delete-state g     delete g     commit g     list
 */
import { ErrorCode, errorName } from '@ottla/protocol'
import { developerDefaults, loadConfig, resolveBrokerConfig, resolveGroupConfig } from '../../../../config/index.ts'
import type { Effects, Instant } from '../../../shard.ts'
import { GroupMachine } from '../../machine.ts'
import { RecordType } from '../../record-types.ts'
import type { GroupRecord } from '../../records.ts'
import type { GroupRequest, GroupResponse } from '../../requests.ts'
import { groupSerde } from '../../serde.ts'
import { imageWith } from '../../testing/image.ts'
import { TEST_CONFIG } from '../../testing/scenario.ts'
import type { ShareGroupRecord } from '../record-shapes.ts'
import type { HeartbeatResult } from '../requests.ts'
import { showHeartbeat, showPartitions, showShareRecord } from './show.ts'

const START_MS = 1_000_000
const CALLER = { apiVersion: 1, clientId: 'client', clientHost: '/127.0.0.1' }
const BROKER = resolveBrokerConfig(loadConfig({ defaults: developerDefaults({ dataDir: '/data' }) }).raw)

interface Words {
  readonly plain: readonly string[]
  readonly named: ReadonlyMap<string, string>
}

interface Asked {
  readonly groupId: string
  readonly topics: ReadonlyMap<string, readonly number[]>
}

export class Scenario {
  readonly #topics: Record<string, number> = { t: 3, u: 1 }
  readonly #deleted = new Set<string>()
  readonly #epochs = new Map<string, number>()
  readonly #log: GroupRecord[] = []
  #overrides = new Map<string, string>()
  #asked: Asked | null = null
  #elapsedMs = 0
  #machine: GroupMachine
  #out: string[] = []

  constructor() {
    this.#machine = this.#start(0)
  }

  get log(): readonly GroupRecord[] {
    return this.#log
  }

  run(command: string): string {
    this.#out = []
    for (const line of command.split('\n')) this.#line(line)
    return this.#out.join('\n')
  }

  /** What could be found out if the log ended after `count` records. */
  knowledgeAfter(count: number, groups: readonly string[]): unknown {
    return knowledge(this.#start(count), groups)
  }

  knowledge(groups: readonly string[]): unknown {
    return knowledge(this.#machine, groups)
  }

  readonly #commands: Readonly<Record<string, (first: string, words: Words) => void>> = {
    beat: (member, words) => this.#beat(member, words),
    leave: (member, { named }) => this.#beat(member, { plain: [], named: new Map([...named, ['epoch', '-1']]) }),
    initialized: () => this.#answerAsked('initializedShareGroupState'),
    uninitialized: () => this.#answerAsked('uninitializedShareGroupState'),
    deleted: () => this.#answerAsked('deletedShareGroupOffsets'),
    advance: ms => this.#advance(Number(ms)),
    describe: groupId => this.#describe(groupId),
    alter: (groupId, { plain }) =>
      this.#call('admin', 'alterShareGroupOffsets', { groupId, topics: plain.slice(1).map(parseAlter) }),
    'delete-offsets': (groupId, { plain }) =>
      this.#call('admin', 'deleteShareGroupOffsets', {
        groupId,
        topics: plain.slice(1).map(topicName => ({ topicName })),
      }),
    'delete-state': groupId => this.#call('admin', 'deleteShareGroupState', { groupId }),
    delete: groupId => this.#call('admin', 'deleteGroups', { groupsNames: [groupId] }),
    commit: groupId => this.#commit(groupId),
    list: () => {
      for (const { groupId, groupState, groupType, protocolType } of this.#machine.listGroups([], [])) {
        this.#print(`${groupId} ${groupState} ${groupType} ${protocolType}`)
      }
    },
    topic: (_, { named }) => {
      for (const [name, count] of named) this.#topics[name] = Number(count)
      this.#take(this.#machine.onTopicsChanged(new Set(named.keys()), this.#now), 'topic')
    },
    'delete-topic': name => {
      const id = this.#idOf(name)
      this.#deleted.add(name)
      this.#take(this.#machine.onTopicsDeleted([{ name, id }], this.#now), 'topic')
      this.#take(this.#machine.onTopicsChanged(new Set([name]), this.#now), 'topic')
    },
    config: (_, { named }) => {
      this.#overrides = new Map([...named].map(([name, value]) => [`share.${name}`, value]))
    },
    restart: () => {
      this.#machine = this.#start(this.#log.length)
    },
  }

  #line(line: string): void {
    const [verb = '', ...rest] = line.split(/\s+/)
    const command = this.#commands[verb]
    if (!command) throw new Error(`no command '${verb}'`)
    const isNamed = (word: string) => /^[\w.]+=/.test(word)
    const named = new Map(rest.filter(isNamed).map(word => word.split('=') as [string, string]))
    const plain = rest.filter(word => !isNamed(word))
    command(plain[0] ?? '', { plain, named })
  }

  #beat(memberId: string, { named }: Words): void {
    const epoch = named.has('epoch') ? Number(named.get('epoch')) : (this.#epochs.get(memberId) ?? 0)
    this.#call(memberId, 'shareGroupHeartbeat', {
      groupId: named.get('group') ?? 'g',
      memberId,
      memberEpoch: epoch,
      rackId: named.get('rack') ?? null,
      subscribedTopicNames: named.get('topics')?.split(',') ?? null,
    })
  }

  #call<Api extends GroupRequest['api']>(
    who: string,
    api: Api,
    request: Extract<GroupRequest, { api: Api }>['request'],
  ): void {
    this.#take(this.#machine.handle(1, { api, request, caller: CALLER } as GroupRequest, this.#now), who)
  }

  #answerAsked(api: 'initializedShareGroupState' | 'uninitializedShareGroupState' | 'deletedShareGroupOffsets'): void {
    if (!this.#asked) throw new Error('nothing was asked for')
    this.#call('state', api, this.#asked)
    this.#asked = null
  }

  #advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms
    while (this.#machine.nextDeadlineMs() <= untilMs) {
      this.#elapsedMs = this.#machine.nextDeadlineMs()
      this.#take(this.#machine.expire(this.#now), 'time')
    }
    this.#elapsedMs = untilMs
  }

  #describe(groupId: string): void {
    const { errorCode, errorMessage, groupState, groupEpoch, assignmentEpoch, members } =
      this.#machine.describeShareGroup(groupId)
    if (errorCode) {
      this.#print(`${errorName(errorCode)} ${errorMessage}`)
      return
    }
    this.#print(`${groupState} epoch=${groupEpoch} assigned=${assignmentEpoch}`)
    for (const { memberId, memberEpoch, subscribedTopicNames, assignment } of members ?? []) {
      const partitions = (assignment?.topicPartitions ?? []).map(({ topicId = '', partitions = [] }) => ({
        topicId,
        partitions: [...partitions],
      }))
      const shown = showPartitions(partitions, id => this.#nameOf(id))
      this.#print(`  ${memberId} epoch=${memberEpoch} topics=${subscribedTopicNames?.join(',')} ${shown}`)
    }
  }

  #commit(groupId: string): void {
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, committedMetadata: '' }]
    const topics = [{ name: 't', topicId: this.#idOf('t'), partitions }]
    const request = {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics,
    }
    this.#call('commit', 'offsetCommit', request as never)
  }

  // ----------------------------------------------------------------------------------------------------- the machine

  get #now(): Instant {
    return { wallMs: START_MS + this.#elapsedMs, monotonicMs: this.#elapsedMs }
  }

  get #image() {
    const image = imageWith(this.#topics)
    let { topicsByName, topicsById } = image
    for (const name of this.#deleted) {
      topicsById = topicsById.delete(topicsByName.get(name)!.id)
      topicsByName = topicsByName.delete(name)
    }
    return { ...image, topicsByName, topicsById }
  }

  #idOf(name: string): string {
    return imageWith(this.#topics).topicsByName.get(name)!.id
  }

  #nameOf(id: string): string {
    return imageWith(this.#topics).topicsById.get(id)!.name
  }

  #start(count: number): GroupMachine {
    const machine = new GroupMachine({
      config: TEST_CONFIG,
      configOf: () => resolveGroupConfig(BROKER, this.#overrides),
      image: () => this.#image,
      newUuid: () => '',
      maxBatchBytes: () => 10_000,
      log: { info: () => undefined },
    })
    for (const [offset, record] of this.#log.slice(0, count).entries()) {
      machine.replay(throughBytes(record), { offset, producerId: -1, producerEpoch: -1 })
    }
    machine.onLoaded(this.#now, count)
    return machine
  }

  #take({ records, completions }: Effects<GroupResponse, GroupRecord>, who: string): void {
    for (const record of records) {
      if (record.type === RecordType.OFFSET_COMMIT) this.#print(`log offset ${record.key.group}`)
      else this.#print(showShareRecord(record as ShareGroupRecord, id => this.#nameOf(id)))
      this.#log.push(record)
    }
    for (const { response } of completions) this.#answer(who, response)
  }

  #answer(who: string, response: GroupResponse): void {
    if ('refused' in response && !Array.isArray(response.refused)) {
      const { code, message } = response.refused as { code: string; message: string }
      this.#print(`${who} <- ${code} ${message}`)
    } else if ('response' in response) {
      const { response: beat, initialize } = response as HeartbeatResult
      // Who has gone comes back as a new one.
      this.#epochs.set(who, Math.max(beat.memberEpoch, 0))
      this.#print(`${who} <- ${showHeartbeat(beat, id => this.#nameOf(id))}`)
      if (initialize) this.#ask('initialize', initialize)
    } else if ('initialize' in response) {
      for (const { topicName, partitions } of response.responses) {
        const shown = partitions.map(({ partitionIndex, errorCode }) => `${partitionIndex}:${errorName(errorCode)}`)
        this.#print(`${who} <- ${topicName} ${shown.join(' ')}`)
      }
      this.#ask('initialize', response.initialize)
    } else if ('remove' in response) {
      if ('refused' in response) {
        for (const { topicName, errorCode } of response.refused)
          this.#print(`${who} <- ${topicName} ${errorName(errorCode)}`)
      }
      if (response.remove) this.#ask('delete', response.remove)
      else this.#print(`${who} <- nothing to delete`)
    } else if ('results' in response) {
      for (const { errorCode } of response.results ?? []) this.#print(`${who} <- ${errorName(errorCode ?? 0)}`)
    } else if ('topics' in response) {
      const partition = response.topics?.[0]?.partitions?.[0] as { errorCode?: number } | undefined
      this.#print(`${who} <- ${errorName(partition?.errorCode ?? ErrorCode.NONE)}`)
    }
  }

  #ask(what: string, { groupId, topics }: { readonly groupId: string; readonly topics: readonly AskedTopic[] }): void {
    const numbers = topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(one => one.partition),
    }))
    this.#asked = { groupId, topics: new Map(numbers.map(({ topicId, partitions }) => [topicId, partitions])) }
    const { stateEpoch, startOffset } = topics[0]?.partitions[0] ?? {}
    const more = stateEpoch === undefined ? '' : ` state=${stateEpoch} start=${startOffset}`
    this.#print(`ask ${what} ${showPartitions(numbers, id => this.#nameOf(id))}${more}`)
  }

  #print(line: string): void {
    this.#out.push(line)
  }
}

interface AskedTopic {
  readonly topicId: string
  readonly partitions: readonly {
    readonly partition: number
    readonly stateEpoch?: number
    readonly startOffset?: number
  }[]
}

/** As it comes back from the log. */
function throughBytes(record: GroupRecord): GroupRecord {
  const { key, value } = groupSerde.encode(record)
  const decoded = groupSerde.decode(key, value)
  if (!('record' in decoded)) throw new Error('a record type that is not known')
  return decoded.record
}

/** `t:0@5` */
function parseAlter(text: string) {
  const [, topicName = '', partition, offset] = /^(\w+):(\d+)@(\d+)$/.exec(text) ?? []
  return { topicName, partitions: [{ partitionIndex: Number(partition), startOffset: Number(offset) }] }
}

function knowledge(machine: GroupMachine, groups: readonly string[]): unknown {
  const listed = machine.listGroups([], []).sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
  return {
    listed,
    groups: groups.map(groupId => ({
      described: machine.describeShareGroup(groupId),
      initialized: machine.initializedSharePartitions(groupId),
    })),
  }
}
