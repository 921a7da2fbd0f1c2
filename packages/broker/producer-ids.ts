/** Producer ids for this broker, from blocks that the controller hands out, so that no two producers ever share one. */

export interface ProducerIdBlock {
  readonly producerIdStart: number
  readonly producerIdLen: number
}

export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>
  #next = 0
  #end = 0
  #allocating: Promise<void> | null = null

  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate
  }

  /** Rejects with the controller's error; the next call asks it again. */
  async next(): Promise<number> {
    while (this.#next >= this.#end) await this.#refill()
    return this.#next++
  }

  /** However many wait, the controller is asked once. */
  #refill(): Promise<void> {
    this.#allocating ??= this.#allocate().then(
      ({ producerIdStart, producerIdLen }) => {
        this.#next = producerIdStart
        this.#end = producerIdStart + producerIdLen
        this.#allocating = null
      },
      error => {
        this.#allocating = null
        throw error
      },
    )
    return this.#allocating
  }
}
