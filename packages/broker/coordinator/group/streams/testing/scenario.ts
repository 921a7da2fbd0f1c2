/**
 * Scenarios of streams groups that a person can read: named members that join and beat, topics that come and go, time
 * that passes. A line for each record, then one for the answer. The files are in ../testdata/.
 *
 *     topics in=2
 *     join a 0:in>rep 1:~rep+log        a topology as topologies.ts has it; the last one if left out
 *     beat a has=0_0 standby=1_1        or silent about what it has
 */
import { errorName, ZERO_UUID } from '@ottla/protocol'
import { deleteGroups } from '../../administration.ts'
import { commitOffsets, fetchOffsets } from '../../offset-requests.ts'
import type { GroupResponse } from '../../requests.ts'
import { showRecord } from '../../testing/show.ts'
import { describeStreamsGroup } from '../describe.ts'
import { StreamsBench } from './bench.ts'
import { showDescribed, showHeartbeat } from './show.ts'
import { parseTasks, parseTopology } from './topologies.ts'

interface Words {
  readonly plain: string[]
  readonly named: ReadonlyMap<string, string>
}

export class StreamsScenario {
  readonly #bench = new StreamsBench()
  readonly #epochs = new Map<string, number>()
  #topology = '0:in'
  #out: string[] = []

  run(command: string): string {
    this.#out = []
    for (const line of command.split('\n')) this.#line(line)
    return this.#out.join('\n')
  }

