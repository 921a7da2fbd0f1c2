/**
 * Message sets of magic 0 and 1, read only: segments from before 0.11 may still hold them, nobody writes them.
 *
 *     offset int64 | size int32 | crc uint32 | magic int8 | attributes int8 | [timestamp int64, magic 1] |
 *     keyLength int32 (-1: null) | key | valueLength int32 | value
 *
 * There is no batch: a message stands alone, or its value is a compressed message set of its own. Inside one of magic 0
 * offsets are absolute; in magic 1 they count from 0, and the wrapper has the offset of the last. What Kafka reads without
 * complaint is read here too: a set that ends in half a message, and bytes after the value.
 */
import { decompress } from '../compression/index.ts'
import { type BatchHeader, LOG_OVERHEAD, malformed, nextBatch } from './batch.ts'
import { int32At, unsafe } from './bytes.ts'
import type { KafkaRecord, RecordHeader } from './kafka-record.ts'

const KEY_AT = [18, 26] as const
const NO_HEADERS: readonly RecordHeader[] = []

/** The records of one message: itself, or what it wraps. */
export function decodeLegacyRecords(
  bytes: Uint8Array,
  batch: BatchHeader,
  maxDecompressedBytes: number,
): KafkaRecord[] {
  const wrapper = readMessage(bytes, batch)
  if (batch.codec === 'none') return [wrapper]
  if (batch.codec === 'zstd') throw malformed(batch, `of magic ${batch.magic} is compressed with zstd`)
  if (wrapper.value === null) throw malformed(batch, 'is compressed and has no value')
  const set = decompress(batch.codec, wrapper.value, maxDecompressedBytes, batch.magic)
  const inner: KafkaRecord[] = []
  let position = 0
  for (let message = nextBatch(set, 0); message !== null; message = nextBatch(set, position)) {
    if (message.magic > 1 || message.codec !== 'none') {
      throw malformed(batch, `wraps a message of magic ${message.magic} compressed with ${message.codec}`)
    }
    inner.push(readMessage(set, message))
    position += message.sizeInBytes
  }
  const last = inner.at(-1)
  if (last === undefined) throw malformed(batch, 'is compressed and holds nothing')
  return batch.magic === 0 ? inner : absolute(batch, inner, last.offset)
}

/** From offsets that count from 0 to the log's, and from the messages' timestamps to the broker's if it gave one. */
function absolute(batch: BatchHeader, inner: readonly KafkaRecord[], lastInner: number): KafkaRecord[] {
  // Offset 0 is what some librdkafka versions produced, whatever the set holds.
  const base = batch.lastOffset === 0 ? 0 : batch.lastOffset - lastInner
  if (base < 0) throw malformed(batch, `wraps messages up to ${lastInner}`)
  const appendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : null
  return inner.map(record => {
    const offset = base + record.offset
    if (!Number.isSafeInteger(offset)) throw unsafe('offset', offset)
    return { ...record, offset, timestamp: appendTime ?? record.timestamp }
  })
}

function readMessage(bytes: Uint8Array, message: BatchHeader): KafkaRecord {
  const end = message.position + message.sizeInBytes
  const keyStart = message.position + KEY_AT[message.magic]! + 4
  const keyLength = Math.max(-1, int32At(bytes, keyStart - 4))
  const valueStart = keyStart + Math.max(0, keyLength) + 4
  if (end > bytes.length || valueStart > end) {
    throw malformed(message, `of ${message.sizeInBytes - LOG_OVERHEAD} bytes has a key of ${keyLength}`)
  }
  const valueLength = Math.max(-1, int32At(bytes, valueStart - 4))
  if (valueLength > end - valueStart) {
    throw malformed(message, `of ${message.sizeInBytes - LOG_OVERHEAD} bytes has a value of ${valueLength}`)
  }
  return {
    offset: message.lastOffset,
    timestamp: message.maxTimestamp,
    key: keyLength < 0 ? null : bytes.subarray(keyStart, keyStart + keyLength),
    value: valueLength < 0 ? null : bytes.subarray(valueStart, valueStart + valueLength),
    headers: NO_HEADERS,
    attributes: message.attributes,
  }
}
