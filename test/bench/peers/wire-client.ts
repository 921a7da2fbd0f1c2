/** A connection for benchmarks: requests are encoded beforehand, so that the time measured is the broker's. */
import { connect, type Socket } from 'node:net'
import { encodeRequest, FrameReader, type Init, type Message } from '@ottla/protocol'

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
