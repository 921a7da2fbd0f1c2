/**
 * Scenarios for the share coordinator's machine that a person can read. The files are in testdata/. A share partition is
 * called `g:t-0`: group, topic, partition; topic `t` has three partitions, `u` one.
 *
 *     initialize g:t-0 state=1 start=0        a line for the answer: `NONE`, or the error
 *     write g:t-0 leader=2 start=5 5-9:ack/1  and one for each record: `log 3 g:t-0 update start=5 5-9:ack/1`
 *     read g:t-0 leader=2     summary g:t-0     delete g:t-0
 *     advance 1000     cold     redundant     delete-topic t     restart
 */
import { errorName } from '@ottla/protocol'
import type { Effects, Instant } from '../../shard.ts'
import { ShareMachine } from '../machine.ts'
import { RecordType, type ShareRecord } from '../records.ts'
import type { SharePartitionId, ShareRequest, ShareResponse } from '../requests.ts'
import { shareSerde } from '../serde.ts'
import type { StateBatch } from '../state-batches.ts'

const START_MS = 1_000_000
const STATES = ['available', 'acquired', 'ack', 'archiving', 'archived']
const PARTITIONS: Readonly<Record<string, number>> = { t: 3, u: 1 }

interface Words {
  readonly plain: readonly string[]
  readonly named: ReadonlyMap<string, string>
}

export class Scenario {
  readonly #log: ShareRecord[] = []
  readonly #deletedTopics = new Set<string>()
  #updatesPerSnapshot = 3
  #machine: ShareMachine
  #elapsedMs = 0
  #out: string[] = []

  constructor() {
    this.#machine = this.#start(this.#log.length)
  }

  get log(): readonly ShareRecord[] {
    return this.#log
  }

  run(command: string): string {
    this.#out = []
    for (const line of command.split('\n')) this.#line(line)
    return this.#out.join('\n')
  }

  /** What could be read of these share partitions if the log ended after `count` records. */
  knowledgeAfter(count: number, ids: readonly SharePartitionId[]): unknown {
    return knowledge(this.#start(count), ids, this.#now)
  }

  knowledge(ids: readonly SharePartitionId[]): unknown {
    return knowledge(this.#machine, ids, this.#now)
  }

  readonly #commands: Readonly<Record<string, (id: string, words: Words) => void>> = {
    config: (_, words) => {
      this.#updatesPerSnapshot = number(words, 'updates')
      this.#machine = this.#start(this.#log.length)
    },
    initialize: (id, words) => {
      const request = { stateEpoch: number(words, 'state'), startOffset: number(words, 'start') }
      this.#call({ api: 'initialize', id: parseId(id), request })
    },
    read: (id, words) =>
      this.#call({ api: 'read', id: parseId(id), request: { leaderEpoch: number(words, 'leader') } }),
    write: (id, words) => this.#call({ api: 'write', id: parseId(id), request: writeOf(words) }),
    delete: id => this.#call({ api: 'delete', id: parseId(id), request: null }),
    summary: id => this.#print(showResponse(this.#machine.readSummary(parseId(id)))),
    redundant: () => this.#print(`before ${this.#machine.redundantOffset()}`),
    cold: () => this.#take(this.#machine.snapshotColdPartitions(this.#now)),
    advance: ms => {
      this.#elapsedMs += Number(ms)
    },
    'delete-topic': topic => {
      this.#deletedTopics.add(topic)
      this.#take(this.#machine.onTopicsDeleted([topic]))
    },
    restart: () => {
      this.#machine = this.#start(this.#log.length)
    },
  }

  #line(line: string): void {
    const [verb = '', ...rest] = line.split(/\s+/)
    const words = parseWords(rest)
    const command = this.#commands[verb]
    if (!command) throw new Error(`no command '${verb}'`)
    command(words.plain[0] ?? '', words)
  }

  get #now(): Instant {
    return { wallMs: START_MS + this.#elapsedMs, monotonicMs: this.#elapsedMs }
  }

