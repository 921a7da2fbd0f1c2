/**
 * Streams groups with all that they hang on in a test's hands: topics, time, configuration, and the log, through whose bytes
 * every record goes.
 */
import assert from 'node:assert/strict'
import type { Init } from '@ottla/protocol'
import type { StreamsGroupHeartbeatRequest } from '@ottla/protocol/messages/streams-group-heartbeat'
import type { GroupConfig as OwnConfig } from '../../../../config/index.ts'
import { EMPTY_IMAGE, type MetadataImage } from '../../../../image/index.ts'
import { GroupStore } from '../../group-store.ts'
import { kindOf } from '../../kinds.ts'
import type { GroupRecord } from '../../records.ts'
import { applyRecord } from '../../replay.ts'
import { groupSerde } from '../../serde.ts'
import { imageWith, type TopicOf } from '../../testing/image.ts'
import { OWN_CONFIG, TEST_CONFIG } from '../../testing/scenario.ts'
import { Turn } from '../../turn.ts'
import { streamsGroupHeartbeat } from '../heartbeat.ts'
import { streamsGroup } from '../membership.ts'
import type { StreamsHeartbeatAnswer } from '../requests.ts'
import type { StreamsGroup } from '../streams-group.ts'
import { epochTaskIds, taskIds } from '../tasks.ts'

const START_MS = 1_000_000

export type BenchConfig = {
  -readonly [Key in keyof OwnConfig & `streams${string}`]: OwnConfig[Key]
} & { streamsMaxSize: number }

export interface LogEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

export class StreamsBench {
  readonly config: BenchConfig
  readonly log: LogEntry[] = []
  /** Every record that was written since it was last emptied. */
  readonly records: GroupRecord[] = []
  elapsedMs = 0
  store: GroupStore
  #image: MetadataImage = EMPTY_IMAGE
  #requests = 0

  constructor(config: Partial<BenchConfig> = {}) {
    this.config = {
      ...OWN_CONFIG,
      streamsMaxSize: 100,
      streamsInitialRebalanceDelayMs: 0,
      streamsAssignmentIntervalMs: 0,
      ...config,
    }
    this.store = this.#newStore()
  }

  get image(): MetadataImage {
    return this.#image
  }

  /** All that there are now. */
  setTopics(topics: TopicOf): void {
    this.#image = imageWith(topics)
    const names = new Set([...Object.keys(topics), 'whatever has gone'])
    for (const group of this.store.groups.values()) {
      const required = group.kind === 'streams' ? (group as StreamsGroup).topology?.requiredTopics : undefined
      this.turn(turn => kindOf(group).onTopicsChanged(turn, group, new Set([...names, ...(required ?? [])])))
    }
  }

  /** The request as it is decoded, with what it leaves out. */
  heartbeat(request: Init<typeof StreamsGroupHeartbeatRequest>, clientId = 'client'): StreamsHeartbeatAnswer {
    const whole = {
      groupId: 'g',
      memberId: '',
      memberEpoch: 0,
      endpointInformationEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: -1,
      topology: null,
      activeTasks: null,
      standbyTasks: null,
      warmupTasks: null,
      processId: null,
      userEndpoint: null,
      clientTags: null,
      taskOffsets: null,
      taskEndOffsets: null,
      shutdownApplication: false,
      ...request,
    } as StreamsGroupHeartbeatRequest
    const caller = { apiVersion: 0, clientId, clientHost: '/127.0.0.1' }
    const requestId = this.#requests++
    const completions = this.turn(turn => streamsGroupHeartbeat(turn, requestId, whole, caller))
    assert.equal(completions.length, 1)
    assert.equal(completions[0]!.requestId, requestId)
    return completions[0]!.response as StreamsHeartbeatAnswer
  }

  group(id = 'g'): StreamsGroup | undefined {
    return streamsGroup(this.store, id)
  }

  turn(work: (turn: Turn) => void) {
    const turn = new Turn(this.store, this.#now)
    work(turn)
    const { records, completions } = turn.effects(true)
    for (const record of records) {
      this.log.push(groupSerde.encode(record))
      this.records.push(record)
    }
    return completions
  }

  advance(ms: number): void {
    const untilMs = this.elapsedMs + ms
    const { timers } = this.store
    for (let next = timers.nextDeadlineMs(); next <= untilMs; next = timers.nextDeadlineMs()) {
      this.elapsedMs = Math.max(next, this.elapsedMs)
      this.turn(turn => timers.fireDue(this.elapsedMs, turn))
    }
    this.elapsedMs = untilMs
  }

  /** What is in memory is lost; the log comes back, or the first records of it. */
  restart(records = this.log.length): void {
    this.log.length = records
    this.store = this.replayed()
    for (const group of this.store.groups.values()) this.turn(turn => kindOf(group).onLoaded(turn, group))
  }

  replayed(): GroupStore {
    const store = this.#newStore()
    for (const [offset, { key, value }] of this.log.entries()) {
      const decoded = groupSerde.decode(key, value)
      assert.ok('record' in decoded)
      store.apply(decoded.record, { offset, producerId: -1, producerEpoch: -1 })
      store.nextOffset = offset + 1
    }
    return store
  }

  /** A store made from the log knows all that this one does. */
  checkLog(): void {
    assert.deepEqual(stateOf(this.replayed()), stateOf(this.store))
  }

  get #now() {
    return { wallMs: START_MS + this.elapsedMs, monotonicMs: this.elapsedMs }
  }

  #newStore(): GroupStore {
    const { config } = this
    return new GroupStore(
      {
        config: {
          ...TEST_CONFIG,
          get streamsMaxSize() {
            return config.streamsMaxSize
          },
        },
        configOf: () => ({ ...OWN_CONFIG, ...config }),
        image: () => this.#image,
        newUuid: () => 'uuid',
        maxBatchBytes: () => 1_000_000,
        log: { info() {} },
      },
      applyRecord,
    )
  }
}

/** Of all streams groups, all that comes from records. */
export function stateOf(store: GroupStore) {
  const groups = [...store.groups.values()].filter(group => group.kind === 'streams') as StreamsGroup[]
  return groups.sort(byId).map(group => ({
    id: group.id,
    state: group.state,
    epoch: group.epoch,
    metadataHash: group.metadataHash,
    validatedTopologyEpoch: group.validatedTopologyEpoch,
    assignmentConfigs: [...group.assignmentConfigs],
    topology: group.topology?.value,
    assignmentEpoch: group.assignmentEpoch,
    assignmentTimestampMs: group.assignmentTimestampMs,
    members: [...group.members.values()].sort(byId).map(({ assigned, pendingRevocation, clientTags, ...rest }) => ({
      ...rest,
      clientTags: [...clientTags],
      assigned: [epochTaskIds(assigned.active), taskIds(assigned.standby), taskIds(assigned.warmup)],
      revoking: [epochTaskIds(pendingRevocation.active), taskIds(pendingRevocation.standby)],
      target: Object.values(group.targetOf(rest.id)).map(taskIds),
      owners: ownersOf(group, rest.processId),
    })),
    targets: [...group.targets.keys()].sort(),
  }))
}

function ownersOf(group: StreamsGroup, processId: string) {
  return group.topology?.subtopologies.flatMap(({ subtopologyId }) =>
    Array.from({ length: 8 }, (_, partition) => [
      group.owners.activeOwner(subtopologyId, partition),
      group.owners.hasCopy(processId, subtopologyId, partition),
    ]),
  )
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1
}
