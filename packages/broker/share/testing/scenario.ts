/**
 * Scenarios for one share partition that a person can read; the files are in testdata/. Everything is written when the
 * scenario says so, or at once.
 *
 *     log 0-9 10-19 20-29!                     batches of the log; ! of an aborted transaction
 *     fetch a max=5 batch=100 limit            reads where the share partition says: `a <- 0-9/1`, offsets and delivery count
 *     ack a 0-3:accept 4-4:release             what is to be written: `write 1 start=0 complete=4 0-3:ack/1 4-4:free/1`
 *     hold     written 1     failed 1          answers to writes are held back, and given
 *     release a     advance 1000     log-start 5     state     restart     config limit=3 locks=100 lock=30000 renew=no
 */
import { combineStateBatches, type StateBatch } from '../../coordinator/share/state-batches.ts'
import { ApiError } from '../../errors.ts'
import { type AcknowledgementBatch, AcknowledgeType } from '../acknowledge.ts'
import type { FetchedBatch } from '../acquire.ts'
import { type InFlight, RecordState } from '../in-flight.ts'
import { SharePartition, type StateChange } from '../share-partition.ts'
import type { ShareLimits } from '../share-window.ts'

const STATES = new Map<number, string>([
  [RecordState.AVAILABLE, 'free'],
  [RecordState.ACQUIRED, 'acquired'],
  [RecordState.ACKNOWLEDGED, 'ack'],
  [RecordState.ARCHIVED, 'archived'],
])

interface Stored {
  startOffset: number
  stateBatches: readonly StateBatch[]
}

interface Words {
  readonly plain: readonly string[]
  readonly named: ReadonlyMap<string, string>
}

export class Scenario {
  #limits: ShareLimits = {
    deliveryCountLimit: 5,
    maxRecordLocks: 2000,
    recordLockDurationMs: 30_000,
    isRenewEnabled: true,
  }
  #log: FetchedBatch[] = []
  #logStartOffset = 0
  #stored: Stored = { startOffset: 0, stateBatches: [] }
  #partition = this.#load()
  readonly #changes = new Map<number, StateChange>()
  #nextChange = 1
  #isHeld = false
  #nowMs = 0
  #out: string[] = []

  run(command: string): string {
    this.#out = []
    for (const line of command.split('\n')) this.#line(line)
    return this.#out.join('\n')
  }

  readonly #commands: Readonly<Record<string, (words: Words) => void>> = {
    config: ({ named }) => {
      const number = (name: string, otherwise: number) => Number(named.get(name) ?? otherwise)
      this.#limits = {
        deliveryCountLimit: number('limit', this.#limits.deliveryCountLimit),
        maxRecordLocks: number('locks', this.#limits.maxRecordLocks),
        recordLockDurationMs: number('lock', this.#limits.recordLockDurationMs),
        isRenewEnabled: named.get('renew') !== 'no',
      }
    },
    log: ({ plain }) => this.#log.push(...plain.map(parseFetched)),
    fetch: words => this.#fetch(words),
    ack: ({ plain: [member = '', ...rest] }) =>
      this.#change(() => this.#partition.acknowledge(member, rest.map(parseAcknowledgement), this.#nowMs)),
    release: ({ plain: [member = ''] }) => this.#change(() => this.#partition.release(member)),
    advance: ({ plain: [ms] }) => this.#advance(Number(ms)),
    hold: () => {
      this.#isHeld = true
    },
    written: ({ plain: [id] }) => this.#settle(Number(id), true),
    failed: ({ plain: [id] }) => this.#settle(Number(id), false),
    'log-start': ({ plain: [offset] }) => {
      this.#logStartOffset = Number(offset)
      this.#log = this.#log.filter(({ lastOffset }) => lastOffset >= this.#logStartOffset)
    },
    state: () => this.#show(),
    stored: ({ plain }) => {
      this.#stored = { startOffset: Number(plain[0]), stateBatches: plain.slice(1).map(parseStored) }
      this.#partition = this.#load()
    },
    restart: () => {
      this.#changes.clear()
      this.#partition = this.#load()
    },
  }

  #line(line: string): void {
    const [verb = '', ...rest] = line.split(/\s+/)
    const command = this.#commands[verb]
    if (!command) throw new Error(`no command '${verb}'`)
    const isNamed = (word: string) => /^\w+=/.test(word)
    const named = new Map(rest.filter(isNamed).map(word => word.split('=') as [string, string]))
    command({ plain: rest.filter(word => !isNamed(word)), named })
  }

  #load(): SharePartition {
    return new SharePartition({ stateEpoch: 1, ...this.#stored }, () => this.#limits)
  }

  /** As the manager does it. */
  #fetch({ plain: [member = '', mode], named }: Words): void {
    if (!this.#partition.canAcquire) {
      this.#print(`${member} <- has to wait`)
      return
    }
    const fetchOffset = this.#partition.nextFetchOffset()
    if (fetchOffset < this.#logStartOffset) {
      this.#partition.onLogStartMoved(this.#logStartOffset)
      this.#print(`${member} <- the log starts at ${this.#logStartOffset}`)
      return
    }
    const acquired = this.#partition.acquire(
      {
        memberId: member,
        isRecordLimit: mode === 'limit',
        batchSize: Number(named.get('batch') ?? 500),
        maxRecords: Number(named.get('max') ?? 500),
        fetchOffset,
        batches: this.#log
          .filter(({ lastOffset }) => lastOffset >= fetchOffset)
          .slice(0, Number(named.get('read') ?? 100)),
      },
      this.#nowMs,
    )
    const shown = acquired.map(
      ({ firstOffset, lastOffset, deliveryCount }) => `${firstOffset}-${lastOffset}/${deliveryCount}`,
    )
    this.#print([`${member} <-`, ...shown].join(' '))
  }

  #advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    while (this.#partition.nextDeadlineMs() <= untilMs) {
      this.#nowMs = this.#partition.nextDeadlineMs()
      this.#change(() => this.#partition.expire(this.#nowMs))
    }
    this.#nowMs = untilMs
  }

  #change(make: () => StateChange | null): void {
    try {
      const change = make()
      if (!change) return
      const id = this.#nextChange++
      this.#changes.set(id, change)
      this.#print(
        `write ${id} start=${change.startOffset} complete=${change.deliveryCompleteCount}${showBatches(change.stateBatches)}`,
      )
      if (!this.#isHeld) this.#settle(id, true)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.#print(`${error.code} ${error.message}`)
    }
  }

  #settle(id: number, isWritten: boolean): void {
    const change = this.#changes.get(id)!
    this.#changes.delete(id)
    if (isWritten) {
      const { startOffset, stateBatches } = change
      const combined = combineStateBatches(this.#stored.stateBatches, stateBatches, startOffset)
      this.#stored = { startOffset, stateBatches: combined }
    }
    this.#partition.settle(change, isWritten)
  }

  #show(): void {
    const { startOffset, endOffset, deliveryCompleteCount, batches } = this.#partition.window
    this.#print(
      `start=${startOffset} end=${endOffset} complete=${deliveryCompleteCount} next=${this.#partition.nextFetchOffset()}`,
    )
    for (const batch of batches) {
      const parts = runsOf(batch.parts)
      this.#print(`  ${batch.firstOffset}-${batch.lastOffset}${batch.isSplit ? ' split' : ''}${parts.join('')}`)
    }
  }

  #print(line: string): void {
    this.#out.push(line)
  }
}