  readonly #commands: Readonly<Record<string, (words: Words) => void>> = {
    topics: ({ named }) =>
      this.#bench.setTopics(Object.fromEntries([...named].map(([name, count]) => [name, Number(count)]))),
    config: ({ named }) => this.#configure(named),
    join: words => this.#join(words),
    beat: words => this.#beat(words),
    leave: ({ plain, named }) => this.#heartbeat(plain[0]!, named, { memberEpoch: -1 }),
    commit: words => this.#commit(words),
    fetch: ({ plain, named }) => this.#fetch(plain[0]!, named),
    describe: () => this.#out.push(...showDescribed(describeStreamsGroup(this.#bench.store, 'g'))),
    list: () => this.#list(),
    delete: () => this.#complete('admin', turn => deleteGroups(turn, 0, { groupsNames: ['g'] })),
    advance: ({ plain }) => this.#bench.advance(Number(plain[0])),
    restart: () => this.#bench.restart(),
  }

  #line(line: string): void {
    const [verb = '', ...rest] = line.split(/\s+/)
    const command = this.#commands[verb]
    if (!command) throw new Error(`no command '${verb}'`)
    const place = this.#out.length
    command(parseWords(rest))
    this.#out.splice(place, 0, ...this.#bench.records.splice(0).map(showRecord))
    this.#bench.checkLog()
  }

  #configure(named: ReadonlyMap<string, string>): void {
    const { config } = this.#bench
    const set = (name: string, key: keyof typeof config) => {
      const value = named.get(name)
      if (value !== undefined) config[key] = Number(value)
    }
    set('standby', 'streamsNumStandbyReplicas')
    set('delay', 'streamsInitialRebalanceDelayMs')
    set('interval', 'streamsAssignmentIntervalMs')
    set('session', 'streamsSessionTimeoutMs')
    set('max-size', 'streamsMaxSize')
  }

  // ------------------------------------------------------------------------------------------------------- members

  #join({ plain, named }: Words): void {
    const [name = '', ...topology] = plain
    if (topology.length > 0) this.#topology = topology.join(' ')
    const [host = '', port = ''] = (named.get('endpoint') ?? '').split(':')
    this.#heartbeat(name, named, {
      memberEpoch: 0,
      rebalanceTimeoutMs: Number(named.get('rebalance') ?? 30_000),
      processId: named.get('process') ?? `p-${name}`,
      topology: parseTopology(this.#topology, Number(named.get('topology') ?? 0)),
      activeTasks: [],
      standbyTasks: [],
      warmupTasks: [],
      ...(host ? { userEndpoint: { host, port: Number(port) } } : {}),
    })
  }

  #beat({ plain, named }: Words): void {
    const [name = ''] = plain
    const epoch = Number(named.get('epoch') ?? this.#epochs.get(name) ?? 0)
    const owned = named.has('has')
      ? {
          activeTasks: parseTasks(named.get('has')!),
          standbyTasks: parseTasks(named.get('standby') ?? ''),
          warmupTasks: [],
        }
      : {}
    this.#heartbeat(name, named, { memberEpoch: epoch, ...owned })
  }

  #heartbeat(
    name: string,
    named: ReadonlyMap<string, string>,
    request: Parameters<StreamsBench['heartbeat']>[0],
  ): void {
    const answer = this.#bench.heartbeat(
      {
        memberId: name,
        endpointInformationEpoch: Number(named.get('endpoints') ?? 0),
        shutdownApplication: named.has('shutdown'),
        ...request,
      },
      name,
    )
    if (answer.errorCode === 0) this.#epochs.set(name, answer.memberEpoch!)
    this.#out.push(`${name} <- ${showHeartbeat(answer)}`)
  }

  // ------------------------------------------------------------------------------------------------------- offsets

  /** `in-0=5`, with another epoch or member id if need be. */
  #commit({ plain, named }: Words): void {
    const [name = ''] = plain
    const partitions = [...named].filter(([key]) => /-\d+$/.test(key))
    const request = {
      groupId: 'g',
      generationIdOrMemberEpoch: Number(named.get('epoch') ?? this.#epochs.get(name) ?? -1),
      memberId: named.get('member') ?? name,
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics: partitions.map(([key, offset]) => {
        const [topic = '', partition = ''] = key.split(/-(?=\d+$)/)
        const committed = { committedOffset: Number(offset), committedLeaderEpoch: -1, committedMetadata: '' }
        return { name: topic, topicId: ZERO_UUID, partitions: [{ partitionIndex: Number(partition), ...committed }] }
      }),
    }
    const caller = { apiVersion: Number(named.get('v') ?? 9), clientId: name, clientHost: '/' }
    this.#complete(name, turn => commitOffsets(turn, 0, request, caller))
  }

  #fetch(name: string, named: ReadonlyMap<string, string>): void {
    const memberEpoch = Number(named.get('epoch') ?? this.#epochs.get(name) ?? -1)
    const memberId = name === 'admin' ? null : name
    const request = { groupId: 'g', memberId, memberEpoch, topics: null }
    const { errorCode, topics } = fetchOffsets(this.#bench.store, request, false)
    const shown = topics.flatMap(topic =>
      topic.partitions.map(
        ({ partitionIndex, committedOffset }) => `${topic.name}-${partitionIndex}=${committedOffset}`,
      ),
    )
    this.#out.push(`${name} <- ${errorName(errorCode)} ${shown.join(' ')}`.trimEnd())
  }

  #complete(name: string, work: Parameters<StreamsBench['turn']>[0]): void {
    for (const { response } of this.#bench.turn(work)) this.#out.push(`${name} <- ${codes(response).join(' ')}`)
  }

  #list(): void {
    for (const { id, kind, state } of this.#bench.store.groups.values()) this.#out.push(`${id} ${kind} ${state}`)
  }
}

/** Of each partition or group that was asked for. */
function codes(response: GroupResponse): string[] {
  const partitions = 'topics' in response ? (response.topics ?? []).flatMap(({ partitions }) => partitions ?? []) : []
  const results = 'results' in response ? (response.results ?? []) : []
  return [...partitions, ...results].map(({ errorCode }) => errorName(errorCode ?? 0))
}

function parseWords(words: string[]): Words {
  // A topology is plain, even where it asks for a number of partitions.
  const isNamed = (word: string) => /^[\w.-]+=/.test(word)
  const named = words.filter(isNamed).map(word => {
    const at = word.indexOf('=')
    return [word.slice(0, at), word.slice(at + 1)] as const
  })
  return { plain: words.filter(word => !isNamed(word)), named: new Map(named) }
}
