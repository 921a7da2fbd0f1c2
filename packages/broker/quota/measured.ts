/**
 * Those who are measured because a limit is set for them, in the order in which they were last seen. Who is not seen for an
 * hour begins anew, as in Kafka, and clients may name themselves as they like: of too many, those seen last are kept.
 *
 * Fewer of them are shown to those who watch the broker: a series for each name that a client thinks of would be more than
 * they can take. Who is shown once stays so, until it is forgotten.
 */
import { WindowedValues, type Windows } from '../metrics/index.ts'

export interface Identity {
  /** The same for all that are measured together. */
  readonly key: string
}

const FORGET_MS = 3_600_000
const MAX_MEASURED = 100_000
const MAX_SHOWN = 1000
/** Names that are longer are nobody's choice. */
const MAX_SHOWN_LENGTH = 256

export class Entry<T, Who extends Identity> {
  readonly measure: T
  /** As it came last. */
  who: Who
  seenMs: number
  isShown = false
  /** Milliseconds for which it was not heard, each time that it was not; null: never yet. */
  #pauses: WindowedValues | null = null

  constructor(measure: T, who: Who, nowMs: number) {
    this.measure = measure
    this.who = who
    this.seenMs = nowMs
  }

  onThrottled(ms: number, windows: Windows, nowMs: number): void {
    this.#pauses ??= new WindowedValues(windows)
    this.#pauses.record(ms, nowMs)
  }

  /** null: it has always been heard; NaN: lately. */
  throttleTimeMs(nowMs: number): number | null {
    return this.#pauses?.average(nowMs) ?? null
  }
}

export class Measured<T, Who extends Identity> {
  readonly #make: () => T
  readonly #all = new Map<string, Entry<T, Who>>()
  #shownCount = 0

  constructor(make: () => T) {
    this.#make = make
  }

  get(who: Who, nowMs: number): Entry<T, Who> {
    const { key } = who
    const known = this.#all.get(key)
    const isCurrent = known !== undefined && nowMs - known.seenMs < FORGET_MS
    if (known) this.#all.delete(key)
    if (known && !isCurrent) this.#hide(known)
    const entry = isCurrent ? known : new Entry(this.#make(), who, nowMs)
    entry.seenMs = nowMs
    entry.who = who
    this.#all.set(key, entry)
    this.#forget(nowMs)
    if (!entry.isShown) this.#show(entry)
    return entry
  }

  count(nowMs: number): number {
    this.#forget(nowMs)
    return this.#all.size
  }

  shown(nowMs: number): Entry<T, Who>[] {
    this.#forget(nowMs)
    const shown: Entry<T, Who>[] = []
    for (const entry of this.#all.values()) if (entry.isShown) shown.push(entry)
    return shown
  }

  #show(entry: Entry<T, Who>): void {
    if (this.#shownCount >= MAX_SHOWN || entry.who.key.length > MAX_SHOWN_LENGTH) return
    entry.isShown = true
    this.#shownCount++
  }

  #hide(entry: Entry<T, Who>): void {
    if (entry.isShown) this.#shownCount--
  }

  /** From the front, where those are who were not seen for longest: mostly there is nothing to do. */
  #forget(nowMs: number): void {
    for (const [key, entry] of this.#all) {
      if (this.#all.size <= MAX_MEASURED && nowMs - entry.seenMs < FORGET_MS) return
      this.#all.delete(key)
      this.#hide(entry)
    }
  }
}
