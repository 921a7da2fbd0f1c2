/** How often each of some words is there. */
export class Counts {
  readonly #counts = new Map<string, number>()

  /** Of different words. */
  get size(): number {
    return this.#counts.size
  }

  add(word: string | undefined, difference: 1 | -1): void {
    if (word === undefined) return
    const count = this.of(word) + difference
    if (count === 0) this.#counts.delete(word)
    else this.#counts.set(word, count)
  }

  of(word: string): number {
    return this.#counts.get(word) ?? 0
  }

  keys(): Iterable<string> {
    return this.#counts.keys()
  }

  /** Of the word that came first; 0: there is none. */
  first(): number {
    return this.#counts.values().next().value ?? 0
  }

  /** Which of these is there most often, the first one if several are; undefined: none of them is there. */
  most(words: readonly string[]): string | undefined {
    let most: string | undefined
    for (const word of words) if (this.of(word) > (most === undefined ? 0 : this.of(most))) most = word
    return most
  }
}
