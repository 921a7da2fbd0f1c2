/**
 * Transcripts of the transaction machine: producers ask by name, answers, records and errands are one line each.
 *
 *     init t                      InitProducerId; `timeout=`, `as=1/0` what it says to have, `as=own`
 *     add t a-0 a-1               partitions join; `v=0` of the client, `as=1/0`
 *     verify t a-0
 *     end t commit                or abort; `v=0`, `as=1/0`
 *     written t a-0               markers are; without partitions all of the last errand
 *     given t Empty 7/32766       a record that is in the log; then the machine is loaded anew
 *     list, describe t, advance MS, restart, version N, ids N (that are at hand), config max-batch=N
 */
import { errorName } from '@ottla/protocol'
import type { Instant } from '../../shard.ts'
import { TransactionMachine } from '../machine.ts'
import { type TransactionRecord, transactionRecord } from '../records.ts'
import type { MarkerErrand, ProducerIdAndEpoch, TransactionRequest, TransactionResponse } from '../requests.ts'
import { transactionSerde } from '../serde.ts'
import {
  newTransaction,
  type TopicPartitions,
  TRANSACTION_STATES,
  type TransactionState,
  topicPartitions,
} from '../transaction.ts'
import type { TransactionEffects } from '../turn.ts'

export const TEST_CONFIG = { idExpirationMs: 600_000, abortCheckIntervalMs: 10_000, expiryCheckIntervalMs: 100_000 }
const START_MS = 1_000_000

interface Words {
  readonly plain: readonly string[]
  readonly named: ReadonlyMap<string, string>
}

export class Scenario {
  readonly #producers = new Map<string, ProducerIdAndEpoch>()
  readonly #errands = new Map<string, MarkerErrand>()
  readonly #log: { readonly key: Uint8Array; readonly value: Uint8Array | null }[] = []
  #machine: TransactionMachine
  #version = 2
  #nextProducerId = 1
  #idsAtHand = Number.POSITIVE_INFINITY
  #maxBatchBytes = 1_000_000
  #elapsedMs = 0
  #out: string[] = []

  constructor() {
    this.#machine = this.#create()
  }

  run(command: string): string {
    this.#out = []
    for (const line of command.split('\n')) this.#line(line)
    return this.#out.join('\n')
  }

