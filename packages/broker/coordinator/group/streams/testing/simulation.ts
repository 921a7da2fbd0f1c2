/**
 * A few members of one streams group that do what members do, in any order, while topics come, go and grow; and what must
 * hold whatever they do. A member here is a client that obeys: it has what it was told, and gives up what it was not told
 * again, sooner or later.
 */
import assert from 'node:assert/strict'
import { ErrorCode } from '@ottla/protocol'
import type { StreamsHeartbeatAnswer } from '../requests.ts'
import { type LogEntry, StreamsBench } from './bench.ts'
import { parseTopology } from './topologies.ts'

export const MEMBERS = 5
/** Some share a process. */
const PROCESSES = 3
const SESSION_MS = 20_000
const REBALANCE_MS = 10_000
const TOPOLOGY = parseTopology('0:in,more>rep 1:~rep+log')

export type Step =
  | {
      readonly do: 'join' | 'beat' | 'silent beat' | 'lost answer' | 'revoke' | 'leave' | 'crash'
      readonly member: number
    }
  | { readonly do: 'topics'; readonly inPartitions: number; readonly isInternalThere: boolean }
  | { readonly do: 'standby'; readonly replicas: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'restart' }

class Client {
  readonly id: string
  readonly processId: string
  /** 0: it is no member, as far as it knows. */
  epoch = 0
  active = new Set<string>()
  standby = new Set<string>()
  /** What it is still busy with, though it was told to give it up. */
  closing = new Set<string>()

  constructor(index: number) {
    this.id = `m${index}`
    this.processId = `p${index % PROCESSES}`
  }

  forget(): void {
    this.epoch = 0
    for (const tasks of [this.active, this.standby, this.closing]) tasks.clear()
  }
}

export class StreamsSimulation {
  readonly bench = new StreamsBench({
    streamsSessionTimeoutMs: SESSION_MS,
    streamsInitialRebalanceDelayMs: 3000,
    streamsAssignmentIntervalMs: 1000,
  })
  readonly #clients = Array.from({ length: MEMBERS }, (_, i) => new Client(i))
  #epoch = 0

  /** `log`: what there is of a group before, and how late it is. */
  constructor(log: readonly LogEntry[] = [], elapsedMs = 0) {
    this.bench.log.push(...log)
    this.bench.elapsedMs = elapsedMs
    this.#setTopics(4, true)
    this.bench.restart()
  }

  step(step: Step): void {
    switch (step.do) {
      case 'topics':
        this.#setTopics(step.inPartitions, step.isInternalThere)
        break
      case 'standby':
        this.bench.config.streamsNumStandbyReplicas = step.replicas
        break
      case 'advance':
        this.bench.advance(step.ms)
        break
      case 'restart':
        this.bench.restart()
        break
      default:
        this.#act(step.do, this.#clients[step.member]!)
    }
    this.#check()
  }

  checkLog(): void {
    this.bench.checkLog()
  }

  // ------------------------------------------------------------------------------------------------------- members

