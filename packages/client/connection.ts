/**
 * One connection to one broker: version negotiation, requests in flight by correlation id, time-outs. Responses come in
 * the order of the requests; anything else is a broken peer and closes the connection.
 */
import type { Connection, World } from '@ottla/io'
import {
  decodeResponse,
  encodeRequest,
  FrameReader,
  type Init,
  type Message,
  type Of,
  ProtocolError,
  type VersionRange,
} from '@ottla/protocol'
import { ApiVersionsRequest, ApiVersionsResponse } from '@ottla/protocol/messages/api-versions'
import { ConnectionError, KafkaError, RequestTimeoutError, UnsupportedVersionError } from './errors.ts'

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

export interface ConnectionOptions extends BrokerAddress {
  readonly world: World
  readonly clientId: string
  readonly connectTimeoutMs?: number
  readonly requestTimeoutMs?: number
}

/** A request and its response. */
export interface Api<Request extends Message, Response extends Message> {
  readonly request: Request
  readonly response: Response
}

interface InFlight {
  readonly correlationId: number
  readonly response: Message
  readonly version: number
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
  readonly timer: { cancel(): void }
}

export interface SendOptions {
  /** Not above this version, for a request that uses a field of older ones. */
  readonly maxVersion?: number
  readonly timeoutMs?: number
  /** No response will come (Produce with acks=0). */
  readonly oneWay?: boolean
}

const MAX_RESPONSE_BYTES = 512 * 1024 * 1024
const DEFAULT_TIMEOUT_MS = 30_000
const UNSUPPORTED_VERSION = 35

export class BrokerConnection {
  readonly address: BrokerAddress
  readonly #options: ConnectionOptions
  readonly #socket: Connection
  readonly #frames = new FrameReader(MAX_RESPONSE_BYTES)
  readonly #inFlight: InFlight[] = []
  #versions: ReadonlyMap<number, VersionRange> | null = null
  #features: ReadonlyMap<string, number> = new Map()
  #nextCorrelationId = 1
  #closed: Error | null = null
  #onDrain: (() => void)[] = []

  private constructor(socket: Connection, options: ConnectionOptions) {
    this.address = { host: options.host, port: options.port }
    this.#options = options
    this.#socket = socket
    socket.start({
      onData: bytes => this.#onData(bytes),
      onDrain: () => {
        const waiting = this.#onDrain
        this.#onDrain = []
        for (const resume of waiting) resume()
      },
      onClose: error => this.#onClose(error),
    })
  }

  static async connect(options: ConnectionOptions): Promise<BrokerConnection> {
    const { host, port, world } = options
    let socket: Connection
    try {
      socket = await world.network.connect({ host, port, timeoutMs: options.connectTimeoutMs ?? DEFAULT_TIMEOUT_MS })
    } catch (cause) {
      throw new ConnectionError(`can't connect to ${host}:${port}: ${(cause as Error).message}`, { cause })
    }
    const connection = new BrokerConnection(socket, options)
    try {
      await connection.#negotiate()
    } catch (error) {
      connection.close()
      throw error
    }
    return connection
  }

  get isClosed(): boolean {
    return this.#closed !== null
  }

  /** The versions the broker serves of each API. */
  get versions(): ReadonlyMap<number, VersionRange> {
    return this.#versions ?? new Map()
  }

  /** The level of a feature that is finalized in the cluster; 0 if it is not. */
  levelOf(feature: string): number {
    return this.#features.get(feature) ?? 0
  }

  /** The highest version that both sides speak. */
  versionOf(request: Message, maxVersion = Number.POSITIVE_INFINITY): number {
    const theirs = this.#versions?.get(request.key)
    const version = Math.min(
      request.versions.max - (request.latestVersionUnstable ? 1 : 0),
      theirs?.max ?? -1,
      maxVersion,
    )
    if (!theirs || version < theirs.min || version < request.versions.min) {
      const range = theirs ? `only versions ${theirs.min} to ${theirs.max}` : 'no version'
      throw new UnsupportedVersionError(`the broker at ${this.#name} serves ${range} of ${request.name}`)
    }
    return version
  }

  async send<Request extends Message, Response extends Message>(
    api: Api<Request, Response>,
    value: Init<Request>,
    options: SendOptions = {},
  ): Promise<Of<Response>> {
    const version = this.versionOf(api.request, options.maxVersion)
    return this.#exchange(api, version, value, options)
  }

