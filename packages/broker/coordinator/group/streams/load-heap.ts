/** Who has the least to do. Of those with the same load the place in the heap decides, as it does in Java's PriorityQueue. */

export class LoadHeap<T extends { readonly load: number }> {
  readonly #items: T[] = []

  constructor(items: Iterable<T>) {
    for (const item of items) this.add(item)
  }

  get size(): number {
    return this.#items.length
  }

  add(item: T): void {
    const items = this.#items
    let index = items.length
    items.push(item)
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = items[parentIndex]!
      if (item.load >= parent.load) break
      items[index] = parent
      index = parentIndex
    }
    items[index] = item
  }

  /** Takes out one with the least load, which may only change while it is not in the heap; undefined if there is none. */
  poll(): T | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return top
    let index = 0
    for (let childIndex = 1; childIndex < items.length; childIndex = 2 * index + 1) {
      if (childIndex + 1 < items.length && items[childIndex]!.load > items[childIndex + 1]!.load) childIndex++
      const child = items[childIndex]!
      if (last.load <= child.load) break
      items[index] = child
      index = childIndex
    }
    items[index] = last
    return top
  }
}
