/**
 * The bytes that consumers of the classic protocol exchange through their group: what each subscribes to, and what each is
 * to read. In a consumer group they are the broker's to read and write.
 */
import { decode, encodeToBytes, type Message, type Of, ProtocolError, Reader } from '@ottla/protocol'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '@ottla/protocol/messages/consumer-protocol'
import type { MetadataImage } from '../../../image/index.ts'
import type { Partitions, TopicPartitions } from './assignment.ts'

const HIGHEST_VERSION = 3

/** null if the bytes are no subscription. */
export function decodeSubscription(bytes: Uint8Array): ConsumerProtocolSubscription | null {
  return decodeVersioned(ConsumerProtocolSubscription, bytes)
}

/** null if the bytes are no assignment. */
export function decodeAssignment(bytes: Uint8Array): ConsumerProtocolAssignment | null {
  return decodeVersioned(ConsumerProtocolAssignment, bytes)
}

/** Every version later than ours begins as ours does. */
function decodeVersioned<M extends Message>(schema: M, bytes: Uint8Array): Of<M> | null {
  const reader = new Reader(bytes)
  try {
    const version = reader.int16()
    return version < 0 ? null : decode(schema, Math.min(version, HIGHEST_VERSION), reader)
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

/** 0 if the bytes are too few to say. */
export function versionOf(bytes: Uint8Array): number {
  return bytes.length < 2 ? 0 : Math.min(Math.max(new Reader(bytes).int16(), 0), HIGHEST_VERSION)
}

/** Of the topics that there are. */
export function encodeAssignment(partitions: Partitions, image: MetadataImage, version: number): Uint8Array {
  const assignedPartitions = []
  for (const [topicId, numbers] of partitions) {
    const topic = image.topicsById.get(topicId)
    if (topic) assignedPartitions.push({ topic: topic.name, partitions: [...numbers].sort((a, b) => a - b) })
  }
  const body = encodeToBytes(ConsumerProtocolAssignment, version, { assignedPartitions })
  return Uint8Array.from([0, version, ...body])
}

/** By topic id; topics that are not there are left out. */
export function byTopicId(
  topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  image: MetadataImage,
): TopicPartitions[] {
  return topics.flatMap(({ topic, partitions }) => {
    const topicId = image.topicsByName.get(topic)?.id
    return topicId === undefined ? [] : [{ topicId, partitions }]
  })
}
