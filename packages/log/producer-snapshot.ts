/**
 * `.snapshot`: the producers of a log as they are at the offset in the file's name, so that a start need not read the
 * log from its begin. int16 version, CRC-32C of what follows it, entries; only the last batch of each is kept.
 */
import { crc32c, decodeFromBytes, encodeToBytes } from '@ottla/protocol'
import { ProducerSnapshot } from '@ottla/protocol/logrecords/files'
import { NO_OFFSET, ProducerEntry } from './producer-entry.ts'

const VERSION = 1
const VERSION_BYTES = 2
/** The CRC covers what is behind version and CRC. */
const ENTRIES_AT = 6

export function encodeSnapshot(entries: Iterable<ProducerEntry>): Uint8Array {
  const producerEntries = Array.from(entries, entry => ({
    producerId: entry.producerId,
    epoch: entry.producerEpoch,
    lastSequence: entry.lastSequence,
    lastOffset: entry.lastDataOffset,
    offsetDelta: entry.lastOffsetDelta,
    timestamp: entry.lastTimestamp,
    coordinatorEpoch: entry.coordinatorEpoch,
    currentTxnFirstOffset: entry.currentTxnFirstOffset,
  }))
  const body = encodeToBytes(ProducerSnapshot, VERSION, { crc: 0, producerEntries })
  const bytes = new Uint8Array(VERSION_BYTES + body.length)
  bytes.set(body, VERSION_BYTES)
  const view = new DataView(bytes.buffer)
  view.setInt16(0, VERSION)
  view.setUint32(VERSION_BYTES, crc32c(bytes, ENTRIES_AT))
  return bytes
}

/** Throws an Error that says what is wrong: the caller goes on with an older snapshot. */
export function decodeSnapshot(bytes: Uint8Array): ProducerEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < ENTRIES_AT) throw new Error(`Snapshot failed schema validation: ${bytes.length} bytes`)
  if (view.getInt16(0) !== VERSION)
    throw new Error(`Snapshot failed schema validation: Snapshot contained an unknown file version ${view.getInt16(0)}`)
  const [stored, actual] = [view.getUint32(VERSION_BYTES), crc32c(bytes, ENTRIES_AT)]
  if (stored !== actual)
    throw new Error(`Snapshot is corrupt (CRC is no longer valid). Stored crc: ${stored}. Computed crc: ${actual}`)
  const { producerEntries } = decodeFromBytes(ProducerSnapshot, VERSION, bytes.subarray(VERSION_BYTES))
  return producerEntries.map(stored => {
    const entry = new ProducerEntry(stored.producerId)
    entry.setEpoch(stored.epoch)
    entry.coordinatorEpoch = stored.coordinatorEpoch
    entry.lastTimestamp = stored.timestamp
    if (stored.currentTxnFirstOffset >= 0) entry.currentTxnFirstOffset = stored.currentTxnFirstOffset
    if (stored.lastOffset !== NO_OFFSET) {
      entry.addBatch(stored.epoch, {
        lastSequence: stored.lastSequence,
        lastOffset: stored.lastOffset,
        offsetDelta: stored.offsetDelta,
        timestamp: stored.timestamp,
      })
    }
    return entry
  })
}
