/**
 * From a frame to the bytes of its response: header, version check, decode, handler, encode. Two answers are the
 * router's own: an unsupported version of ApiVersions gets error 35 in a version 0 body, so that the client can try
 * again with a version from the list; an unknown API or version of any other closes the connection, as in Kafka.
 */
import type { Clock, Logger } from '@ottla/io'
import {
  decode,
  decodeRequestHeader,
  encodeResponse,
  type Init,
  inRange,
  type Message,
  ProtocolError,
  type RequestHeader,
} from '@ottla/protocol'
import { REQUESTS, traced } from '../diagnostics.ts'
import { ApiError, ConnectionClosingError, errorCodeOf, messageOf } from '../errors.ts'
import { unsupportedApiVersions } from '../handlers/api-versions.ts'
import type { Failure, Handler, HandlerResult } from '../handlers/handler.ts'
import { LOGGERS } from '../loggers.ts'
import type { ApiMetrics, RequestMetrics, RequestTiming } from '../metrics/index.ts'
import type { Services } from '../services.ts'
import { Call, type Peer } from './call.ts'

type ResponseBytes = readonly Uint8Array[] | null

const API_VERSIONS_KEY = 18
/**
 * Elements of arrays in one request: ten times what the largest of honest clients have, a fetch of a hundred thousand
 * partitions. 100 MiB of the smallest ones would become gigabytes of objects.
 */
const MAX_ELEMENTS = 1_000_000
/** What an element takes once it is decoded, about; so few that nobody need wait for it are not counted. */
const ELEMENT_BYTES = 160
const FREE_ELEMENTS = 1000

export class Router {
  readonly #handlers: readonly (Handler | undefined)[]
  readonly #services: Services
  readonly #logger: Logger
  readonly #metrics: RequestMetrics
  readonly #clock: Clock
  /** By API key. */
  readonly #apis: (ApiMetrics | undefined)[] = []

  constructor(handlers: readonly Handler[], services: Services, metrics: RequestMetrics) {
    const table: (Handler | undefined)[] = []
    for (const handler of handlers) table[handler.request.key] = handler
    this.#handlers = table
    this.#services = services
    this.#logger = services.world.logger.named(LOGGERS.router)
    this.#clock = services.world.clock
    this.#metrics = metrics
  }

  /** Throws, or rejects with, what is to close the connection. */
  handle(frame: Uint8Array, peer: Peer, timing: RequestTiming): ResponseBytes | Promise<ResponseBytes> {
    const startMs = this.#services.quotas.request.isEnabled ? this.#clock.monotonic() : -1
    const header = decodeRequestHeader(frame)
    const handler = this.#handlers[header.apiKey]
    if (!handler) throw new ProtocolError('ERR_UNSUPPORTED_VERSION', `unknown api key ${header.apiKey}`)
    if (!inRange(handler.request.versions, header.apiVersion)) return this.#unsupportedVersion(handler, header)
    timing.requestBytes = header.body.remaining
    header.body.elementsLeft = MAX_ELEMENTS
    const request = decode(handler.request, header.apiVersion, header.body)
    const elements = MAX_ELEMENTS - header.body.elementsLeft
    if (elements > FREE_ELEMENTS) peer.charge(elements * ELEMENT_BYTES)
    // What follows the message is passed over, as in Kafka: librdkafka sends three bytes too many after Metadata.
    this.#classify(timing, handler, header.apiVersion, request)
    return this.#call(new Call({ handler, header, request, frame, peer, timing, startMs }, this.#services))
  }

  #classify(timing: RequestTiming, handler: Handler, apiVersion: number, request: object): void {
    const { response, metricKind } = handler
    timing.apiVersion = apiVersion
    const { key } = handler.request
    timing.api = this.#apis[key] ??= this.#metrics.of(apiName(handler), response)
    if (metricKind) timing.kind = this.#metrics.of(metricKind(request as never), response)
  }

  #call(call: Call): ResponseBytes | Promise<ResponseBytes> {
    let result: HandlerResult<Message> | Promise<HandlerResult<Message>>
    try {
      result = this.#handle(call)
    } catch (error) {
      return this.#respond(call, this.#onError(call, error))
    }
    if (!(result instanceof Promise)) return this.#respond(call, result)
    call.stopClock()
    if (!call.handler.waitsForDisk) call.endLocalTime()
    return result.then(
      response => this.#respond(call, response),
      error => this.#respond(call, this.#onError(call, error)),
    )
  }

  #handle(call: Call) {
    const { handler, header, request } = call
    const handle = () => handler.handle(request as never, call, this.#services)
    if (!REQUESTS.hasSubscribers) return handle()
    const { apiVersion, clientId, clientAddress, connectionId, listenerName } = call
    const { correlationId } = header
    const api = apiName(handler)
    return traced(
      REQUESTS,
      { api, apiVersion, correlationId, clientId, clientAddress, connectionId, listenerName },
      handle,
    )
  }

  /** The answer says for how long the client is not heard, and goes out before that. */
  #respond(call: Call, answer: Init<Message> | null): ResponseBytes {
    if (!answer) return null
    const { handler, header, timing } = call
    let response = answer as Init<Message> & { readonly throttleTimeMs?: number }
    if (!handler.throttlesItself) {
      const pauseMs = call.requestPauseMs()
      // Another quota may keep it from being heard for longer.
      if (pauseMs > (response.throttleTimeMs ?? 0)) {
        response = { ...response, throttleTimeMs: pauseMs }
        call.throttle(pauseMs, this.#services.quotas.request)
      }
    }
    timing.api!.countErrors(response, header.apiVersion)
    call.startClock()
    const bytes = encodeResponse(handler.response, header.apiVersion, header.correlationId, response)
    // It is too late for the answer to say anything of this part.
    call.requestPauseMs()
    return bytes
  }

  /** A response that carries the error, at the top or at each thing that was asked for, as Kafka's does. */
  #onError({ handler, header, request }: Call, error: unknown): Init<Message> {
    if (error instanceof ConnectionClosingError) throw error
    const { response, failed } = handler
    if (!(error instanceof ApiError))
      this.#logger.error('request failed', { api: response.name, error: error as Error })
    const failure = { errorCode: errorCodeOf(error), errorMessage: messageOf(error) || null }
    if (!failed) return atTheTop(handler, failure)
    const answer = failed(request as never, failure, header.apiVersion)
    if (!answer)
      throw new ConnectionClosingError(`${response.name} can't say: ${failure.errorMessage}`, { cause: error })
    return answer as Init<Message>
  }

  #unsupportedVersion(handler: Handler, header: RequestHeader): ResponseBytes {
    if (header.apiKey !== API_VERSIONS_KEY) {
      const { name, versions } = handler.request
      throw new ProtocolError(
        'ERR_UNSUPPORTED_VERSION',
        `${name} version ${header.apiVersion} is not in ${versions.min}-${versions.max}`,
      )
    }
    return encodeResponse(handler.response, 0, header.correlationId, unsupportedApiVersions() as Init<Message>)
  }
}

/** As Kafka's metrics call it. */
function apiName({ request }: Handler): string {
  return request.name.replace(/Request$/, '')
}

function atTheTop({ response }: Handler, { errorCode, errorMessage }: Failure): Init<Message> {
  return (response.fields.errorMessage ? { errorCode, errorMessage } : { errorCode }) as Init<Message>
}
