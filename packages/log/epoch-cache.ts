/**
 * At which offset each leader began to write (KIP-101): what followers and consumers compare to find where their
 * log parts from the leader's. Pure; `leader-epoch-checkpoint` is written by the log when `isDirty`.
 */
import type { EpochEnd } from './types.ts'

export interface EpochEntry {
  readonly epoch: number
  readonly startOffset: number
}

export class EpochCache {
  /** Ascending in both. */
  #entries: EpochEntry[]
  /** Changed since `isDirty` was set to false. */
  isDirty = false

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = []
    for (const { epoch, startOffset } of entries) this.assign(epoch, startOffset)
    this.isDirty = false
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  get latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? -1
  }

  /** Entries that contradict the new one go: they are of a past that this log no longer shares. */
  assign(epoch: number, startOffset: number): void {
    if (epoch < 0 || startOffset < 0) throw new Error(`leader epoch ${epoch} at ${startOffset}`)
    const latest = this.#entries.at(-1)
    if (latest && latest.epoch === epoch && latest.startOffset <= startOffset) return
    while (this.#entries.length > 0) {
      const last = this.#entries.at(-1)!
      if (last.epoch < epoch && last.startOffset < startOffset) break
      this.#entries.pop()
    }
    this.#entries.push({ epoch, startOffset })
    this.isDirty = true
  }

  /** Where `epoch`, or the largest known one below it, ended. Asked for an epoch before all known ones: where those begin. */
  endOffset(epoch: number, logEndOffset: number): EpochEnd | null {
    if (epoch === -1) return null
    if (epoch === this.latestEpoch) return { leaderEpoch: epoch, endOffset: logEndOffset }
    const next = this.#entries.findIndex(entry => entry.epoch > epoch)
    if (next < 0) return null
    const found = next === 0 ? epoch : this.#entries[next - 1]!.epoch
    return { leaderEpoch: found, endOffset: this.#entries[next]!.startOffset }
  }

  epochOf(offset: number): number {
    let epoch = -1
    for (const entry of this.#entries) {
      if (entry.startOffset > offset) break
      epoch = entry.epoch
    }
    return epoch
  }

  /** The log ends at `endOffset`: what began there or later did not happen. */
  truncateFromEnd(endOffset: number): void {
    while (this.#entries.length > 0 && this.#entries.at(-1)!.startOffset >= endOffset) {
      this.#entries.pop()
      this.isDirty = true
    }
  }

  /** The log begins at `startOffset`: the epoch that was being written there is kept, as if it had begun there. */
  truncateFromStart(startOffset: number): void {
    const next = this.#entries.findIndex(entry => entry.startOffset > startOffset)
    const keep = (next < 0 ? this.#entries.length : next) - 1
    if (keep < 0) return
    const first = this.#entries[keep]!
    if (keep === 0 && first.startOffset === startOffset) return
    this.#entries.splice(0, keep + 1, { epoch: first.epoch, startOffset })
    this.isDirty = true
  }

  clear(): void {
    this.#entries = []
    this.isDirty = true
  }
}
