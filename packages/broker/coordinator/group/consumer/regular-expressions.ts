/**
 * Subscriptions by regular expression, in the syntax of RE2, which takes linear time whatever it is asked for. All of a
 * group's are looked up together, some topics at a time and not while a member waits: its next heartbeats tell it.
 */
import type { RE2JS } from 're2js'
import { ApiError } from '../../../errors.ts'
import { re2 } from '../../re2.ts'
import { Timer } from '../timers.ts'
import type { Turn } from '../turn.ts'
import type { ConsumerGroup, RegexRefresh, ResolvedRegex } from './consumer-group.ts'
import { rebalance } from './epoch.ts'
import type { ConsumerGroupRecord } from './record-shapes.ts'
import { regexRecord } from './records.ts'

/** However many topics and members come and go. */
const MIN_REFRESH_INTERVAL_MS = 10_000
/** Names against expressions in one go: about two milliseconds. */
const MATCHES_A_TURN = 2000

/** Throws an ApiError INVALID_REGULAR_EXPRESSION. */
export function checkRegex(regex: string): void {
  try {
    re2().RE2JS.compile(regex)
  } catch (cause) {
    const why = (cause as { readonly error?: string }).error ?? (cause as Error).message
    const message = `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${why}.`
    throw new ApiError('INVALID_REGULAR_EXPRESSION', message, { cause })
  }
}

/** undefined: another broker took it for one, we don't. It stands for nothing. */
function compiled(regex: string): RE2JS | undefined {
  try {
    return re2().RE2JS.compile(regex)
  } catch {
    return undefined
  }
}

/** `isNew`: one has just come that no member had before. */
export function refreshIfDue(turn: Turn, group: ConsumerGroup, isNew: boolean): void {
  const { now, store } = turn
  if (group.regexCount === 0 || group.regexRefresh) return
  const last: ResolvedRegex | undefined = group.resolvedRegexes.values().next().value
  if (last && now.wallMs <= last.timestampMs + MIN_REFRESH_INTERVAL_MS) return
  const isDue =
    isNew ||
    group.regexCount !== group.resolvedRegexes.size ||
    (last?.version ?? 0) < group.newTopicsVersion ||
    (last !== undefined && now.wallMs > last.timestampMs + store.config.consumer.regexRefreshIntervalMs)
  if (isDue) begin(turn, group)
}

function begin({ store, now }: Turn, group: ConsumerGroup): void {
  const { image } = store
  const timer = new Timer<Turn>(turn => goOn(turn, group, refresh))
  const patterns = new Map(
    [...group.regexes].map(regex => {
      const pattern = compiled(regex)
      return [regex, { matches: (name: string) => pattern?.matches(name) ?? false, topics: [] as string[] }] as const
    }),
  )
  const refresh: RegexRefresh = {
    timer,
    names: image.topicsByName.keys()[Symbol.iterator](),
    patterns,
    version: image.provenance.offset,
    startedMs: now.wallMs,
  }
  group.regexRefresh = refresh
  store.timers.set(timer, now.monotonicMs)
}

function goOn(turn: Turn, group: ConsumerGroup, refresh: RegexRefresh): void {
  const { names, patterns } = refresh
  for (let matched = 0; matched < MATCHES_A_TURN; matched += patterns.size) {
    const next = names.next()
    if (next.done) {
      group.regexRefresh = null
      turn.atomically(() => resolved(turn, group, refresh))
      return
    }
    for (const { matches, topics } of patterns.values()) if (matches(next.value)) topics.push(next.value)
  }
  turn.store.timers.set(refresh.timer, turn.now.monotonicMs)
}

function resolved(turn: Turn, group: ConsumerGroup, { patterns, version, startedMs }: RegexRefresh): void {
  const records: ConsumerGroupRecord[] = []
  let hasChanged = false
  for (const [regex, { topics }] of patterns) {
    // Its last member may have gone since.
    if (group.regexSubscribers(regex) === 0) continue
    topics.sort()
    const record = regexRecord(group.id, regex, { topics, version, timestamp: startedMs })
    if (!turn.fits([...records, record])) {
      turn.store.log.info('too many topics match for a record', { group: group.id, regex, topics: topics.length })
      continue
    }
    hasChanged ||= !sameTopics(group.resolvedRegexes.get(regex)?.topics ?? [], topics)
    records.push(record)
  }
  for (const record of records) turn.apply(record)
  rebalance(turn, group, hasChanged)
}

function sameTopics(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((topic, i) => topic === b[i])
}
