/**
 * Bounds the memory that the indexes of closed segments take, over all logs: loaded when first needed, dropped when
 * others were used since and there is no room. Those of active segments are small, change, and always stay.
 */
export interface CachedIndexes {
  /** What they take; called when they were loaded. */
  readonly indexBytes: number
  /** Drops them; they are in their files as they are here. */
  unloadIndexes(): void
}

export class IndexCache {
  readonly #limit: number
  /** Least recently used first. */
  readonly #loaded = new Map<CachedIndexes, number>()
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Call each time that a closed segment's indexes are used. */
  used(owner: CachedIndexes): void {
    this.forget(owner)
    const bytes = owner.indexBytes
    this.#loaded.set(owner, bytes)
    this.#bytes += bytes
    for (const [other, otherBytes] of this.#loaded) {
      if (this.#bytes <= this.#limit || other === owner) break
      this.#loaded.delete(other)
      this.#bytes -= otherBytes
      other.unloadIndexes()
    }
  }

  /** The segment is deleted or active again. */
  forget(owner: CachedIndexes): void {
    this.#bytes -= this.#loaded.get(owner) ?? 0
    this.#loaded.delete(owner)
  }
}
