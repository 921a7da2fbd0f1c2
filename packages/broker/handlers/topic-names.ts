/** What may be a topic's name, and which names are the broker's own. */

const INTERNAL: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])
const MAX_LENGTH = 249

export function isInternalTopic(name: string): boolean {
  return INTERNAL.has(name)
}

export function isValidTopicName(name: string): boolean {
  return name !== '.' && name !== '..' && name.length <= MAX_LENGTH && /^[a-zA-Z0-9._-]+$/.test(name)
}
