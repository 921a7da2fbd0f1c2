/**
 * The few bytes of Kafka's protocol that the suite itself speaks over plain sockets, written out by hand: what is sent
 * here is often wrong on purpose, so nothing of the product's own encoder is used.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export const PRODUCE = 0
const FETCH = 1
export const METADATA = 3
export const API_VERSIONS = 18

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export function string(text: string): Buffer {
  return Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)])
}

/** A request of a version that is not flexible: header v1, then the body. */
export function request(apiKey: number, version: number, correlationId: number, body: Buffer): Buffer {
  const rest = Buffer.concat([int16(apiKey), int16(version), int32(correlationId), string('interop'), body])
  return Buffer.concat([int32(rest.length), rest])
}

export const apiVersions = (correlationId: number): Buffer => request(API_VERSIONS, 0, correlationId, Buffer.alloc(0))

/** Fetch v4 of one partition from an offset, as much as it holds up to `maxBytes`. */
export function fetch(
  correlationId: number,
  topic: string,
  partition: number,
  offset: number,
  maxBytes: number,
): Buffer {
  const place = Buffer.alloc(8)
  place.writeBigInt64BE(BigInt(offset))
  const partitionPart = Buffer.concat([int32(1), int32(partition), place, int32(maxBytes)])
  const replicaWaitMinMax = Buffer.concat([int32(-1), int32(100), int32(1), int32(maxBytes)])
  const isolation = Buffer.from([0])
  const body = Buffer.concat([replicaWaitMinMax, isolation, int32(1), string(topic), partitionPart])
  return request(FETCH, 4, correlationId, body)
}

/** A plain connection that keeps what comes in. */
export class Wire {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #closed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', bytes => {
      this.#received = Buffer.concat([this.#received, bytes])
    })
    socket.on('error', () => {}) // a reset is a way of closing
    socket.on('close', () => {
      this.#closed = true
    })
  }

  static async open(bootstrap: string): Promise<Wire> {
    const [host, port] = bootstrap.split(':')
    const socket = connect(Number(port), host)
    await once(socket, 'connect')
    return new Wire(socket)
  }

  get closed(): boolean {
    return this.#closed
  }

  get receivedBytes(): number {
    return this.#received.length
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  /** The next whole response: its correlation id and what follows; null if the broker closes instead. */
  async response(timeoutMs = 5000): Promise<{ correlationId: number; body: Buffer } | null> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const length = this.#received.length >= 4 ? this.#received.readInt32BE(0) : Number.POSITIVE_INFINITY
      if (this.#received.length >= 4 + length) {
        const frame = this.#received.subarray(4, 4 + length)
        this.#received = this.#received.subarray(4 + length)
        return { correlationId: frame.readInt32BE(0), body: frame.subarray(4) }
      }
      if (this.#closed) return null
      if (performance.now() > deadline) throw new Error(`neither a response nor a close within ${timeoutMs / 1000} s`)
      await sleep(2)
    }
  }

  /** Waits until the broker has closed the connection; whether it did. */
  async closes(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    while (!this.#closed && performance.now() < deadline) await sleep(5)
    return this.#closed
  }

  end(): void {
    this.socket.destroy()
  }
}