  #act(what: Extract<Step, { member: number }>['do'], client: Client): void {
    switch (what) {
      case 'join':
        client.forget()
        this.#take(client, this.#join(client))
        break
      case 'beat':
        if (client.epoch > 0) this.#take(client, this.#beat(client, true))
        break
      case 'silent beat':
        if (client.epoch > 0) this.#take(client, this.#beat(client, false))
        break
      case 'lost answer':
        // It goes on as if it had not been heard.
        if (client.epoch > 0) this.#beat(client, true)
        break
      case 'revoke':
        client.closing.clear()
        break
      case 'leave':
        if (client.epoch > 0) this.bench.heartbeat({ memberId: client.id, memberEpoch: -1 })
        client.forget()
        break
      case 'crash':
        client.forget()
    }
  }

  #join({ id, processId }: Client): StreamsHeartbeatAnswer {
    return this.bench.heartbeat({
      memberId: id,
      processId,
      rebalanceTimeoutMs: REBALANCE_MS,
      topology: TOPOLOGY,
      activeTasks: [],
      standbyTasks: [],
      warmupTasks: [],
    })
  }

  #beat(client: Client, saysWhatItHas: boolean): StreamsHeartbeatAnswer {
    const owned = {
      activeTasks: taskIds(new Set([...client.active, ...client.closing])),
      standbyTasks: taskIds(client.standby),
      warmupTasks: [],
    }
    const { id: memberId, epoch: memberEpoch } = client
    return this.bench.heartbeat({ memberId, memberEpoch, ...(saysWhatItHas ? owned : {}) })
  }

  #take(client: Client, answer: StreamsHeartbeatAnswer): void {
    const { errorCode, memberEpoch = 0, activeTasks, standbyTasks } = answer
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.FENCED_MEMBER_EPOCH) client.forget()
    // It says that it has tasks that the topology has no more: real clients are told before, but this one has lost it.
    if (errorCode === ErrorCode.INVALID_REQUEST || errorCode === ErrorCode.GROUP_ID_NOT_FOUND) client.forget()
    if (errorCode !== ErrorCode.NONE) return
    client.epoch = memberEpoch
    if (!activeTasks || !standbyTasks) return
    const active = names(activeTasks as TaskList)
    for (const task of client.active) if (!active.has(task)) client.closing.add(task)
    for (const task of active) client.closing.delete(task)
    client.active = active
    client.standby = names(standbyTasks as TaskList)
  }

  #setTopics(inPartitions: number, isInternalThere: boolean): void {
    const topics = { in: inPartitions, more: 2, rep: 0, log: 0 }
    if (isInternalThere) topics.rep = topics.log = Math.max(inPartitions, 2)
    this.bench.setTopics(Object.fromEntries(Object.entries(topics).filter(([, count]) => count > 0)))
  }

  // -------------------------------------------------------------------------------------------------------- checks

  #check(): void {
    const group = this.bench.group()
    if (!group) return
    assert.ok(group.epoch >= this.#epoch, `epoch ${group.epoch} after ${this.#epoch}`)
    this.#epoch = group.epoch
    assert.ok(group.assignmentEpoch <= group.epoch)
    const owners = new Map<string, string>()
    const inProcess = new Set<string>()
    for (const member of group.members.values()) {
      assert.ok(member.epoch <= group.assignmentEpoch, `${member.id} is ahead`)
      for (const { active, standby } of [member.assigned, member.pendingRevocation]) {
        for (const task of tasksOf(active)) {
          assert.equal(owners.get(task), undefined, `${task} is with two`)
          owners.set(task, member.id)
        }
        for (const task of [...tasksOf(active), ...tasksOf(standby)]) {
          const key = `${member.processId} ${task}`
          assert.ok(!inProcess.has(key), `${task} is twice in ${member.processId}`)
          inProcess.add(key)
        }
      }
    }
    this.#checkClients()
  }

  /** What clients do, not what is known of them: nobody works on a task that another works on. */
  #checkClients(): void {
    const members = this.bench.group()?.members
    const workers = new Map<string, string>()
    for (const client of this.#clients) {
      // One that is no member any more will learn it, and it may not commit.
      if (!members?.has(client.id) || members.get(client.id)!.epoch < client.epoch) continue
      for (const task of client.active) {
        assert.equal(workers.get(task), undefined, `${task} is worked on by ${workers.get(task)} and ${client.id}`)
        workers.set(task, client.id)
      }
    }
  }

  /** Whoever is there behaves: all tasks are assigned, and as many copies as there can be. */
  settle(): void {
    this.#setTopics(4, true)
    for (const client of this.#clients.slice(0, 3)) {
      if (!this.bench.group()?.members.has(client.id)) this.#act('join', client)
    }
    for (let i = 0; i < 30; i++) {
      for (const client of this.#clients) {
        client.closing.clear()
        if (!this.bench.group()!.members.has(client.id)) client.forget()
        else if (client.epoch === 0) this.#act('join', client)
        else this.#act('beat', client)
        this.#check()
      }
      this.bench.advance(1000)
    }
    const group = this.bench.group()!
    assert.equal(group.state, 'Stable')
    const active = [...group.members.values()].flatMap(({ assigned }) => [...tasksOf(assigned.active)])
    assert.deepEqual(active.sort(), ['0_0', '0_1', '0_2', '0_3', '1_0', '1_1', '1_2', '1_3'])
    const processes = new Set([...group.members.values()].map(({ processId }) => processId)).size
    const copies = [...group.members.values()].flatMap(({ assigned }) => [...tasksOf(assigned.standby)])
    const { streamsNumStandbyReplicas } = this.bench.config
    assert.equal(copies.length, 4 * Math.min(streamsNumStandbyReplicas, processes - 1))
    assert.ok(copies.every(task => task.startsWith('1_')))
    for (const client of this.#clients) {
      const member = group.members.get(client.id)
      if (member) assert.deepEqual([...client.active].sort(), [...tasksOf(member.assigned.active)].sort())
    }
  }
}

type TaskList = readonly { readonly subtopologyId: string; readonly partitions: readonly number[] }[]

function names(tasks: TaskList): Set<string> {
  return new Set(tasks.flatMap(({ subtopologyId, partitions }) => partitions.map(p => `${subtopologyId}_${p}`)))
}

function* tasksOf(tasks: ReadonlyMap<string, { keys(): Iterable<number> }>): Iterable<string> {
  for (const [subtopologyId, partitions] of tasks) {
    for (const partition of partitions.keys()) yield `${subtopologyId}_${partition}`
  }
}

function taskIds(tasks: ReadonlySet<string>) {
  const bySubtopology = new Map<string, number[]>()
  for (const task of tasks) {
    const [subtopologyId = '', partition = ''] = task.split('_')
    bySubtopology.set(subtopologyId, [...(bySubtopology.get(subtopologyId) ?? []), Number(partition)])
  }
  return [...bySubtopology].map(([subtopologyId, partitions]) => ({ subtopologyId, partitions }))
}
