/** Runs tasks of the same name one after the other, in the order of the calls; those of other names side by side. */
export class Serial {
  readonly #last = new Map<string, Promise<unknown>>()

  run<T>(name: string, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name)
    const result = before ? before.then(task, task) : task()
    const forget = (): void => {
      if (this.#last.get(name) === result) this.#last.delete(name)
    }
    this.#last.set(name, result)
    result.then(forget, forget)
    return result
  }

  /** Resolves when all that was asked for up to now is done; never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#last.values())
  }
}
