/**
 * A server with handlers of the test's own over the memory network, and clients that send whatever bytes they like. The
 * handlers answer when the test says so; everything between the socket and them is the product.
 */
import type { Connection } from '@ottla/io'
import { type MemoryWorld, type MemoryWorldOptions, memoryWorld } from '@ottla/io/memory'
import { encodeRequest, FrameReader, type Init, type Message } from '@ottla/protocol'
import { HeartbeatRequest, HeartbeatResponse } from '@ottla/protocol/messages/heartbeat'
import { LeaveGroupRequest, LeaveGroupResponse } from '@ottla/protocol/messages/leave-group'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { ProduceRequest, ProduceResponse } from '@ottla/protocol/messages/produce'
import { ApiError, ConnectionClosingError } from '../../errors.ts'
import { apiVersions } from '../../handlers/api-versions.ts'
import { defineHandler, type Handler, type RequestContext } from '../../handlers/handler.ts'
import { metadata } from '../../handlers/metadata.ts'
import { MetadataCache } from '../../metadata-cache.ts'
import { RequestMetrics } from '../../metrics/index.ts'
import { type ConnectionLimits, Quotas } from '../../quota/index.ts'
import type { Services } from '../../services.ts'
import { RequestMemory } from '../request-memory.ts'
import { Router } from '../router.ts'
import { Server, type ServerOptions } from '../server.ts'

export const PORT = 9092
const WINDOW = { count: 11, sizeMs: 1000 }
const METRICS_WINDOWS = { count: 2, lengthMs: 30_000 }
const MAX_FRAME_BYTES = 4 * 1024 * 1024

interface Held {
  readonly groupId: string
  readonly context: RequestContext
  answer(): void
  fail(error: Error): void
}

type Options = Partial<Omit<ServerOptions, 'world' | 'memory' | 'limits'>> & {
  readonly memoryBytes?: number
  readonly limits?: Partial<ConnectionLimits>
}

export const NO_LIMITS: ConnectionLimits = {
  maxConnections: Number.MAX_SAFE_INTEGER,
  maxCreationRate: Number.MAX_SAFE_INTEGER,
  maxConnectionsPerIp: Number.MAX_SAFE_INTEGER,
  maxConnectionsPerIpOverrides: new Map(),
  listeners: new Map(),
}

export class RawServer {
  readonly world: MemoryWorld
  readonly server: Server
  readonly memory: RequestMemory
  readonly quotas = new Quotas({ window: WINDOW, controllerWindow: WINDOW, metricsWindows: METRICS_WINDOWS })
  /**
   * Heartbeats whose group id begins with `hold`, in the order of arrival, until the test answers them. Who sends one
   * that begins with `throttle` is not heard for a second.
   */
  readonly held: Held[] = []
  #router: Router | null = null
  /** Group ids of all heartbeats, in the order in which they were handled. */
  readonly handled: string[] = []

  constructor(world: MemoryWorld, { memoryBytes, limits = {}, ...options }: Options) {
    this.world = world
    this.memory = new RequestMemory(memoryBytes ?? 256 * 1024 * 1024)
    this.server = new Server({
      world,
      memory: this.memory,
      socketRequestMaxBytes: MAX_FRAME_BYTES,
      socketListenBacklogSize: 50,
      connectionsMaxIdleMs: -1,
      quotaWindow: WINDOW,
      metricsWindows: METRICS_WINDOWS,
      protectedListener: null,
      ...options,
      limits: { ...NO_LIMITS, ...limits },
    })
  }

