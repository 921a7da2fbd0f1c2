/**
 * What a consumer subscribes to, out of the bytes that it gives the leader of its group. The broker wants it only to know
 * which offsets are in use, and takes bytes that it can't read for a subscription that it does not know.
 */
import { decode, ProtocolError, Reader } from '@ottla/protocol'
import { ConsumerProtocolSubscription } from '@ottla/protocol/messages/consumer-protocol'

/** Every later version begins as this one does. */
const COMMON_VERSION = 0

/** null if the bytes are no subscription. */
export function decodeSubscribedTopics(metadata: Uint8Array): readonly string[] | null {
  const reader = new Reader(metadata)
  try {
    if (reader.int16() < COMMON_VERSION) return null
    return decode(ConsumerProtocolSubscription, COMMON_VERSION, reader).topics
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}