  close(): void {
    this.#socket.destroy()
  }

  get #name(): string {
    return `${this.address.host}:${this.address.port}`
  }

  #exchange<Request extends Message, Response extends Message>(
    api: Api<Request, Response>,
    version: number,
    value: Init<Request>,
    options: SendOptions = {},
  ): Promise<Of<Response>> {
    if (this.#closed) return Promise.reject(this.#closed)
    const correlationId = this.#nextCorrelationId++
    const chunks = encodeRequest(api.request, version, { correlationId, clientId: this.#options.clientId }, value)
    const timeoutMs = options.timeoutMs ?? this.#options.requestTimeoutMs ?? DEFAULT_TIMEOUT_MS
    return new Promise<Of<Response>>((resolve, reject) => {
      const sent = this.#socket.write(chunks)
      if (options.oneWay) {
        if (sent) resolve(null as never)
        else this.#onDrain.push(() => resolve(null as never))
        return
      }
      const timer = this.#options.world.clock.setTimer(timeoutMs, () => {
        // Later responses would be taken for this one's: the connection is of no more use.
        this.#socket.destroy(
          new RequestTimeoutError(`no response to ${api.request.name} from ${this.#name} in ${timeoutMs} ms`),
        )
      })
      this.#inFlight.push({ correlationId, response: api.response, version, resolve: resolve as never, reject, timer })
    })
  }

  async #negotiate(): Promise<void> {
    const api = { request: ApiVersionsRequest, response: ApiVersionsResponse }
    const software = { clientSoftwareName: 'ottla', clientSoftwareVersion: '0.1.0' }
    let answer = await this.#exchange(api, ApiVersionsRequest.versions.max, software)
    if (answer.errorCode === UNSUPPORTED_VERSION) {
      const best = answer.apiKeys.find(range => range.apiKey === ApiVersionsRequest.key)?.maxVersion ?? 0
      answer = await this.#exchange(api, Math.min(best, ApiVersionsRequest.versions.max), software)
    }
    if (answer.errorCode !== 0) throw new KafkaError(answer.errorCode, `ApiVersions from ${this.#name}`)
    this.#versions = new Map(
      answer.apiKeys.map(range => [range.apiKey, { min: range.minVersion, max: range.maxVersion }]),
    )
    this.#features = new Map(answer.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]))
  }

  #onData(bytes: Uint8Array): void {
    try {
      this.#frames.push(bytes)
      for (let frame = this.#frames.next(); frame; frame = this.#frames.next()) this.#onResponse(frame)
    } catch (error) {
      this.#socket.destroy(error as Error)
    }
  }

  #onResponse(frame: Uint8Array): void {
    const waiting = this.#inFlight.shift()
    if (!waiting) throw new ProtocolError('ERR_MALFORMED', `${this.#name} sent a response that nobody asked for`)
    waiting.timer.cancel()
    try {
      const { correlationId, body } = decodeAny(waiting, frame)
      if (correlationId !== waiting.correlationId) {
        throw new ProtocolError(
          'ERR_MALFORMED',
          `correlation id ${correlationId} where ${waiting.correlationId} was due`,
        )
      }
      waiting.resolve(body as never)
    } catch (error) {
      waiting.reject(error as Error)
      throw error
    }
  }

  #onClose(cause: Error | null): void {
    const timedOut = cause instanceof RequestTimeoutError
    const reason = cause ? cause.message : 'closed'
    this.#closed = timedOut ? cause : new ConnectionError(`connection to ${this.#name}: ${reason}`, { cause })
    for (const waiting of this.#inFlight.splice(0)) {
      waiting.timer.cancel()
      waiting.reject(this.#closed)
    }
    for (const resume of this.#onDrain.splice(0)) resume()
  }
}

/** A broker that does not know the version of ApiVersions answers in version 0 (KIP-511). */
function decodeAny(waiting: InFlight, frame: Uint8Array) {
  try {
    return decodeResponse(waiting.response, waiting.version, frame)
  } catch (error) {
    if (waiting.response !== ApiVersionsResponse || waiting.version === 0) throw error
    return decodeResponse(waiting.response, 0, frame)
  }
}