  #line(line: string): void {
    const [verb = '', ...rest] = line.split(/\s+/)
    const command = this.#commands[verb]
    if (!command) throw new Error(`no command '${verb}'`)
    command({
      plain: rest.filter(word => !word.includes('=')),
      named: new Map(rest.filter(word => word.includes('=')).map(word => word.split('=') as [string, string])),
    })
  }

  readonly #commands: Readonly<Record<string, (words: Words) => void>> = {
    init: words => this.#init(words),
    add: words => this.#add(words),
    verify: words => this.#verify(words),
    end: words => this.#end(words),
    written: words => this.#written(words),
    given: words => this.#given(words),
    list: ({ named }) => this.#list(named),
    describe: ({ plain: [id = ''] }) => this.#describe(id),
    advance: ({ plain: [ms] }) => this.#advance(Number(ms)),
    restart: () => this.#restart(),
    version: ({ plain: [level] }) => {
      this.#version = Number(level)
    },
    ids: ({ plain: [count] }) => {
      this.#idsAtHand = Number(count)
    },
    config: ({ named }) => {
      this.#maxBatchBytes = Number(named.get('max-batch'))
    },
  }

  // ------------------------------------------------------------------------------------------------------- commands

  #init({ plain: [id = ''], named }: Words): void {
    const expected = named.has('as') ? this.#producer(id, named) : null
    const request = { transactionalId: id, timeoutMs: Number(named.get('timeout') ?? 60_000), expected }
    this.#call(id, { api: 'initProducerId', request })
  }

  #add({ plain: [id = '', ...names], named }: Words): void {
    const transactionVersion = Number(named.get('v') ?? 2)
    const producer = this.#producer(id, named)
    const request = { transactionalId: id, ...producer, partitions: parse(names), transactionVersion }
    this.#call(id, { api: 'addPartitions', request })
  }

  #verify({ plain: [id = '', ...names], named }: Words): void {
    const call = { transactionalId: id, ...this.#producer(id, named), partitions: parse(names) }
    const errorCode = this.#machine.verifyPartitions(call)
    const answers = names.map(name => {
      const { topic, partition } = split(name)
      return `${name}=${errorName(errorCode(topic, partition))}`
    })
    this.#print(`${id} <- ${answers.join(' ')}`)
  }

  #end({ plain: [id = '', result], named }: Words): void {
    const transactionVersion = Number(named.get('v') ?? 2)
    const producer = this.#producer(id, named)
    const request = { transactionalId: id, ...producer, isCommit: result === 'commit', transactionVersion }
    this.#call(id, { api: 'endTransaction', request })
  }

  #written({ plain: [id = '', ...names], named }: Words): void {
    const { producerId, producerEpoch, partitions } = this.#errands.get(id)!
    const producer = named.has('as') ? this.#producer(id, named) : { producerId, producerEpoch }
    const written = names.length > 0 ? parse(names) : partitions
    const request = { transactionalId: id, ...producer, partitions: written }
    this.#take(id, this.#machine.handle(0, { api: 'markersWritten', request }, this.#now), false)
  }

  #given({ plain: [id = '', state = '', producer = '', ...names], named }: Words): void {
    const { producerId, producerEpoch } = idAndEpoch(producer)
    const transaction = {
      ...newTransaction(id, producerId),
      state: state as TransactionState,
      producerEpoch,
      previousProducerId: producerId,
      timeoutMs: 60_000,
      partitions: parse(names),
      startMs: state === 'Empty' ? -1 : START_MS,
      lastUpdateMs: START_MS,
      clientTransactionVersion: Number(named.get('v') ?? 2),
    }
    this.#log.push(transactionSerde.encode(transactionRecord(transaction, 1)))
    this.#producers.set(id, { producerId, producerEpoch })
    this.#restart()
  }

  #list(named: Words['named']): void {
    const match = named.get('match')
    const filter = {
      states: named.has('states') ? new Set(named.get('states')!.split(',') as TransactionState[]) : null,
      producerIds: named.has('ids') ? new Set(named.get('ids')!.split(',').map(Number)) : null,
      durationMs: Number(named.get('duration') ?? -1),
      matchesId: match === undefined ? null : (id: string) => id.startsWith(match),
    }
    const listed = this.#machine.listTransactions(filter, this.#now.wallMs)
    for (const { transactionalId, producerId, transactionState } of listed)
      this.#print(`list ${transactionalId} ${producerId} ${transactionState}`)
  }

  #describe(id: string): void {
    const described = this.#machine.describeTransaction(id)
    if (described.errorCode) {
      this.#print(`describe ${id} ${errorName(described.errorCode)}`)
      return
    }
    const { transactionState, producerId, producerEpoch, transactionTimeoutMs, transactionStartTimeMs } = described
    const start = transactionStartTimeMs < 0 ? 'never' : transactionStartTimeMs - START_MS
    const partitions = topicPartitions(described.topics.map(({ topic, partitions }) => ({ name: topic, partitions })))
    const parts = [`describe ${id} ${transactionState} ${producerId}/${producerEpoch}`]
    parts.push(`timeout=${transactionTimeoutMs} start=${start} [${show(partitions)}]`)
    this.#print(parts.join(' '))
  }

  // ----------------------------------------------------------------------------------------------------- the machine

  get #now(): Instant {
    return { wallMs: START_MS + this.#elapsedMs, monotonicMs: this.#elapsedMs }
  }

  #advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms
    for (let next = this.#machine.nextDeadlineMs(); next <= untilMs; next = this.#machine.nextDeadlineMs()) {
      this.#elapsedMs = Math.max(next, this.#elapsedMs)
      const before = this.#out.length
      this.#take('', this.#machine.expire(this.#now), false)
      for (let i = before; i < this.#out.length; i++) this.#out[i] = `+${this.#elapsedMs} ${this.#out[i]}`
    }
    this.#elapsedMs = untilMs
  }

  /** Everything in memory is lost; what is in the log comes back, as bytes. */
  #restart(): void {
    const machine = this.#create()
    for (const { key, value } of this.#log) {
      const decoded = transactionSerde.decode(key, value)
      if ('record' in decoded) machine.replay(decoded.record)
    }
    this.#machine = machine
    this.#take('', machine.onLoaded(this.#now), false)
  }

  #create(): TransactionMachine {
    return new TransactionMachine({
      config: TEST_CONFIG,
      transactionVersion: () => this.#version,
      takeProducerId: () => (this.#idsAtHand-- > 0 ? this.#nextProducerId++ : null),
      maxBatchBytes: () => this.#maxBatchBytes,
      log: { info() {} },
    })
  }

  #call(id: string, call: TransactionRequest): void {
    this.#take(id, this.#machine.handle(1, call, this.#now), true)
  }

  #take(id: string, { records, completions, errands = [] }: TransactionEffects, isShown: boolean): void {
    for (const record of records) {
      this.#log.push(transactionSerde.encode(record))
      this.#print(showRecord(record))
    }
    for (const errand of errands) {
      this.#errands.set(errand.transactionalId, errand)
      this.#print(showErrand(errand))
    }
    for (const { response } of isShown ? completions : []) this.#answer(id, response)
  }

  #answer(id: string, response: TransactionResponse): void {
    const hasProducer = 'producerId' in response && response.producerId >= 0
    if (hasProducer) this.#producers.set(id, response)
    const producer = hasProducer ? ` ${response.producerId}/${response.producerEpoch}` : ''
    this.#print(`${id} <- ${errorName(response.errorCode)}${producer}`)
  }

  #producer(id: string, named: Words['named']): ProducerIdAndEpoch {
    const as = named.get('as') ?? 'own'
    if (as !== 'own') return idAndEpoch(as)
    const { producerId, producerEpoch } = this.#producers.get(id) ?? { producerId: 0, producerEpoch: 0 }
    return { producerId, producerEpoch }
  }

  #print(line: string): void {
    this.#out.push(line)
  }
}

