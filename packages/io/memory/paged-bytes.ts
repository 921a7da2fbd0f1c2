/**
 * The content of one simulated file: pages of 64 KiB, of which those that were never written do not exist. Appending
 * copies nothing that is there, cutting frees whole pages, and a file that was extended by 10 MiB takes no memory. The
 * first page grows from a small one: most files are checkpoints of a few bytes.
 */

const PAGE = 64 * 1024
const SMALLEST = 256

export class PagedBytes {
  #size = 0
  readonly #pages: (Uint8Array | undefined)[] = []

  get size(): number {
    return this.#size
  }

  /** Copies into `target` what there is from `position` on; returns how much. */
  read(target: Uint8Array, position: number): number {
    const length = Math.min(target.length, this.#size - position)
    if (length <= 0) return 0
    for (let done = 0; done < length; ) {
      const at = position + done
      const offset = at % PAGE
      const count = Math.min(PAGE - offset, length - done)
      this.#readPage(target.subarray(done, done + count), Math.floor(at / PAGE), offset)
      done += count
    }
    return length
  }

  write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) {
      const at = position + done
      const offset = at % PAGE
      const count = Math.min(PAGE - offset, bytes.length - done)
      this.#page(Math.floor(at / PAGE), offset + count).set(bytes.subarray(done, done + count), offset)
      done += count
    }
    if (bytes.length > 0) this.#size = Math.max(this.#size, position + bytes.length)
  }

  /** Cuts, or extends with zeros. */
  truncate(size: number): void {
    if (size < this.#size) {
      const offset = size % PAGE
      const last = Math.floor(size / PAGE)
      this.#pages.length = Math.min(this.#pages.length, offset === 0 ? last : last + 1)
      // What is cut off must not come back when the file grows again.
      if (offset > 0 && last < this.#pages.length) this.#pages[last]?.fill(0, offset)
    }
    this.#size = size
  }

  copy(): PagedBytes {
    const copy = new PagedBytes()
    for (const page of this.#pages) copy.#pages.push(page?.slice())
    copy.#size = this.#size
    return copy
  }

  #readPage(target: Uint8Array, index: number, offset: number): void {
    const page = this.#pages[index]
    const there = page ? Math.max(0, Math.min(target.length, page.length - offset)) : 0
    if (page && there > 0) target.set(page.subarray(offset, offset + there))
    if (there < target.length) target.fill(0, there)
  }

  /** The page, at least `length` bytes of it. */
  #page(index: number, length: number): Uint8Array {
    while (this.#pages.length <= index) this.#pages.push(undefined)
    const page = this.#pages[index]
    if (page && page.length >= length) return page
    let capacity = index > 0 ? PAGE : Math.max(SMALLEST, page?.length ?? 0)
    while (capacity < length) capacity *= 2
    const grown = new Uint8Array(capacity)
    if (page) grown.set(page)
    this.#pages[index] = grown
    return grown
  }
}
