/**
 * What others may listen to while it happens, by Node's `diagnostics_channel`: tracers make spans of it (docs/diagnostics.md,
 * examples/opentelemetry.ts). Without a listener a channel costs one look.
 *
 *     tracing:ottla:request   one request, from its handler's call to its answer
 *     tracing:ottla:append    one batch, from the log to its acknowledgement
 *     ottla:rebalance         a group prepares a rebalance, or has completed one
 *     ottla:election          a partition has another leader, or another epoch
 *
 * A listener must not throw, and must not change what it is given.
 */
import { channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'

export interface RequestEvent {
  /** `Produce`, `Fetch`, … */
  readonly api: string
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly clientAddress: string
  readonly connectionId: number
  readonly listenerName: string
  /** With `asyncEnd`, or `end` where nothing was waited for: the decoded response, null for none. */
  result?: unknown
  /** Thrown by the handler; the response may tell others. */
  error?: unknown
}

export interface AppendEvent {
  readonly topic: string
  readonly partition: number
  readonly leaderEpoch: number
  readonly sizeInBytes: number
  /** -1, 0 or 1. */
  readonly acks: number
  /** With `end` and later: where the batch is. */
  firstOffset?: number
  lastOffset?: number
  error?: unknown
}

export interface RebalanceEvent {
  readonly group: string
  readonly phase: 'preparing' | 'completed'
  /** The one that ends, or that has begun. */
  readonly generation: number
  readonly members: number
  /** '' once it is completed. */
  readonly reason: string
}

export interface ElectionEvent {
  readonly topic: string
  readonly partition: number
  /** -1: there is none. */
  readonly leaderId: number
  readonly leaderEpoch: number
  /** Of the node that says so. */
  readonly nodeId: number
}

type Tracing<Event extends object> = TracingChannel<Event, Event>

export const REQUESTS: Tracing<RequestEvent> = tracingChannel('ottla:request')
export const APPENDS: Tracing<AppendEvent> = tracingChannel('ottla:append')
const REBALANCES = channel('ottla:rebalance')
const ELECTIONS = channel('ottla:election')

export function publishRebalance(event: RebalanceEvent): void {
  if (REBALANCES.hasSubscribers) REBALANCES.publish(event)
}

export function publishElection(event: ElectionEvent): void {
  if (ELECTIONS.hasSubscribers) ELECTIONS.publish(event)
}

/** Publishes as Node's own tracing channels do, whether `run` has to wait or not. */
export function traced<Event extends { result?: unknown; error?: unknown }, Result>(
  tracing: Tracing<Event>,
  event: Event,
  run: () => Result | Promise<Result>,
): Result | Promise<Result> {
  const { start, end, asyncStart, asyncEnd, error } = tracing
  const settled = (): void => {
    asyncStart.publish(event)
    asyncEnd.publish(event)
  }
  return start.runStores(event, () => {
    try {
      const result = run()
      if (!(result instanceof Promise)) {
        event.result = result
        return result
      }
      return result.then(
        value => {
          event.result = value
          settled()
          return value
        },
        reason => {
          event.error = reason
          error.publish(event)
          settled()
          throw reason
        },
      )
    } catch (reason) {
      event.error = reason
      error.publish(event)
      throw reason
    } finally {
      end.publish(event)
    }
  })
}
