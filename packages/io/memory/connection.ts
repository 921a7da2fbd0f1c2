/**
 * One end of a connection in memory. It behaves as node/network.ts makes a TCP socket behave; what differs is that the
 * "kernel" is here: `windowBytes` of what was sent may be under way or unread, the rest waits with the sender.
 *
 * Bytes are copied on their way, once, as by a kernel: neither side may see what the other does to its buffers later.
 * Packets carry numbers, because the network may bring them in any order; a reset carries none and overtakes them.
 */
import { NetworkError, peerName } from '../errors.ts'
import type { Clock, Connection, ConnectionHandlers, Timer } from '../io.ts'
import type { SeededRandom } from './random.ts'

/** As in node/network.ts. */
const LINGER_MS = 2000

/** Bytes, or null: the end. */
type Packet = Buffer | null

/** What brings its packets to the other end, and what it may do to them. */
export interface Wire {
  readonly clock: Clock
  readonly random: SeededRandom
  readonly resetProbability: number
  readonly maxQueuedBytes: number
  readonly windowBytes: number
  readonly fragments: boolean
  readonly trace: ((event: string) => void) | undefined
  transmit(from: string, to: string, deliver: () => void): void
  find(host: string): { readonly isUp: boolean } | null
}

/** Whose end it is. */
export interface ConnectionOwner {
  readonly name: string
  readonly isUp: boolean
  add(connection: MemoryConnection): void
  delete(connection: MemoryConnection): void
}

