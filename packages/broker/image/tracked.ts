/** Maps that copy what they change, and remember which keys that was: the parts a `DeltaBuilder` is made of. */
import type { PersistentMap, PersistentMapDraft } from './persistent-map.ts'

/** Over a small map, copied as a whole at the first change. */
export class TrackedMap<K, V> {
  readonly keys = new Set<K>()
  readonly #base: ReadonlyMap<K, V>
  #copy: Map<K, V> | null = null

  constructor(base: ReadonlyMap<K, V>) {
    this.#base = base
  }

  get(key: K): V | undefined {
    return (this.#copy ?? this.#base).get(key)
  }

  set(key: K, value: V): void {
    if (this.get(key) === value) return
    this.keys.add(key)
    this.#copy ??= new Map(this.#base)
    this.#copy.set(key, value)
  }

  delete(key: K): boolean {
    if (!(this.#copy ?? this.#base).has(key)) return false
    this.keys.add(key)
    this.#copy ??= new Map(this.#base)
    return this.#copy.delete(key)
  }

  /** Counts the key as changed whatever happens to it. */
  touch(key: K): this {
    this.keys.add(key)
    return this
  }

  done(): ReadonlyMap<K, V> {
    return this.#copy ?? this.#base
  }
}

/** The same over a map that may be large. */
export class TrackedTrie<V> {
  readonly keys = new Set<string>()
  readonly #base: PersistentMap<V>
  #draft: PersistentMapDraft<V> | null = null

  constructor(base: PersistentMap<V>) {
    this.#base = base
  }

  get(key: string): V | undefined {
    return (this.#draft ?? this.#base).get(key)
  }

  has(key: string): boolean {
    return (this.#draft ?? this.#base).has(key)
  }

  set(key: string, value: V): void {
    this.keys.add(key)
    this.#draft ??= this.#base.edit()
    this.#draft.set(key, value)
  }

  delete(key: string): boolean {
    if (!this.has(key)) return false
    this.keys.add(key)
    this.#draft ??= this.#base.edit()
    this.#draft.delete(key)
    return true
  }

  touch(key: string): this {
    this.keys.add(key)
    return this
  }

  done(): PersistentMap<V> {
    return this.#draft?.done() ?? this.#base
  }
}
