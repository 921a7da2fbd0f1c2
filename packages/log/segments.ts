/** The segments of a log, ascending by base offset. There is always one: the last is active, and takes the appends. */
import type { Segment } from './segment.ts'

export class Segments {
  #list: Segment[]

  constructor(list: readonly Segment[]) {
    if (list.length === 0) throw new Error('a log has at least one segment')
    this.#list = [...list]
  }

  get all(): readonly Segment[] {
    return this.#list
  }

  get first(): Segment {
    return this.#list[0]!
  }

  get active(): Segment {
    return this.#list[this.#list.length - 1]!
  }

  get sizeInBytes(): number {
    let size = 0
    for (const segment of this.#list) size += segment.size
    return size
  }

  includes(segment: Segment): boolean {
    return this.#list.includes(segment)
  }

  /** Index of the segment that would hold `offset`: the last whose base is at or below; -1 if it is below all. */
  floorIndex(offset: number): number {
    let low = 0
    let high = this.#list.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      if (this.#list[middle]!.baseOffset <= offset) low = middle + 1
      else high = middle - 1
    }
    return high
  }

  /** Those that hold offsets in [from, to). */
  between(from: number, to: number): Segment[] {
    const first = Math.max(0, this.floorIndex(from))
    return this.#list.slice(first).filter(segment => segment.baseOffset < to || segment.baseOffset === from)
  }

  add(segment: Segment): void {
    if (segment.baseOffset <= this.active.baseOffset) throw new Error(`segment ${segment.baseOffset} comes too late`)
    this.#list.push(segment)
  }

  /** `replacement` covers what `segments`, which are neighbours and closed, have covered. */
  replace(segments: readonly Segment[], replacement: Segment): void {
    const at = this.#list.indexOf(segments[0]!)
    const areThere = at >= 0 && segments.every((segment, i) => this.#list[at + i] === segment)
    if (!areThere || segments.includes(this.active))
      throw new Error(`segment ${replacement.baseOffset} replaces nothing`)
    this.#list = [...this.#list.slice(0, at), replacement, ...this.#list.slice(at + segments.length)]
  }

  /** The last one must stay, or be replaced by `replacement`. */
  remove(segments: readonly Segment[], replacement?: Segment): void {
    const rest = this.#list.filter(segment => !segments.includes(segment))
    if (replacement) rest.push(replacement)
    if (rest.length === 0) throw new Error('a log has at least one segment')
    this.#list = rest
  }
}