function showErrand(errand: MarkerErrand): string {
  const { transactionalId, isCommit, producerId, producerEpoch, transactionVersion, partitions } = errand
  const what = `${isCommit ? 'commit' : 'abort'} ${producerId}/${producerEpoch} v${transactionVersion}`
  return `markers ${transactionalId} ${what} [${show(partitions)}]`
}

function showRecord({ transactionalId, value, version }: TransactionRecord): string {
  if (!value) return `log ${transactionalId} none`
  const { producerId, producerEpoch, previousProducerId, nextProducerId, transactionStatus } = value
  const parts = [`log ${transactionalId} ${TRANSACTION_STATES[transactionStatus]} ${producerId}/${producerEpoch}`]
  if (version !== 1) parts.push(`version=${version}`)
  else if (previousProducerId !== producerId) parts.push(`previous=${previousProducerId}`)
  if (nextProducerId !== -1) parts.push(`next=${nextProducerId}`)
  const topics = value.transactionPartitions?.map(({ topic, partitionIds }) => ({
    name: topic,
    partitions: partitionIds,
  }))
  if (topics) parts.push(`[${show(topicPartitions(topics))}]`)
  return parts.join(' ')
}

function show(partitions: TopicPartitions): string {
  return [...partitions].flatMap(([topic, ids]) => [...ids].map(id => `${topic}-${id}`)).join(' ')
}

function idAndEpoch(text: string): ProducerIdAndEpoch {
  const [producerId = 0, producerEpoch = 0] = text.split('/').map(Number)
  return { producerId, producerEpoch }
}

function split(text: string): { topic: string; partition: number } {
  const at = text.lastIndexOf('-')
  return { topic: text.slice(0, at), partition: Number(text.slice(at + 1)) }
}

function parse(names: readonly string[]): TopicPartitions {
  return topicPartitions(names.map(split).map(({ topic, partition }) => ({ name: topic, partitions: [partition] })))
}
