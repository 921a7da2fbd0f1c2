/** Tries again, with growing pauses, while the error is one that passes by itself. */
import type { Clock } from '@ottla/io'
import type { ErrorName } from '@ottla/protocol'
import { ConnectionError, KafkaError } from './errors.ts'

const RETRIABLE: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'KAFKA_STORAGE_ERROR',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_ID',
  'OFFSET_NOT_AVAILABLE',
  'UNSTABLE_OFFSET_COMMIT',
  'NOT_CONTROLLER',
])

const FIRST_PAUSE_MS = 20
const MAX_PAUSE_MS = 1000
const DEFAULT_LIMIT_MS = 30_000

export function isRetriable(error: unknown): boolean {
  return error instanceof ConnectionError || (error instanceof KafkaError && RETRIABLE.has(error.code))
}

/** Shorter if `signal` is aborted meanwhile; nothing is left behind that would keep a process alive. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const done = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.setTimer(ms, done)
    signal?.addEventListener('abort', done)
  })
}

/** `also`: further codes that pass by themselves here. Throws the last error when `limitMs` is over. */
export async function retry<T>(
  clock: Clock,
  attempt: () => Promise<T>,
  also: readonly ErrorName[] = [],
  limitMs = DEFAULT_LIMIT_MS,
): Promise<T> {
  const deadlineMs = clock.monotonic() + limitMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    try {
      return await attempt()
    } catch (error) {
      const passes = isRetriable(error) && !(error instanceof ConnectionError)
      const passesHere = error instanceof KafkaError && also.includes(error.code)
      if (!(passes || passesHere) || clock.monotonic() + pauseMs > deadlineMs) throw error
      await pause(clock, pauseMs)
    }
  }
}
