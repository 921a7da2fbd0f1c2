/**
 * `.txnindex`: the transactions that were aborted by a marker in this segment, 34 bytes each. A reader of committed
 * data gets those that touch what it reads, and drops their records itself. The file exists only if there is one.
 */
const ENTRY_SIZE = 34
const VERSION = 0

export interface AbortedTransactionEntry {
  readonly producerId: number
  readonly firstOffset: number
  /** Of the abort marker. */
  readonly lastOffset: number
  /** The last stable offset once this transaction was decided: a reader up to there needs no later entry. */
  readonly lastStableOffset: number
}

export class TransactionIndex {
  readonly entries: AbortedTransactionEntry[] = []
  /** How many entries, from the first, are in the file as they are here. */
  savedEntries = 0
  /** The file holds entries behind the saved ones that were cut away here. */
  hasCutTail = false

  static decode(bytes: Uint8Array): TransactionIndex {
    const index = new TransactionIndex()
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    // A torn last entry is not there; Kafka reads whole ones only, too.
    for (let at = 0; at + ENTRY_SIZE <= bytes.byteLength; at += ENTRY_SIZE) {
      if (view.getInt16(at) > VERSION) throw new Error(`aborted transaction of version ${view.getInt16(at)}`)
      index.entries.push({
        producerId: readInt64(view, at + 2),
        firstOffset: readInt64(view, at + 10),
        lastOffset: readInt64(view, at + 18),
        lastStableOffset: readInt64(view, at + 26),
      })
    }
    index.savedEntries = index.entries.length
    return index
  }

  get memoryBytes(): number {
    return this.entries.length * 80
  }

  get isUnsaved(): boolean {
    return this.savedEntries < this.entries.length || this.hasCutTail
  }

  append(entry: AbortedTransactionEntry): void {
    const last = this.entries.at(-1)
    if (last && entry.lastOffset <= last.lastOffset) throw new Error('aborted transactions are indexed by their marker')
    this.entries.push(entry)
  }

  encodeFrom(first: number): Uint8Array {
    const bytes = new Uint8Array((this.entries.length - first) * ENTRY_SIZE)
    const view = new DataView(bytes.buffer)
    for (let i = first, at = 0; i < this.entries.length; i++, at += ENTRY_SIZE) {
      const entry = this.entries[i]!
      view.setInt16(at, VERSION)
      writeInt64(view, at + 2, entry.producerId)
      writeInt64(view, at + 10, entry.firstOffset)
      writeInt64(view, at + 18, entry.lastOffset)
      writeInt64(view, at + 26, entry.lastStableOffset)
    }
    return bytes
  }

  static positionOf(entry: number): number {
    return entry * ENTRY_SIZE
  }

  /** Adds those that touch [from, to) to `found`; true: later segments have none to add. */
  collect(from: number, to: number, found: AbortedTransactionEntry[]): boolean {
    for (const entry of this.entries) {
      if (entry.lastOffset >= from && entry.firstOffset < to) found.push(entry)
      if (entry.lastStableOffset >= to) return true
    }
    return false
  }

  /** Keeps the transactions whose marker is below `offset`. */
  truncateTo(offset: number): void {
    while (this.entries.length > 0 && this.entries.at(-1)!.lastOffset >= offset) this.entries.pop()
    if (this.savedEntries > this.entries.length) this.hasCutTail = true
    this.savedEntries = Math.min(this.savedEntries, this.entries.length)
  }

  problem(baseOffset: number): string | null {
    const low = this.entries.find(entry => entry.lastOffset < baseOffset)
    return low ? `a transaction that ended at ${low.lastOffset} is indexed in segment ${baseOffset}` : null
  }
}

function readInt64(view: DataView, at: number): number {
  return view.getInt32(at) * 2 ** 32 + view.getUint32(at + 4)
}

function writeInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / 2 ** 32))
  view.setUint32(at + 4, value >>> 0)
}