  async start(): Promise<void> {
    const services = {
      world: this.world,
      metadata: new MetadataCache('cluster'),
      quotas: this.quotas,
      apis: () => [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
    } as unknown as Services
    this.#router = new Router(
      [apiVersions, this.#heartbeat(), this.#leaveGroup(), echo, produce],
      services,
      new RequestMetrics({ count: 2, lengthMs: 30_000 }),
    )
    await this.listen('PLAINTEXT', PORT)
    this.server.serve()
  }

  async listen(name: string, port: number): Promise<void> {
    const router = () => this.#router!
    await this.world.runUntil(this.server.listen({ name, role: 'broker', host: '', port, router }))
  }

  async connect(from: MemoryWorld = this.world, port = PORT): Promise<RawClient> {
    const host = from === this.world ? '127.0.0.1' : this.world.name
    return new RawClient(await this.world.runUntil(from.network.connect({ host, port })))
  }

  /** All that can happen without time passing has happened. */
  settle(): Promise<void> {
    return this.world.advance(0)
  }

  #heartbeat(): Handler {
    return defineHandler({
      request: HeartbeatRequest,
      response: HeartbeatResponse,
      handle: ({ groupId, generationId }, context) => {
        this.handled.push(groupId)
        if (groupId.startsWith('throttle')) context.throttle(1000, this.quotas.produce)
        if (!groupId.startsWith('hold')) return { throttleTimeMs: generationId }
        return this.#hold(groupId, context, { throttleTimeMs: generationId })
      },
    })
  }

  /** Always held. */
  #leaveGroup(): Handler {
    return defineHandler({
      request: LeaveGroupRequest,
      response: LeaveGroupResponse,
      handle: ({ groupId }, context) => this.#hold(groupId, context, {}),
    })
  }

  #hold<Response>(groupId: string, context: RequestContext, response: Response): Promise<Response> {
    return new Promise((resolve, reject) =>
      this.held.push({ groupId, context, answer: () => resolve(response), fail: reject }),
    )
  }
}

/** Answers with as many topics as were asked for: large requests, large responses. For one named so it is too late. */
const echo: Handler = defineHandler({
  request: MetadataRequest,
  response: MetadataResponse,
  handle({ topics }) {
    if (topics?.some(({ name }) => name === 'timeout')) throw new ApiError('REQUEST_TIMED_OUT', 'too late')
    return { topics: (topics ?? []).map(({ name }) => ({ name })) }
  },
  failed: (request, failure, apiVersion) => metadata.failed!(request as never, failure, apiVersion) as never,
})

/** Closes the connection, as acks=0 that failed. */
const produce: Handler = defineHandler({
  request: ProduceRequest,
  response: ProduceResponse,
  handle: async () => {
    throw new ConnectionClosingError('produce with acks=0 failed')
  },
})

export async function rawServer({
  world,
  ...options
}: Options & { readonly world?: MemoryWorldOptions } = {}): Promise<RawServer> {
  const server = new RawServer(memoryWorld({ logLevel: 'debug', name: 'server', ...world }), options)
  await server.start()
  return server
}

export class RawClient {
  readonly connection: Connection
  readonly frames: Uint8Array[] = []
  receivedBytes = 0
  isClosed = false
  readonly #reader = new FrameReader(256 * 1024 * 1024)

  constructor(connection: Connection) {
    this.connection = connection
    connection.start({
      onData: bytes => {
        this.receivedBytes += bytes.length
        this.#reader.push(bytes)
        for (let frame = this.#reader.next(); frame; frame = this.#reader.next()) this.frames.push(frame)
      },
      onDrain: () => {},
      onClose: () => {
        this.isClosed = true
      },
    })
  }

  send(bytes: Uint8Array): void {
    this.connection.write([bytes])
  }

  /** Correlation ids of the responses so far. */
  get answers(): number[] {
    return this.frames.map(frame => Buffer.from(frame).readInt32BE(0))
  }
}

/** With its size in front. */
export function frame<M extends Message>(schema: M, version: number, correlationId: number, value: Init<M>): Buffer {
  return Buffer.concat(encodeRequest(schema, version, { correlationId, clientId: 'test' }, value))
}

export function heartbeat(correlationId: number, groupId = 'g', memberId = ''): Buffer {
  return frame(HeartbeatRequest, 4, correlationId, { groupId, memberId, generationId: correlationId })
}

/** Of about so many bytes. */
export function largeHeartbeat(correlationId: number, sizeInBytes: number, groupId = 'g'): Buffer {
  // What follows the message is passed over.
  const plain = heartbeat(correlationId, groupId)
  const filler = Buffer.alloc(sizeInBytes)
  const large = Buffer.concat([plain, filler])
  large.writeInt32BE(large.length - 4, 0)
  return large
}

export function sized(body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + body.length)
  bytes.writeInt32BE(body.length, 0)
  bytes.set(body, 4)
  return bytes
}
