/** A peer that sends what no client would: noise, frames without an end, lengths that are lies; or nothing at all. */
import type { Connection } from '@ottla/io'
import { Actor } from './actor.ts'
import { pick } from './setup.ts'
import { NODE, PORT } from './simulation.ts'

export class Vandal extends Actor {
  protected override readonly pauseMs = [50, 300] as const

  protected override async step(): Promise<void> {
    const connection = await this.#connect()
    if (!connection) return
    const closed = Promise.withResolvers<void>()
    connection.start({ onData: () => undefined, onDrain: () => undefined, onClose: () => closed.resolve() })
    for (let i = this.random.integer(4); i > 0; i--) connection.write([this.#bytes()])
    await this.sim.pause(this.random.between(0, 300))
    if (this.random.chance(0.5)) connection.end()
    else connection.destroy()
    await closed.promise
  }

  protected override async finish(): Promise<void> {}

  async #connect(): Promise<Connection | null> {
    try {
      return await this.links.world.network.connect({ host: NODE, port: PORT, timeoutMs: 500 })
    } catch {
      // The node may be down; nothing is expected of it.
      return null
    }
  }

  #bytes(): Uint8Array {
    const noise = this.random.bytes(1 + this.random.integer(200))
    const header = Buffer.alloc(4)
    switch (this.random.integer(4)) {
      case 0:
        return noise
      case 1: // A frame of noise that is whole.
        header.writeInt32BE(noise.length)
        return Buffer.concat([header, noise])
      case 2: // One that promises more than it has.
        header.writeInt32BE(noise.length + 1 + this.random.integer(100_000))
        return Buffer.concat([header, noise])
      default:
        header.writeInt32BE(pick(this.random, [-1, 0, 0x7fffffff, -(2 ** 31)]))
        return header
    }
  }
}
