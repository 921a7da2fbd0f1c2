/** Randomness from the operating system, fetched in blocks: one call into it costs more than a thousand draws. */
import { randomFillSync } from 'node:crypto'
import { RandomSource } from '../random.ts'

const BLOCK = 1024

export class NodeRandom extends RandomSource {
  readonly #block = new Uint32Array(BLOCK)
  #next = BLOCK

  protected override next32(): number {
    if (this.#next === BLOCK) {
      randomFillSync(this.#block)
      this.#next = 0
    }
    const value = this.#block[this.#next]!
    // Passwords and keys are made of these: a value that was handed out is not kept.
    this.#block[this.#next++] = 0
    return value
  }

  override bytes(length: number): Uint8Array {
    return length < BLOCK ? super.bytes(length) : randomFillSync(new Uint8Array(length))
  }
}
