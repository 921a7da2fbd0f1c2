/**
 * A few producers that do what producers do, in any order, against one transaction machine; partitions that take their
 * writes and markers by the rules of a log; and what must hold whatever they do. Every record goes through bytes into a
 * log of its own, from which a second machine can be made at any time.
 *
 * What holds: whoever was told that a transaction is committed finds all its writes committed, and nothing of it aborted;
 * no partition is left with an open transaction when all markers have been written; epochs never go back; nobody but the
 * producer that was initialized last gets anything into a transaction.
 */
import assert from 'node:assert/strict'
import { ErrorCode } from '@ottla/protocol'
import { TransactionMachine } from '../machine.ts'
import { transactionRecord } from '../records.ts'
import type { MarkerErrand, ProducerAnswer, ProducerIdAndEpoch, TransactionRequest } from '../requests.ts'
import { transactionSerde } from '../serde.ts'
import { isDecided, MAX_EPOCH, TRANSACTION_STATES, topicPartitions } from '../transaction.ts'
import type { TransactionEffects } from '../turn.ts'
import { TEST_CONFIG } from './scenario.ts'

export const IDS = ['a', 'b'] as const
/** As many as can fence one another, on each id. */
export const PRODUCERS = 4
const TOPIC = 't'
const TIMEOUT_MS = 30_000

export type Step =
  | { readonly do: 'init' | 'go on' | 'end again'; readonly producer: number }
  | { readonly do: 'write'; readonly producer: number; readonly partition: number }
  | { readonly do: 'end'; readonly producer: number; readonly isCommit: boolean }
  | { readonly do: 'mark'; readonly errand: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'restart' }
  | { readonly do: 'use up epochs'; readonly id: number }

interface Ended extends ProducerIdAndEpoch {
  readonly isCommit: boolean
  readonly writes: readonly number[]
}

class Producer {
  readonly id: string
  me: ProducerIdAndEpoch = { producerId: -1, producerEpoch: -1 }
  /** Of the transaction that it believes to be in. */
  writes: number[] = []
  lastEnd: Ended | null = null

  constructor(index: number) {
    this.id = IDS[index % IDS.length]!
  }
}

/** What a partition's log knows of one producer id. */
interface Entry {
  epoch: number
  /** Writes that are not decided. */
  open: number[]
}

class Partition {
  readonly #entries = new Map<number, Entry>()
  readonly committed = new Set<number>()
  readonly aborted = new Set<number>()

  write({ producerId, producerEpoch }: ProducerIdAndEpoch, write: number): boolean {
    const entry = this.#entries.get(producerId) ?? { epoch: producerEpoch, open: [] }
    if (producerEpoch < entry.epoch) return false
    // An epoch's transaction has to be closed before the next begins.
    assert.ok(entry.open.length === 0 || entry.epoch === producerEpoch, 'a write into the transaction of another epoch')
    entry.epoch = producerEpoch
    entry.open.push(write)
    this.#entries.set(producerId, entry)
    return true
  }

  mark({ producerId, producerEpoch, isCommit, transactionVersion }: MarkerErrand): boolean {
    const entry = this.#entries.get(producerId) ?? { epoch: -1, open: [] }
    const bumps = transactionVersion >= 2
    const isRetry = producerEpoch === entry.epoch && entry.open.length === 0
    if (bumps ? producerEpoch <= entry.epoch && !isRetry : producerEpoch < entry.epoch) return false
    for (const write of entry.open) (isCommit ? this.committed : this.aborted).add(write)
    this.#entries.set(producerId, { epoch: producerEpoch, open: [] })
    return true
  }

  get hasOpen(): boolean {
    return [...this.#entries.values()].some(({ open }) => open.length > 0)
  }
}

export class Simulation {
  readonly #version: number
  readonly #producers = Array.from({ length: PRODUCERS }, (_, i) => new Producer(i))
  readonly #partitions = Array.from({ length: 4 }, () => new Partition())
  readonly #log: { readonly key: Uint8Array; readonly value: Uint8Array | null }[] = []
  /** To be written: one a partition. */
  #errands: { readonly errand: MarkerErrand; readonly partition: number }[] = []
  readonly #acknowledged: Ended[] = []
  /** producer id → the highest epoch that anybody was given. */
  readonly #epochs = new Map<number, number>()
  #machine: TransactionMachine
  #elapsedMs = 0
  #writes = 0
  #nextProducerId = 1

