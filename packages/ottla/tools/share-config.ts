/** What configs of Java's share consumer make of ours. */
import type { ShareConsumerOptions } from '@ottla/client'
import { configNumber } from './client-config.ts'

export const SHARE_CONFIGS: ReadonlySet<string> = new Set([
  'fetch.max.bytes',
  'fetch.max.wait.ms',
  'fetch.min.bytes',
  'group.id',
  'max.poll.records',
])

export function shareOptions(properties: ReadonlyMap<string, string>): Omit<ShareConsumerOptions, 'topics' | 'signal'> {
  return {
    groupId: properties.get('group.id') ?? '',
    fetch: {
      maxWaitMs: configNumber(properties, 'fetch.max.wait.ms', 500),
      minBytes: configNumber(properties, 'fetch.min.bytes', 1),
      maxBytes: configNumber(properties, 'fetch.max.bytes', 52_428_800),
      maxRecords: configNumber(properties, 'max.poll.records', 500),
    },
  }
}