/** Neighbours in the same state as one. */
function runsOf(parts: readonly InFlight[]): string[] {
  const runs: { first: number; last: number; text: string }[] = []
  for (const { firstOffset, lastOffset, state, deliveryCount, memberId, isChanging } of parts) {
    const text = `${STATES.get(state)}/${deliveryCount}${memberId && `@${memberId}`}${isChanging ? '?' : ''}`
    const run = runs.at(-1)
    if (run?.text === text) run.last = lastOffset
    else runs.push({ first: firstOffset, last: lastOffset, text })
  }
  return runs.map(({ first, last, text }) => ` ${first}-${last}:${text}`)
}

function showBatches(batches: readonly StateBatch[]): string {
  const all = combineStateBatches([], batches, -1)
  return all.map(b => ` ${b.firstOffset}-${b.lastOffset}:${STATES.get(b.deliveryState)}/${b.deliveryCount}`).join('')
}

function parseFetched(text: string): FetchedBatch {
  const [, first, last, aborted] = /^(\d+)-(\d+)(!?)$/.exec(text)!
  return { baseOffset: Number(first), lastOffset: Number(last), isAborted: aborted === '!' }
}

/** `5-9:ack/1` */
function parseStored(text: string): StateBatch {
  const [, first, last, state, count] = /^(\d+)-(\d+):(\w+)\/(\d+)$/.exec(text)!
  const deliveryState = [...STATES].find(([, name]) => name === state)![0]
  return { firstOffset: Number(first), lastOffset: Number(last), deliveryState, deliveryCount: Number(count) }
}

/** `5-6:accept`, `5-6:accept,gap` */
function parseAcknowledgement(text: string): AcknowledgementBatch {
  const [, first, last, types] = /^(\d+)-(\d+):([\w,]+)$/.exec(text)!
  const acknowledgeTypes = types!.split(',').map(name => {
    return AcknowledgeType[name.toUpperCase() as keyof typeof AcknowledgeType] ?? Number(name)
  })
  return { firstOffset: Number(first), lastOffset: Number(last), acknowledgeTypes }
}