  constructor(transactionVersion: number) {
    this.#version = transactionVersion
    this.#machine = this.#replayed()
  }

  step(step: Step): void {
    switch (step.do) {
      case 'advance':
        this.#advance(step.ms)
        break
      case 'restart':
        this.#restart()
        break
      case 'mark':
        this.#mark(step.errand)
        break
      case 'use up epochs':
        this.#useUp(IDS[step.id]!)
        break
      case 'write':
        this.#write(this.#producers[step.producer]!, step.partition)
        break
      case 'end':
        this.#end(this.#producers[step.producer]!, step.isCommit)
        break
      default:
        this.#act(step.do, this.#producers[step.producer]!)
    }
  }

  /** Everything is decided and written: what was acknowledged is so, and nothing is open. */
  finish(): void {
    this.checkLog()
    // Whoever comes back after all have gone: what is open is aborted.
    for (const id of IDS) {
      for (let i = 0; i < 3; i++) {
        this.#call({ api: 'initProducerId', request: { transactionalId: id, timeoutMs: TIMEOUT_MS, expected: null } })
        this.#markAll()
      }
    }
    this.checkLog()
    for (const [i, partition] of this.#partitions.entries())
      assert.equal(partition.hasOpen, false, `partition ${i} hangs`)
    const committed = new Set(this.#partitions.flatMap(partition => [...partition.committed]))
    const aborted = new Set(this.#partitions.flatMap(partition => [...partition.aborted]))
    for (const { isCommit, writes } of this.#acknowledged) {
      for (const write of writes) {
        assert.equal(committed.has(write), isCommit, `write ${write} of a transaction that was ended`)
        assert.equal(aborted.has(write), !isCommit, `write ${write} of a transaction that was ended`)
      }
    }
  }

  /** A machine made from the log knows the same, but for what the log does not say. */
  checkLog(): void {
    const known = (machine: TransactionMachine) =>
      new Map(
        machine.transactions().map(transaction => [
          transaction.transactionalId,
          // Which partitions have their marker is not written down, nor which epoch a producer had before; in version 0
          // nor which id.
          {
            ...transaction,
            lastProducerEpoch: 0,
            previousProducerId: this.#version === 0 ? 0 : transaction.previousProducerId,
            partitions: isDecided(transaction) ? null : transaction.partitions,
          },
        ]),
      )
    assert.deepEqual(known(this.#replayed()), known(this.#machine))
    for (const state of TRANSACTION_STATES) {
      const count = this.#machine.transactions().filter(transaction => transaction.state === state).length
      assert.equal(this.#machine.counts.get(state) ?? 0, count, state)
    }
  }

  // ----------------------------------------------------------------------------------------------------- producers

  #act(what: 'init' | 'go on' | 'end again', producer: Producer): void {
    const { id, me, lastEnd } = producer
    if (what === 'end again') {
      if (!lastEnd || this.#version < 2) return
      const { producerId, producerEpoch, isCommit } = lastEnd
      const request = { transactionalId: id, producerId, producerEpoch, isCommit, transactionVersion: 2 }
      const { errorCode } = this.#call({ api: 'endTransaction', request }) as ProducerAnswer
      // Too late, or as it was; never the other way round.
      if (errorCode === ErrorCode.NONE) this.#acknowledged.push(lastEnd)
      return
    }
    const expected = what === 'go on' && me.producerId >= 0 ? me : null
    const call: TransactionRequest = {
      api: 'initProducerId',
      request: { transactionalId: id, timeoutMs: TIMEOUT_MS, expected },
    }
    const answer = this.#call(call) as ProducerAnswer
    if (answer.errorCode !== ErrorCode.NONE) return
    producer.writes = []
    this.#become(producer, answer)
  }

  #become(producer: Producer, { producerId, producerEpoch }: ProducerIdAndEpoch): void {
    assert.ok(producerEpoch < MAX_EPOCH, 'nobody gets the largest epoch')
    const before = this.#epochs.get(producerId) ?? -1
    assert.ok(producerEpoch >= before, `epoch ${producerEpoch} after ${before}`)
    this.#epochs.set(producerId, producerEpoch)
    producer.me = { producerId, producerEpoch }
  }

  /** As a leader does it: the partition is in the transaction, or nothing is written. */
  #write(producer: Producer, partition: number): void {
    if (producer.me.producerId < 0) return
    const partitions = topicPartitions([{ name: TOPIC, partitions: [partition] }])
    const request = { transactionalId: producer.id, ...producer.me, partitions, transactionVersion: this.#version }
    const { errorCode } = this.#call({ api: 'addPartitions', request })
    if (errorCode !== ErrorCode.NONE) return
    const write = this.#writes++
    if (this.#partitions[partition]!.write(producer.me, write)) producer.writes.push(write)
  }

  #end(producer: Producer, isCommit: boolean): void {
    const { id, me, writes } = producer
    if (me.producerId < 0) return
    const request = { transactionalId: id, ...me, isCommit, transactionVersion: this.#version }
    const answer = this.#call({ api: 'endTransaction', request }) as ProducerAnswer
    if (answer.errorCode !== ErrorCode.NONE) return
    // Before version 2 the end of the transaction before is acknowledged once more: it has no writes of this one.
    const ended = { ...me, isCommit, writes }
    this.#acknowledged.push(ended)
    producer.lastEnd = ended
    producer.writes = []
    if (answer.producerId >= 0) this.#become(producer, answer)
  }

  /** As after many transactions, all of which are in the log. */
  #useUp(id: string): void {
    const transaction = this.#machine.transactions().find(({ transactionalId }) => transactionalId === id)
    if (transaction?.state !== 'Empty' || transaction.producerEpoch >= MAX_EPOCH - 3) return
    const later = { ...transaction, producerEpoch: MAX_EPOCH - 3 }
    this.#log.push(transactionSerde.encode(transactionRecord(later, this.#version)))
    this.#restart()
  }

  // ------------------------------------------------------------------------------------------------------- markers

  #mark(choice: number): void {
    const chosen = this.#errands[choice % Math.max(1, this.#errands.length)]
    if (!chosen) return
    this.#errands = this.#errands.filter(errand => errand !== chosen)
    const { errand, partition } = chosen
    if (!this.#partitions[partition]!.mark(errand)) return
    const { transactionalId, producerId, producerEpoch } = errand
    const partitions = topicPartitions([{ name: TOPIC, partitions: [partition] }])
    this.#call({ api: 'markersWritten', request: { transactionalId, producerId, producerEpoch, partitions } })
  }

  #markAll(): void {
    while (this.#errands.length > 0) this.#mark(0)
  }

  // --------------------------------------------------------------------------------------------------- the machine

  #call(call: TransactionRequest) {
    const effects = this.#machine.handle(1, call, this.#now)
    this.#take(effects)
    const [completion] = effects.completions
    assert.ok(completion && effects.completions.length === 1, 'every request has one answer')
    return completion.response
  }

  #take({ records, errands = [] }: TransactionEffects): void {
    for (const record of records) this.#log.push(transactionSerde.encode(record))
    for (const errand of errands) {
      for (const partition of errand.partitions.get(TOPIC) ?? []) this.#errands.push({ errand, partition })
    }
  }

  get #now() {
    return { wallMs: 1_000_000 + this.#elapsedMs, monotonicMs: this.#elapsedMs }
  }

  #advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms
    for (let next = this.#machine.nextDeadlineMs(); next <= untilMs; next = this.#machine.nextDeadlineMs()) {
      this.#elapsedMs = Math.max(next, this.#elapsedMs)
      this.#take(this.#machine.expire(this.#now))
    }
    this.#elapsedMs = untilMs
  }

  /** Errands that were under way are lost, and given again. */
  #restart(): void {
    this.#errands = []
    this.#machine = this.#replayed()
    this.#take(this.#machine.onLoaded(this.#now))
  }

  #replayed(): TransactionMachine {
    const machine = new TransactionMachine({
      config: TEST_CONFIG,
      transactionVersion: () => this.#version,
      takeProducerId: () => this.#nextProducerId++,
      maxBatchBytes: () => 1_000_000,
      log: { info() {} },
    })
    for (const { key, value } of this.#log) {
      const decoded = transactionSerde.decode(key, value)
      assert.ok('record' in decoded)
      machine.replay(decoded.record)
    }
    return machine
  }
}
