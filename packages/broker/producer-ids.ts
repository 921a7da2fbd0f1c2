/**
 * Producer ids for this broker, from blocks that the controller hands out, so that no two producers ever share one. The
 * next block is asked for before the one at hand is used up.
 */

export interface ProducerIdBlock {
  readonly producerIdStart: number
  readonly producerIdLen: number
}

/** Of a block: when so much of it is used, the next one is asked for. */
const REFILL_AT = 0.9

export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>
  #next = 0
  #end = 0
  #refillAt = 0
  /** Comes after the one at hand. */
  #spare: ProducerIdBlock | null = null
  #allocating: Promise<void> | null = null

  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate
  }

  /** Rejects with the controller's error; the next call asks it again. */
  async next(): Promise<number> {
    for (;;) {
      const producerId = this.take()
      if (producerId !== null) return producerId
      await this.#refill()
    }
  }

  /** Resolves when `take` has one to give; rejects as `next`. */
  async whenReady(): Promise<void> {
    while (!this.#hasNext()) await this.#refill()
  }

  /** null: none is at hand. */
  take(): number | null {
    if (!this.#hasNext()) return null
    const producerId = this.#next++
    // Nobody waits for it: who needs one and finds none asks again.
    if (this.#next >= this.#refillAt && !this.#spare) this.#refill().catch(() => undefined)
    return producerId
  }

  #hasNext(): boolean {
    if (this.#next < this.#end) return true
    if (!this.#spare) return false
    const { producerIdStart, producerIdLen } = this.#spare
    this.#spare = null
    this.#next = producerIdStart
    this.#end = producerIdStart + producerIdLen
    this.#refillAt = producerIdStart + Math.floor(producerIdLen * REFILL_AT)
    return this.#next < this.#end
  }

  /** However many wait, the controller is asked once. */
  #refill(): Promise<void> {
    this.#allocating ??= this.#allocate()
      .then(block => {
        this.#spare = block
      })
      .finally(() => {
        this.#allocating = null
      })
    return this.#allocating
  }
}
