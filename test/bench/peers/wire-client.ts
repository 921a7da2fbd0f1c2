/**
 * A connection for benchmarks. `send` takes requests that were encoded beforehand, so that the time measured is the
 * broker's; `ask` is for what is not measured, or costs little beside what the broker does for it.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeResponse, encodeRequest, FrameReader, type Init, type Message, type Of } from '@ottla/protocol'

const TRIES = 300
const PAUSE_MS = 100

/** One API: the schemas of its request and response. */
export interface Api<Request extends Message, Response extends Message> {
  readonly request: Request
  readonly response: Response
}

export class WireClient {
  readonly #socket: Socket
  readonly #frames = new FrameReader(100_000_000)
  #answered: ((response: Uint8Array) => void)[] = []
  #failed: ((error: Error) => void)[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', bytes => {
      this.#frames.push(bytes)
      for (let response = this.#frames.next(); response; response = this.#frames.next()) {
        this.#failed.shift()
        this.#answered.shift()!(response)
      }
    })
    socket.on('error', error => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the broker has closed the connection')))
  }

  static connect(port: number): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port }, () => {
        socket.off('error', reject)
        resolve(new WireClient(socket))
      })
      socket.once('error', reject)
    })
  }

  /** Resolves when the answer is there. */
  send(request: Uint8Array): Promise<Uint8Array> {
    this.#socket.write(request)
    return new Promise((resolve, reject) => {
      this.#answered.push(resolve)
      this.#failed.push(reject)
    })
  }

  async ask<Request extends Message, Response extends Message>(
    { request, response }: Api<Request, Response>,
    version: number,
    value: Init<Request>,
  ): Promise<Of<Response>> {
    return decodeResponse(response, version, await this.send(frame(request, version, value))).body
  }

  close(): void {
    this.#socket.destroy()
  }

  #fail(error: Error): void {
    for (const reject of this.#failed) reject(error)
    this.#answered = []
    this.#failed = []
  }
}

export function frame<M extends Message>(schema: M, version: number, value: Init<M>): Buffer {
  return Buffer.concat(encodeRequest(schema, version, { correlationId: 1, clientId: 'bench' }, value))
}

export async function connectAll(port: number, count: number): Promise<WireClient[]> {
  const clients: WireClient[] = []
  while (clients.length < count) clients.push(await WireClient.connect(port))
  return clients
}

/** Tries until it is so. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    if (tries === TRIES) throw new Error(`${what}: in vain`)
    await sleep(PAUSE_MS)
  }
}
