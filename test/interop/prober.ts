/**
 * Asks a broker by the protocol itself, with every field and version in the asker's hands, and writes down what comes
 * back: one line an answer, in which everything that differs from run to run has a name of its own. What Apache Kafka
 * answered is kept in expected/, so that any other broker can be held against it.
 */
import { connect, type Socket } from 'node:net'
import {
  batches,
  decodeResponse,
  encodeRequest,
  errorName,
  FrameReader,
  type Init,
  type Message,
  type Of,
  ZERO_UUID,
} from '@ottla/protocol'
import { ApiVersionsRequest, ApiVersionsResponse } from '@ottla/protocol/messages/api-versions'

export interface Api<Request extends Message = Message, Response extends Message = Message> {
  readonly request: Request
  readonly response: Response
}

const MAX_RESPONSE_BYTES = 10_000_000
const TIMEOUT_MS = 20_000

const API_VERSIONS = { request: ApiVersionsRequest, response: ApiVersionsResponse }

/** The broker has closed the connection instead of answering. */
export class Closed extends Error {}

/** One connection. Like a client, it is silent until it is asked; answers come in order. */
export class Asker {
  readonly name: string
  readonly #socket: Socket
  #closed = false
  readonly #waiting: { resolve(frame: Uint8Array): void; reject(error: Error): void }[] = []
  #correlationId = 0

  constructor(name: string, bootstrap: string) {
    this.name = name
    const [host, port] = bootstrap.split(':')
    this.#socket = connect(Number(port), host)
    this.#socket.setNoDelay()
    const frames = new FrameReader(MAX_RESPONSE_BYTES)
    this.#socket.on('data', bytes => {
      frames.push(bytes)
      for (let frame = frames.next(); frame; frame = frames.next()) this.#waiting.shift()?.resolve(frame)
    })
    const fail = () => {
      this.#closed = true
      for (const { reject } of this.#waiting.splice(0)) reject(new Closed(`${name}: connection closed`))
    }
    this.#socket.on('error', fail)
    this.#socket.on('close', fail)
  }

  /** By the broker, or by `end`. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** Of a request that has no response: whether the broker goes on to serve the connection. */
  async tellOnly<Req extends Message, Res extends Message>(
    api: Api<Req, Res>,
    version: number,
    value: Init<Req>,
  ): Promise<boolean> {
    const header = { correlationId: ++this.#correlationId, clientId: this.name }
    for (const chunk of encodeRequest(api.request, version, header, value)) this.#socket.write(chunk)
    try {
      await this.ask(API_VERSIONS, 0, {})
      return true
    } catch (error) {
      if (error instanceof Closed) return false
      throw error
    }
  }

  async ask<Req extends Message, Res extends Message>(
    api: Api<Req, Res>,
    version: number,
    value: Init<Req>,
  ): Promise<Of<Res>> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    this.#waiting.push({ resolve, reject })
    const header = { correlationId: ++this.#correlationId, clientId: this.name }
    for (const chunk of encodeRequest(api.request, version, header, value)) this.#socket.write(chunk)
    const late = setTimeout(
      () => reject(new Error(`${this.name}: no answer to ${api.request.name} v${version}`)),
      TIMEOUT_MS,
    )
    try {
      return decodeResponse(api.response, version, await promise).body
    } finally {
      clearTimeout(late)
    }
  }

  end(): void {
    this.#socket.destroy()
  }
}

/** What is not worth a line: it says the same everywhere, or something about the machine. */
const LEFT_OUT = new Set(['throttleTimeMs', 'host', 'port', 'clientHost', 'committedLeaderEpoch'])
const WORDS = new Set(['errorMessage', 'batchIndexErrorMessage', 'statusDetail'])
const TIMES = new Set(['timestamp', 'logAppendTimeMs', 'transactionStartTimeMs'])
const NOW_MS = 1_000_000
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

export class Notes {
  readonly lines: string[] = []
  readonly #names = new Map<string, string>()

  /** A random thing by the order in which they came up. */
  #named(random: string, kind: string): string {
    const known = this.#names.get(random)
    if (known) return known
    const name = `${kind}${this.#names.size + 1}`
    this.#names.set(random, name)
    return name
  }

  /** A name for what will come up, such as a topic id. */
  name(random: string, name: string): void {
    this.#names.set(random, name)
  }

  /** As `name`, numbered by kind, for what has no name yet. */
  nameOnce(random: number, kind: string): void {
    this.#named(String(random), kind)
  }

  /** Rejects with Closed, after a line that says so, where the connection is closed instead. */
  async tell<Response extends object>(what: string, answer: Response | Promise<Response>): Promise<Response> {
    try {
      const response = await answer
      this.lines.push(`${what}: ${this.#show(response) || 'nothing'}`)
      return response
    } catch (error) {
      if (error instanceof Closed) this.lines.push(`${what}: closed`)
      throw error
    }
  }

  #show(value: object): string {
    const failed = (value as { errorCode?: number }).errorCode
    return Object.entries(value)
      .flatMap(([name, field]) => {
        if (LEFT_OUT.has(name)) return []
        // Words are everybody's own.
        if (WORDS.has(name) && (failed || field !== null)) return []
        if (TIMES.has(name) && Math.abs(field - Date.now()) < NOW_MS) return [`${name}=now`]
        if (name === 'errorCode') return field === 0 ? [] : [errorName(field)]
        const text = name === 'records' ? offsetsOf(field) : this.#value(field)
        return text === '' ? [] : [`${name}=${text}`]
      })
      .join(' ')
  }

  #value(value: unknown): string {
    if (value === null) return 'null'
    if (value === undefined || value === false || value === '' || value === ZERO_UUID) return ''
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
    if (Array.isArray(value)) {
      const items = value.map(item => (typeof item === 'object' ? `(${this.#show(item)})` : this.#value(item)))
      return items.length === 0 ? '' : `[${items.sort().join(' ')}]`
    }
    if (typeof value === 'object') return Object.values(value).every(field => field === -1) ? '' : this.#show(value)
    const text = String(value)
    return this.#names.get(text) ?? text.replaceAll(UUID, random => this.#named(random, 'R'))
  }
}

/** Of record batches, their offsets. */
function offsetsOf(records: unknown): string {
  if (!(records instanceof Uint8Array)) return records === null ? 'null' : ''
  const found = [...batches(records, 'skip')]
  return found.map(({ baseOffset, lastOffset }) => `${baseOffset}-${lastOffset}`).join(',')
}
