/**
 * What one partition must hold, as far as anybody has been told: which batch is at which offset, up to where records are
 * promised, from where on they may be read. Every answer about the partition is held against it, and adds to it.
 */
import { type BatchHeader, batches, decode, decodeRecords, Reader, type RecordInput } from '@ottla/protocol'
import { ControlRecordTypeSchema } from '@ottla/protocol/logrecords/control'
import { demand } from './simulation.ts'
import type { Decision, TransactionModel } from './transaction-model.ts'

export interface SentBatch {
  readonly id: number
  readonly model: PartitionModel
  readonly bytes: Uint8Array
  readonly records: readonly RecordInput[]
  /** Within one source batches arrive in the order of their ids. */
  readonly source: string
  /** -1: not idempotent. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  /** null: of none. */
  readonly transaction: TransactionModel | null
  /** Where it is, once somebody has seen it or was told. */
  offset: number | null
  /** How often the node had been started when it was first seen there. */
  start: number
}

/** What was known when a request was sent: the answer may not fall behind it. */
export interface Snapshot {
  readonly promisedEnd: number
  readonly promisedStart: number
  readonly losses: number
  readonly life: number
}

/** What a Fetch has answered of a partition, without an error. */
export interface FetchedPart {
  readonly position: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly records: Uint8Array
}

export interface PartitionTraits {
  readonly name: string
  readonly isDurable: boolean
  readonly keepsAll: boolean
  readonly keepsBytes: boolean
}

/** The end of a transaction of one producer, as the node has written it. */
interface Marker {
  readonly producerId: number
  readonly decision: Decision
  readonly timestamp: number
}

/** The number of the batch stands first in the value of each of its records. */
const CONTROL_VERSION_BYTES = 2
const COMMIT_MARKER = 1
const VALUE = /^(\d+)\.(\d+):/

export class PartitionModel {
  readonly name: string
  readonly isDurable: boolean
  readonly keepsAll: boolean
  readonly keepsBytes: boolean
  /** A loss of power may have taken the end; nobody but the audit may ask until it has found where the end is. */
  mustBeCut = false
  /** As the last audit has found them. */
  openTransactions: readonly TransactionModel[] = []
  /** Somebody has asked for all below to be deleted. */
  deletableBelow = 0
  /** Somebody has asked for it to be moved to another log dir. */
  mayHaveMoved = false
  readonly #sent: ReadonlyMap<number, SentBatch>
  /** Each offset that a known batch takes. */
  readonly #at = new Map<number, SentBatch>()
  readonly #markers = new Map<number, Marker>()
  #promisedEnd = 0
  /** An answer to DeleteRecords, or a response in this life, has said that the log begins here. */
  #promisedStart = 0
  #losses = 0
  #life = 0
  #starts = 0

  constructor(traits: PartitionTraits, sent: ReadonlyMap<number, SentBatch>) {
    this.name = traits.name
    this.isDurable = traits.isDurable
    this.keepsAll = traits.keepsAll
    this.keepsBytes = traits.keepsBytes
    this.#sent = sent
  }

  get promisedEnd(): number {
    return this.#promisedEnd
  }

  get snapshot(): Snapshot {
    return {
      promisedEnd: this.#promisedEnd,
      promisedStart: this.#promisedStart,
      losses: this.#losses,
      life: this.#life,
    }
  }

  // ------------------------------------------------------------------------------------------------ what happens to it

  onStart(): void {
    this.#starts++
  }

  /** The node is gone; where the log begins is written down only now and then. */
  onCrash(powerLoss: boolean): void {
    this.#promisedStart = 0
    this.#life++
    if (!powerLoss) return
    this.#losses++
    if (!this.isDurable) this.mustBeCut = true
  }