export class MemoryConnection implements Connection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly #wire: Wire
  readonly #owner: ConnectionOwner
  readonly #remoteHost: string
  #peer: MemoryConnection | null = null
  #handlers: ConnectionHandlers | null = null
  /** 'dead': the process is gone, and nobody is told anything any more. */
  #state: 'open' | 'ending' | 'closed' | 'dead' = 'open'
  #error: Error | null = null
  #isReported = false
  #linger: Timer | null = null

  // What goes out.
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  /** Taken from the queue and not yet read by the peer's program. */
  #unreadByPeer = 0
  /** To be told when the queue is empty. */
  #onTaken: (() => void)[] = []
  #nextToSend = 0
  #needsDrain = false
  #isEndSent = false
  #isWindowUpdateDue = false

  // What comes in.
  #isPaused = false
  #isDelivering = false
  #nextToReceive = 0
  readonly #early = new Map<number, Packet>()
  #unread: Packet[] = []

  private constructor(wire: Wire, owner: ConnectionOwner, localPort: number, remote: Remote) {
    this.#wire = wire
    this.#owner = owner
    this.#remoteHost = remote.host
    this.localPort = localPort
    this.remoteAddress = remote.address
    this.remotePort = remote.port
    owner.add(this)
  }

  /** Both ends, the connecting one first. */
  static pair(
    wire: Wire,
    near: ConnectionOwner,
    nearPort: number,
    far: ConnectionOwner,
    farPort: number,
  ): [MemoryConnection, MemoryConnection] {
    const address = (owner: ConnectionOwner): string => (near === far ? '127.0.0.1' : owner.name)
    const toFar = { host: far.name, address: address(far), port: farPort }
    const toNear = { host: near.name, address: address(near), port: nearPort }
    const nearEnd = new MemoryConnection(wire, near, nearPort, toFar)
    const farEnd = new MemoryConnection(wire, far, farPort, toNear)
    nearEnd.#peer = farEnd
    farEnd.#peer = nearEnd
    return [nearEnd, farEnd]
  }

  // ----------------------------------------------------------------------------------------------------- Connection

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  start(handlers: ConnectionHandlers): void {
    if (this.#handlers) throw new Error('the connection has been started')
    this.#handlers = handlers
    this.#wire.clock.nextTurn(() => (this.#state === 'closed' ? this.#report() : this.#deliver()))
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#wire.clock.nextTurn(() => this.#deliver())
  }

  write(chunks: readonly Uint8Array[], onTaken: (() => void) | null = null): boolean {
    if (this.#state !== 'open') return false
    if (onTaken) this.#onTaken.push(onTaken)
    for (const chunk of chunks) {
      if (chunk.length === 0) continue
      this.#queue.push(chunk)
      this.#queuedBytes += chunk.length
    }
    if (this.#wire.random.chance(this.#wire.resetProbability)) {
      this.reset()
      return false
    }
    this.#pump()
    if (this.#queuedBytes < this.#wire.maxQueuedBytes) return true
    this.#needsDrain = true
    return false
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    const unread = this.#unread
    this.#unread = []
    for (const packet of unread) this.#take(packet)
    this.#pump()
  }

  destroy(reason?: Error): void {
    if (this.#state === 'closed' || this.#state === 'dead') return
    if (this.#unread.some(packet => packet !== null)) this.#sendReset()
    else this.#sendEnd()
    this.#close(reason ?? null)
  }

  // ----------------------------------------------------------------------------------------------------- simulation

  /** The connection is torn down from outside, for both ends. */
  reset(): void {
    this.#sendReset()
    this.#close(this.#resetError())
  }

  /** The process that has this end is gone. */
  die(tellPeer: boolean): void {
    if (this.#state === 'closed' || this.#state === 'dead') return
    this.#state = 'dead'
    this.#linger?.cancel()
    this.#owner.delete(this)
    if (tellPeer) this.#sendReset()
  }

  // ---------------------------------------------------------------------------------------------------------- sending

  /** Sends what the window allows; the end, once all before it has gone. */
  #pump(): void {
    while (this.#queuedBytes > 0) {
      const allowed = this.#wire.windowBytes - this.#unreadByPeer
      if (allowed <= 0) return
      this.#send(this.#takeFromQueue(this.#fragment(Math.min(allowed, this.#queuedBytes))))
    }
    for (const onTaken of this.#onTaken.splice(0)) onTaken()
    if (this.#state === 'ending' && !this.#isEndSent) {
      this.#sendEnd()
      this.#linger = this.#wire.clock.setTimer(LINGER_MS, () => {
        if (this.#state === 'ending') this.#close(null)
      })
    }
  }

  #fragment(length: number): number {
    const { fragments, random } = this.#wire
    return fragments && length > 1 && random.chance(0.5) ? 1 + random.integer(length) : length
  }

  #takeFromQueue(length: number): Buffer {
    let packet: Buffer
    if (length === this.#queuedBytes) {
      packet = Buffer.concat(this.#queue, length)
      this.#queue = []
    } else {
      packet = Buffer.allocUnsafe(length)
      let done = 0
      let chunks = 0
      while (done < length) {
        const chunk = this.#queue[chunks]!
        const part = chunk.subarray(0, length - done)
        packet.set(part, done)
        done += part.length
        if (part.length === chunk.length) chunks++
        else this.#queue[chunks] = chunk.subarray(part.length)
      }
      this.#queue.splice(0, chunks)
    }
    this.#queuedBytes -= length
    return packet
  }

  #send(packet: Packet): void {
    const number = this.#nextToSend++
    this.#unreadByPeer += packet?.length ?? 0
    const peer = this.#peer
    this.#wire.transmit(this.#owner.name, this.#remoteHost, () => peer?.receive(number, packet))
  }

  #sendEnd(): void {
    if (this.#isEndSent) return
    this.#isEndSent = true
    this.#send(null)
  }

  #sendReset(): void {
    const peer = this.#peer
    this.#wire.transmit(this.#owner.name, this.#remoteHost, () => peer?.receiveReset())
  }

  /** The peer's program has read so much: the window is open again. */
  acknowledge(length: number): void {
    this.#unreadByPeer -= length
    if (this.#queuedBytes === 0 || this.#isWindowUpdateDue) return
    this.#isWindowUpdateDue = true
    this.#wire.transmit(this.#remoteHost, this.#owner.name, () => {
      this.#isWindowUpdateDue = false
      if (this.#state !== 'open' && this.#state !== 'ending') return
      this.#pump()
      if (this.#queuedBytes > 0 || !this.#needsDrain) return
      this.#needsDrain = false
      if (this.#state === 'open') this.#handlers?.onDrain()
    })
  }

  // -------------------------------------------------------------------------------------------------------- receiving

  receive(number: number, packet: Packet): void {
    this.#trace(packet ? `${packet.length}` : 'end')
    if (this.#state === 'closed' || this.#state === 'dead') {
      // Nobody is here any more: the host says so, if there is a running one of that name.
      if (packet && this.#wire.find(this.#owner.name)?.isUp) this.#sendReset()
      return
    }
    this.#early.set(number, packet)
    for (let next = this.#early.get(this.#nextToReceive); next !== undefined; ) {
      this.#early.delete(this.#nextToReceive++)
      if (this.#state === 'ending') this.#take(next)
      else this.#unread.push(next)
      next = this.#early.get(this.#nextToReceive)
    }
    this.#deliver()
  }

  receiveReset(): void {
    this.#trace('reset')
    if (this.#state === 'closed' || this.#state === 'dead') return
    this.#unread = []
    // After the last byte was sent in order, how the peer leaves is of no interest.
    this.#close(this.#state === 'ending' && this.#isEndSent ? null : this.#resetError())
  }

  /** Hands what has come to the program, as long as it wants any. */
  #deliver(): void {
    if (this.#isDelivering) return
    this.#isDelivering = true
    try {
      while (this.#handlers && !this.#isPaused && this.#state === 'open' && this.#unread.length > 0) {
        const packet = this.#unread.shift()!
        if (packet) {
          this.#handlers.onData(this.#received(packet))
        } else {
          this.#take(packet)
        }
      }
    } finally {
      this.#isDelivering = false
    }
  }

  /** As much of `packet` as there is room for where the program wants it; the rest stays unread. */
  #received(packet: Buffer): Uint8Array {
    const target = this.#handlers?.target?.()
    const part = target ? packet.subarray(0, target.length) : packet
    if (part.length < packet.length) this.#unread.unshift(packet.subarray(part.length))
    this.#peer?.acknowledge(part.length)
    if (!target) return part
    target.set(part)
    return target.subarray(0, part.length)
  }

  /** What the program does not want to see: bytes that come after it ended its side, and the peer's end. */
  #take(packet: Packet): void {
    if (packet) {
      this.#peer?.acknowledge(packet.length)
      return
    }
    this.#sendEnd()
    this.#close(null)
  }

  // ---------------------------------------------------------------------------------------------------------- closing

  #close(error: Error | null): void {
    if (this.#state === 'closed' || this.#state === 'dead') return
    this.#state = 'closed'
    this.#error = error
    this.#queue = []
    this.#queuedBytes = 0
    this.#onTaken = []
    this.#early.clear()
    this.#unread = []
    this.#linger?.cancel()
    this.#owner.delete(this)
    this.#wire.clock.nextTurn(() => this.#report())
  }

  #report(): void {
    if (this.#isReported || !this.#handlers || !this.#owner.isUp) return
    this.#isReported = true
    this.#handlers.onClose(this.#error)
  }

  #resetError(): NetworkError {
    return new NetworkError('ECONNRESET', peerName(this.remoteAddress, this.remotePort))
  }

  #trace(what: string): void {
    const { trace } = this.#wire
    trace?.(`net ${this.remoteAddress}:${this.remotePort} > ${this.#owner.name}:${this.localPort} ${what}`)
  }
}

interface Remote {
  readonly host: string
  readonly address: string
  readonly port: number
}
