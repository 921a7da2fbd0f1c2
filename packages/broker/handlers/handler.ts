/**
 * What a handler is: one per API, in a file named after the API, listed in `index.ts`. The router decodes the request,
 * calls the handler, and encodes what it returns; a handler never sees bytes, headers or versions other than through
 * `context`.
 */
import type { Init, Message, Of } from '@ottla/protocol'
import type { ClientQuota, QuotaClient } from '../quota/index.ts'
import type { Services } from '../services.ts'

export interface RequestContext {
  readonly apiVersion: number
  readonly clientId: string | null
  /** Whose quotas count. */
  readonly quotaClient: QuotaClient
  /** Of the request, without what is around it. */
  readonly sizeInBytes: number
  /** Of the client, as text. */
  readonly clientAddress: string
  readonly clientPort: number
  /** What the client calls itself, once it has said so (ApiVersions, KIP-511). */
  readonly clientSoftware: ClientSoftware
  /** Unique among the connections of this process. */
  readonly connectionId: number
  /** Name of the listener that the request came in on; Metadata answers with the endpoints of the same one. */
  readonly listenerName: string
  /** `User:ANONYMOUS` until the client has authenticated. */
  readonly principal: string
  /** Aborted when the connection closes: whoever waits on behalf of this client can stop. */
  readonly signal: AbortSignal
  /**
   * The request's memory may be used again once `done` has settled: nobody will look at any bytes of the request then.
   * Without this call it is left to the garbage collector, so only requests that are large and frequent should care.
   */
  reuseMemoryAfter(done: Promise<unknown>): void
  /** For so long from now on, and because of `quota`, the client is not heard once this request has been answered. */
  throttle(ms: number, quota: ClientQuota): void
  /** Counts the broker's time with this request up to now. For how long the client is not to be heard because of it. */
  requestPauseMs(): number
  /** `task` is done once all of the response has been handed to the kernel; never, if the connection closes before. */
  afterSent(task: () => void): void
  /** What follows is waiting for others: it is no time of this node's any more (RemoteTimeMs). */
  endLocalTime(): void
}

/** One for each connection; empty until it is known. */
export interface ClientSoftware {
  name: string
  version: string
}

/** null: no response is sent (Produce with acks=0). */
export type HandlerResult<Response extends Message> = Init<Response> | null

/** Why a request failed as a whole. */
export interface Failure {
  readonly errorCode: number
  /** null where Kafka's response has none. */
  readonly errorMessage: string | null
}

export interface Handler<Request extends Message = Message, Response extends Message = Message> {
  readonly request: Request
  readonly response: Response
  /** Lowest version that ApiVersions tells, where it is not the lowest one served. */
  readonly advertisedMinVersion?: number
  /**
   * Its answer waits for the disk of this node, which counts as its own time until `endLocalTime`. All others wait for
   * somebody else as soon as they wait.
   */
  readonly waitsForDisk?: boolean
  /** Requests are counted under this name too: Kafka tells the fetches of consumers and of followers apart. */
  metricKind?(request: Of<Request>): string
  /** Counts the broker's time, and throttles the client, by itself; otherwise both are the router's part. */
  readonly throttlesItself?: true
  /** Throws or rejects only with an ApiError, or because of a bug. */
  handle(
    request: Of<Request>,
    context: RequestContext,
    services: Services,
  ): HandlerResult<Response> | Promise<HandlerResult<Response>>
  /**
   * The response to a request that failed as a whole, where that has no place of its own in it in every version: the
   * error stands at each thing that was asked for. null closes the connection.
   */
  failed?(request: Of<Request>, failure: Failure, apiVersion: number): HandlerResult<Response>
}

/** Ties the types of the three together; the table forgets them. */
export function defineHandler<Request extends Message, Response extends Message>(
  handler: Handler<Request, Response>,
): Handler {
  return handler as unknown as Handler
}