  #start(count: number): ShareMachine {
    const machine = new ShareMachine({
      updatesPerSnapshot: this.#updatesPerSnapshot,
      coldSnapshotIntervalMs: 60_000,
      partitionCount: topicId => (this.#deletedTopics.has(topicId) ? undefined : PARTITIONS[topicId]),
      maxBatchBytes: () => 2000,
    })
    for (const [offset, record] of this.#log.slice(0, count).entries()) {
      machine.replay(record, { offset, producerId: -1, producerEpoch: -1 })
    }
    machine.onLoaded(this.#now, count)
    return machine
  }

  #call(call: ShareRequest): void {
    this.#take(this.#machine.handle(1, call, this.#now))
  }

  #take({ records, completions }: Effects<ShareResponse, ShareRecord>): void {
    for (const record of records) {
      this.#print(`log ${this.#log.length} ${showRecord(record)}`)
      this.#log.push(record)
    }
    for (const { response } of completions) this.#print(showResponse(response))
  }

  #print(line: string): void {
    this.#out.push(line)
  }
}

/** Names stand for ids here; over the wire they are ids, which the serde is tried with in crash.test.ts. */
export function parseId(name: string): SharePartitionId {
  const [, groupId = '', topicId = '', partition = ''] = /^(\w+):(\w+)-(-?\d+)$/.exec(name) ?? []
  return { groupId, topicId, partition: Number(partition) }
}

function parseWords(words: readonly string[]): Words {
  const isNamed = (word: string) => /^\w+=/.test(word)
  const named = words.filter(isNamed).map(word => word.split('=') as [string, string])
  return { plain: words.filter(word => !isNamed(word)), named: new Map(named) }
}

function number({ named }: Words, name: string): number {
  return Number(named.get(name) ?? -1)
}

function writeOf(words: Words) {
  return {
    stateEpoch: number(words, 'state'),
    leaderEpoch: number(words, 'leader'),
    startOffset: number(words, 'start'),
    deliveryCompleteCount: number(words, 'complete'),
    stateBatches: words.plain.slice(1).map(parseBatch),
  }
}

/** `5-9:ack/1` */
function parseBatch(text: string): StateBatch {
  const [, first, last, state, count] = /^(\d+)-(\d+):(\w+)\/(\d+)$/.exec(text)!
  return {
    firstOffset: Number(first),
    lastOffset: Number(last),
    deliveryState: STATES.indexOf(state!),
    deliveryCount: Number(count),
  }
}

function showBatches(batches: readonly StateBatch[]): string {
  return batches.map(b => ` ${b.firstOffset}-${b.lastOffset}:${STATES[b.deliveryState]}/${b.deliveryCount}`).join('')
}

function showRecord({ type, key, value }: ShareRecord): string {
  const name = `${key.groupId}:${key.topicId}-${key.partition}`
  if (!value) return `${name} none`
  const { snapshotEpoch, leaderEpoch, startOffset, deliveryCompleteCount, stateBatches } = value
  const common = `epoch=${snapshotEpoch} leader=${leaderEpoch} start=${startOffset} complete=${deliveryCompleteCount}`
  if (type === RecordType.SHARE_UPDATE) return `${name} update ${common}${showBatches(stateBatches)}`
  return `${name} snapshot ${common} state=${value.stateEpoch}${showBatches(stateBatches)}`
}

function showResponse(response: object): string {
  const { errorCode, errorMessage, partition: _, stateBatches = [], ...rest } = response as Record<string, unknown>
  if (errorCode !== 0) return `${errorName(errorCode as number)} ${errorMessage}`
  const fields = Object.entries(rest).map(([name, value]) => ` ${name}=${value}`)
  return `NONE${fields.join('')}${showBatches(stateBatches as StateBatch[])}`
}

/** Reads without a leader epoch change nothing. */
function knowledge(machine: ShareMachine, ids: readonly SharePartitionId[], now: Instant): unknown {
  return ids.map(id => {
    const { completions } = machine.handle(1, { api: 'read', id, request: { leaderEpoch: -1 } }, now)
    return { read: completions[0]!.response, summary: machine.readSummary(id) }
  })
}

/** As it comes back from the log. */
export function throughBytes(record: ShareRecord): ShareRecord {
  const { key, value } = shareSerde.encode(record)
  const decoded = shareSerde.decode(key, value)
  if (!('record' in decoded)) throw new Error('a record type that is not known')
  return decoded.record
}