  /** Nothing at or after `end` is left: it was not flushed. A log that has nothing left goes on from its begin. */
  cut(start: number, end: number): void {
    this.mustBeCut = false
    const lost = new Set([...this.#at].filter(([offset]) => offset >= end).map(([, batch]) => batch))
    for (const batch of lost) {
      const base = batch.offset!
      const isWhole = base >= end || start === end
      demand(isWhole, () => `${this.name} ends at ${end}, in the middle of batch ${batch.id} at ${base}`)
      this.#forget(batch)
    }
    for (const offset of [...this.#markers.keys()]) if (offset >= end) this.#markers.delete(offset)
    this.#promisedEnd = Math.min(this.#promisedEnd, end)
  }

  /** Whether an answer to a question asked then says anything about the log as it is now. */
  isOutdated(asked: Pick<Snapshot, 'losses'>): boolean {
    return !this.isDurable && asked.losses !== this.#losses
  }

  // ------------------------------------------------------------------------------------------------------- answers

  onAcknowledged(batch: SentBatch, baseOffset: number, asked: Pick<Snapshot, 'losses'>): void {
    if (this.isOutdated(asked)) return
    this.#place(batch, baseOffset, 'acknowledged')
    this.#promise(baseOffset + batch.records.length)
  }

  /** What DeleteRecords has answered. */
  onRecordsDeleted(lowWatermark: number, asked: Snapshot): void {
    if (asked.life === this.#life) this.#promisedStart = Math.max(this.#promisedStart, lowWatermark)
  }

  /** The end, as any answer may tell it: of what is visible nothing may be lost again. */
  onEnd(highWatermark: number, asked: Snapshot): void {
    if (this.isOutdated(asked)) return
    demand(
      highWatermark >= asked.promisedEnd,
      () => `${this.name} ends at ${highWatermark}, but ${asked.promisedEnd} was promised before`,
    )
    this.#promise(highWatermark)
  }

  onBegin(logStartOffset: number, asked: Snapshot): void {
    if (this.isOutdated(asked)) return
    demand(
      !this.keepsAll || logStartOffset <= this.deletableBelow,
      () =>
        `${this.name} begins at ${logStartOffset}, and nobody had more deleted than what is below ${this.deletableBelow}`,
    )
    if (asked.life !== this.#life) return
    demand(
      logStartOffset >= asked.promisedStart,
      () => `${this.name} begins at ${logStartOffset}, after it had begun at ${asked.promisedStart}`,
    )
    this.#promisedStart = Math.max(this.#promisedStart, logStartOffset)
  }

  /** Checks what was read; gives the position after it. */
  onFetched(part: FetchedPart, asked: Snapshot): number {
    const { position, highWatermark, logStartOffset, records } = part
    if (this.isOutdated(asked)) return position
    this.onEnd(highWatermark, asked)
    if (logStartOffset >= 0) this.onBegin(logStartOffset, asked)
    demand(position >= asked.promisedStart || asked.life !== this.#life, () => `${this.name} was read below its begin`)
    let next = position
    for (const header of batches(records)) {
      const { baseOffset, lastOffset } = header
      // The first one may begin before what was asked for.
      const isNext = next === position ? baseOffset <= position && lastOffset >= position : baseOffset === next
      demand(isNext, () => `${this.name}: batch ${baseOffset} to ${lastOffset}, where ${next} was to come`)
      demand(lastOffset < highWatermark, () => `${this.name}: ${lastOffset} was read, above ${highWatermark}`)
      if (header.isControl) this.#mark(header, records)
      else this.#identify(header, records)
      next = lastOffset + 1
    }
    return next
  }

  /** What a share group was given of it. */
  onShared(records: Uint8Array): void {
    for (const header of batches(records)) {
      if (header.isControl) this.#mark(header, records)
      else this.#identify(header, records)
    }
  }

  /** A position of which the node says that there is nothing. */
  onOutOfRange(position: number, asked: Snapshot): void {
    if (this.isOutdated(asked)) return
    const isPromised = this.keepsAll && position >= this.deletableBelow && position <= asked.promisedEnd
    demand(!isPromised, () => `${this.name}: ${position} is out of range, below ${asked.promisedEnd} that was promised`)
  }

  // --------------------------------------------------------------------------------------------------------- audit

  /** All batches from the log's begin to its end, as they were just read. */
  checkWhole(start: number, end: number): void {
    const found: SentBatch[] = []
    for (let offset = start; offset < end; offset++) {
      if (this.#markers.has(offset)) continue
      const batch = this.#at.get(offset)
      demand(batch !== undefined, () => `${this.name}: nothing is known of ${offset}`)
      if (found.at(-1) !== batch) found.push(batch)
    }
    for (const [offset, batch] of this.#at)
      demand(offset < end, () => `${this.name}: batch ${batch.id} was at ${offset}, and the log ends at ${end}`)
    this.#checkSequences(found, start)
    this.#checkTransactions(start, end)
    const last = new Map<string, SentBatch>()
    for (const batch of found) {
      const before = last.get(batch.source)
      demand(
        !before || before.id < batch.id,
        () => `${this.name}: ${batch.source} sent ${batch.id} before ${before!.id}, which is at ${before!.offset}`,
      )
      last.set(batch.source, batch)
    }
  }

  /** The first record from `start` on that is not older, as far as records are known; null if there is none. */
  firstNotOlder(timestamp: number, start: number): { offset: number; timestamp: number } | null {
    for (let offset = start; offset < this.#promisedEnd; offset++) {
      const found = this.timestampAt(offset)
      if (found !== null && found >= timestamp) return { offset, timestamp: found }
    }
    return null
  }

  batchAt(offset: number): SentBatch | undefined {
    return this.#at.get(offset)
  }

  timestampAt(offset: number): number | null {
    const batch = this.#at.get(offset)
    if (!batch) return this.#markers.get(offset)?.timestamp ?? null
    return batch.records[offset - batch.offset!]?.timestamp ?? null
  }

  /** A marker decides all that its producer has written since the one before. */
  #checkTransactions(start: number, end: number): void {
    const open = new Map<number, Set<TransactionModel>>()
    for (let offset = start; offset < end; offset++) {
      const { producerId, transaction } = this.#at.get(offset) ?? {}
      const marker = this.#markers.get(offset)
      if (transaction) open.set(producerId!, (open.get(producerId!) ?? new Set()).add(transaction))
      if (!marker) continue
      for (const decided of open.get(marker.producerId) ?? []) decided.onFound(marker.decision, this.name)
      open.delete(marker.producerId)
    }
    this.openTransactions = [...open.values()].flatMap(transactions => [...transactions])
  }

  /** Of a producer that all is lost of, the next batch is taken whatever its sequence. */
  #checkSequences(found: readonly SentBatch[], start: number): void {
    const next = new Map<string, number>()
    for (const { producerId, producerEpoch, baseSequence, records, id, offset } of found) {
      if (producerId < 0) continue
      const producer = `${producerId}:${producerEpoch}`
      const isFirst = start === 0 && (this.isDurable || this.#losses === 0)
      const expected = next.get(producer) ?? (isFirst ? 0 : baseSequence)
      demand(
        baseSequence === expected,
        () =>
          `${this.name}: batch ${id} of producer ${producer} at ${offset} has sequence ${baseSequence}, not ${expected}`,
      )
      next.set(producer, baseSequence + records.length)
    }
  }

  // -------------------------------------------------------------------------------------------------------- batches

  #promise(end: number): void {
    this.#promisedEnd = Math.max(this.#promisedEnd, end)
  }

  #place(batch: SentBatch, offset: number, how: string): void {
    demand(batch.model === this, () => `${this.name}: batch ${batch.id} is of ${batch.model.name}, and was ${how} here`)
    if (batch.offset !== offset && this.#mayBeForgotten(batch)) this.#forget(batch)
    demand(
      batch.offset === null || batch.offset === offset,
      () => `${this.name}: batch ${batch.id} was ${how} at ${offset}, and is at ${batch.offset}`,
    )
    if (batch.offset === offset) return
    for (let i = 0; i < batch.records.length; i++) {
      const other = this.#at.get(offset + i)
      demand(!other, () => `${this.name}: batch ${batch.id} was ${how} at ${offset + i}, where batch ${other!.id} is`)
      const isMarker = this.#markers.has(offset + i)
      demand(!isMarker, () => `${this.name}: batch ${batch.id} was ${how} at ${offset + i}, where a marker is`)
      this.#at.set(offset + i, batch)
    }
    batch.offset = offset
    batch.start = this.#starts
  }

  /**
   * As in Kafka: a producer of which all records were deleted is not known any more after the next start, nor in a copy
   * that was made of the log, and what it sends once more is taken as new.
   */
  #mayBeForgotten({ offset, start, records }: SentBatch): boolean {
    if (offset === null || (start === this.#starts && !this.mayHaveMoved)) return false
    return !this.keepsAll || offset + records.length <= this.deletableBelow
  }

  #forget(batch: SentBatch): void {
    for (let i = 0; i < batch.records.length; i++) this.#at.delete(batch.offset! + i)
    batch.offset = null
  }

  #mark(header: BatchHeader, bytes: Uint8Array): void {
    const { baseOffset, producerId } = header
    const [record] = decodeRecords(bytes, header)
    const { type } = decode(ControlRecordTypeSchema, 0, new Reader(record!.key!, CONTROL_VERSION_BYTES))
    const decision = type === COMMIT_MARKER ? 'commit' : 'abort'
    const [known, batch] = [this.#markers.get(baseOffset), this.#at.get(baseOffset)]
    demand(!batch, () => `${this.name}: a marker at ${baseOffset}, where batch ${batch!.id} is`)
    const isSame = !known || (known.producerId === producerId && known.decision === decision)
    demand(isSame, () => `${this.name}: another marker at ${baseOffset} than before`)
    this.#markers.set(baseOffset, { producerId, decision, timestamp: record!.timestamp })
  }

  #identify(header: BatchHeader, bytes: Uint8Array): void {
    const { baseOffset, position, sizeInBytes } = header
    const where = `${this.name} at ${baseOffset}`
    const read = decodeRecords(bytes, header)
    const match = VALUE.exec(Buffer.from(read[0]?.value ?? []).toString('latin1'))
    const batch = match && this.#sent.get(Number(match[1]))
    demand(!!batch, () => `${where}: nobody has sent what was read`)
    this.#place(batch, baseOffset, 'read')
    demand(read.length === batch.records.length, () => `${where}: batch ${batch.id} has ${read.length} records`)
    for (const [i, record] of read.entries()) {
      const sent = batch.records[i]!
      const isSame =
        record.offset === baseOffset + i &&
        record.timestamp === sent.timestamp &&
        isSameBytes(record.key, sent.key) &&
        isSameBytes(record.value, sent.value) &&
        record.headers.length === (sent.headers?.length ?? 0) &&
        record.headers.every((header, h) => {
          const { key, value } = sent.headers![h]!
          return header.key === key && isSameBytes(header.value, value)
        })
      demand(isSame, () => `${where}: record ${i} of batch ${batch.id} is not what was sent`)
    }
    const isSameProducer =
      header.producerId === batch.producerId &&
      header.producerEpoch === batch.producerEpoch &&
      header.baseSequence === batch.baseSequence
    demand(isSameProducer, () => `${where}: batch ${batch.id} has another producer or sequence`)
    if (!this.keepsBytes) return
    // All but base offset, length and leader epoch.
    const body = Buffer.from(bytes.buffer, bytes.byteOffset + position + 16, sizeInBytes - 16)
    demand(body.equals(batch.bytes.subarray(16)), () => `${where}: batch ${batch.id} has other bytes`)
  }
}

function isSameBytes(a: Uint8Array | null | undefined, b: Uint8Array | null | undefined): boolean {
  if (!a || !b) return !a && !b
  return Buffer.compare(a, b) === 0
}
