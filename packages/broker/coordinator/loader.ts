/** Brings a new coordinator shard to where its log ends. */
import type { Clock, Logger } from '@ottla/io'
import { type BatchHeader, batches, decodeRecords, type KafkaRecord, ProtocolError, Reader } from '@ottla/protocol'
import type { CoordinatorLog } from './coordinator-log.ts'
import type { CoordinatorShard, RecordSerde } from './shard.ts'

export interface LoadOptions<LogRecord> {
  readonly log: CoordinatorLog
  readonly shard: Pick<CoordinatorShard<never, unknown, LogRecord>, 'replay' | 'endTransaction'>
  readonly serde: RecordSerde<LogRecord>
  readonly clock: Clock
  readonly logger: Logger
  /** Bytes that are read at once; a larger batch is still read whole. */
  readonly bufferBytes: number
  /** False: the result is not wanted any more. */
  readonly isWanted: () => boolean
}

export interface LoadSummary {
  readonly records: number
  readonly bytes: number
}

/** Of an end transaction marker's key: int16 version, int16 type. */
const MARKER_TYPE_AT = 2
const ABORT = 0
const COMMIT = 1
/** Replaying this many takes a millisecond or two; then everybody else gets a turn. */
const RECORDS_A_TURN = 2000

/**
 * Replays everything up to the log's end, which may grow while it is at it. Rejects with what the log or the shard
 * throws: a shard that has not seen all of its log must not be used.
 */
export async function load<LogRecord>(options: LoadOptions<LogRecord>): Promise<LoadSummary> {
  const { log, isWanted, bufferBytes, clock } = options
  const replay = new Replay(options)
  let bytes = 0
  let sinceTurn = 0
  let hasWaited = false
  for (let offset = log.startOffset; isWanted() && offset < log.endOffset; ) {
    const { chunks, nextOffset } = await log.read(offset, bufferBytes)
    for (const chunk of chunks) {
      for (const batch of batches(chunk)) {
        sinceTurn += replay.batch(chunk, batch)
        if (sinceTurn < RECORDS_A_TURN) continue
        sinceTurn = 0
        await new Promise<void>(resolve => clock.nextTurn(resolve))
        if (!isWanted()) return { records: replay.records, bytes }
      }
      bytes += chunk.length
    }
    if (nextOffset > offset) {
      offset = nextOffset
      hasWaited = false
    } else if (!hasWaited) {
      // Appended, but not yet written: by the shard before this one.
      await log.whenCommitted(log.endOffset)
      hasWaited = true
    } else break
  }
  return { records: replay.records, bytes }
}

class Replay<LogRecord> {
  readonly #options: LoadOptions<LogRecord>
  readonly #unknown = new Set<string>()
  records = 0

  constructor(options: LoadOptions<LogRecord>) {
    this.#options = options
  }

  /** Returns how many records there were. */
  batch(bytes: Uint8Array, batch: BatchHeader): number {
    const records = decodeRecords(bytes, batch)
    for (const record of records) {
      try {
        if (batch.isControl) this.#control(record, batch)
        else this.#record(record, batch)
      } catch (error) {
        throw new Error(`can't replay the record at offset ${record.offset}`, { cause: error })
      }
    }
    this.records += records.length
    return records.length
  }

  #record(record: KafkaRecord, { producerId, producerEpoch }: BatchHeader): void {
    const { serde, shard } = this.#options
    const { key, value, offset } = record
    if (!key) throw new ProtocolError('ERR_MALFORMED', 'a coordinator record without a key')
    const decoded = serde.decode(key, value)
    if ('record' in decoded) shard.replay(decoded.record, { offset, producerId, producerEpoch })
    else this.#leave(decoded.unknown)
  }

  /** Left by a later version, or of a kind of group that is not served: it stays in the log (KIP-915). */
  #leave(unknown: string): void {
    if (this.#unknown.has(unknown)) return
    this.#unknown.add(unknown)
    this.#options.logger.warn('records that are not known are left alone', { unknown })
  }

  #control({ key, offset }: KafkaRecord, { producerId }: BatchHeader): void {
    if (!key) throw new ProtocolError('ERR_MALFORMED', 'a control record without a key')
    const type = new Reader(key, MARKER_TYPE_AT).int16()
    if (type === COMMIT || type === ABORT) this.#options.shard.endTransaction(producerId, type === COMMIT, offset)
  }
}
