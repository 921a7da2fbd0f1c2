/**
 * What the two sparse indexes have in common: entries of one size, kept as the bytes of their file in an array that
 * grows, and how many of them the file has already. A new segment takes no memory here until its first entry.
 */

const NOTHING = new DataView(new ArrayBuffer(0))
const FIRST_ENTRIES = 32

export class IndexBytes {
  readonly entrySize: number
  entries: number
  /** How many entries, from the first, are in the file as they are here; the file may hold more behind them. */
  savedEntries: number
  /** The file holds entries behind the saved ones that were cut away here. */
  hasCutTail = false
  protected view: DataView

  constructor(entrySize: number, bytes?: Uint8Array) {
    this.entrySize = entrySize
    this.view = bytes ? new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) : NOTHING
    this.entries = bytes ? Math.floor(bytes.byteLength / entrySize) : 0
    this.savedEntries = this.entries
  }

  get sizeInBytes(): number {
    return this.entries * this.entrySize
  }

  get memoryBytes(): number {
    return this.view.byteLength
  }

  /** A view of the entries from `first` on: valid until the next append. */
  bytesFrom(first: number): Uint8Array {
    return new Uint8Array(
      this.view.buffer,
      this.view.byteOffset + first * this.entrySize,
      (this.entries - first) * this.entrySize,
    )
  }

  /** Gives back what was reserved for entries that will not come: the segment is closed. */
  trim(): void {
    const bytes = this.bytesFrom(0).slice()
    this.view = bytes.byteLength === 0 ? NOTHING : new DataView(bytes.buffer)
  }

  /** Makes place for one more entry, counts it, and tells where its bytes go. */
  protected grow(): number {
    const at = this.entries * this.entrySize
    if (at + this.entrySize > this.view.byteLength) {
      const larger = new Uint8Array(Math.max(FIRST_ENTRIES * this.entrySize, this.view.byteLength * 2))
      larger.set(this.bytesFrom(0))
      this.view = new DataView(larger.buffer)
    }
    this.entries++
    return at
  }

  /** The file is not as it is here. */
  get isUnsaved(): boolean {
    return this.savedEntries < this.entries || this.hasCutTail
  }

  protected truncateEntries(keep: number): void {
    if (this.savedEntries > keep) this.hasCutTail = true
    this.entries = Math.min(this.entries, keep)
    this.savedEntries = Math.min(this.savedEntries, keep)
  }
}
