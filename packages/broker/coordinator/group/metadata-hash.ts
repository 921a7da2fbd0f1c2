/**
 * One number for all that a group knows about topics: when it changes, the group has to be assigned anew. The record of a
 * group keeps it, so it has to be Kafka's to the bit: another one would rebalance every group that moves between brokers.
 */
import type { MetadataImage, TopicImage } from '../../image/index.ts'
import { xxh3 } from './xxh3.ts'

/** Says which way of hashing this is. */
const MAGIC = 0

/** A topic that has changed is another value; brokers that change their rack don't count until then, as in Kafka. */
const topicHashes = new WeakMap<TopicImage, bigint>()

/** 0: there is none of the topics. Their order doesn't matter. */
export function metadataHash(image: MetadataImage, topics: Iterable<string>): bigint {
  const bytes = new HashInput()
  for (const name of [...new Set(topics)].sort()) {
    const topic = image.topicsByName.get(name)
    if (topic) bytes.int64(topicHash(image, topic))
  }
  return bytes.length === 0 ? 0n : xxh3(bytes.taken())
}

function topicHash(image: MetadataImage, topic: TopicImage): bigint {
  const known = topicHashes.get(topic)
  if (known !== undefined) return known
  const hash = computeTopicHash(image, topic)
  topicHashes.set(topic, hash)
  return hash
}

function computeTopicHash(image: MetadataImage, { id, name, partitions }: TopicImage): bigint {
  const bytes = new HashInput()
  const uuid = Buffer.from(id, 'base64url')
  bytes.int8(MAGIC)
  bytes.int64(uuid.readBigInt64BE(0))
  bytes.int64(uuid.readBigInt64BE(8))
  bytes.string(name)
  bytes.int32(partitions.length)
  for (const [partition, { replicas }] of partitions.entries()) {
    bytes.int32(partition)
    const racks = replicas.flatMap(id => image.brokers.get(id)?.rack ?? [])
    for (const rack of racks.sort()) {
      bytes.int32(rack.length)
      bytes.string(rack)
    }
  }
  return xxh3(bytes.taken())
}

/** As hash4j, which Kafka uses, feeds a hash: little-endian, characters of two bytes, a string's length after it. */
class HashInput {
  #bytes = Buffer.alloc(256)
  length = 0

  taken(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  int8(value: number): void {
    const at = this.#reserve(1)
    this.#bytes.writeInt8(value, at)
  }

  int32(value: number): void {
    const at = this.#reserve(4)
    this.#bytes.writeInt32LE(value, at)
  }

  int64(value: bigint): void {
    const at = this.#reserve(8)
    this.#bytes.writeBigInt64LE(value, at)
  }

  string(value: string): void {
    const at = this.#reserve(2 * value.length)
    this.#bytes.write(value, at, 'utf16le')
    this.int32(value.length)
  }

  /** Before `#bytes` is looked at: it may become another. */
  #reserve(size: number): number {
    const at = this.length
    this.length += size
    if (this.length > this.#bytes.length) {
      const larger = Buffer.alloc(2 * this.length)
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }
}
