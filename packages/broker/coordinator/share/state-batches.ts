/**
 * The states of runs of offsets in a share partition, as the share coordinator keeps them: what is known already and what
 * is written now become one list in order, without overlaps.
 */

export interface StateBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  /** 0 available, 2 acknowledged, 4 archived; nobody writes another. */
  readonly deliveryState: number
  readonly deliveryCount: number
}

const NO_START_OFFSET = -1

/**
 * Where two speak of one offset, the one that has been delivered more often is right, then the one whose state is further.
 * What lies before `startOffset` (-1: not known) is left out, neighbours in the same state are put together.
 */
export function combineStateBatches(
  known: readonly StateBatch[],
  written: readonly StateBatch[],
  startOffset: number,
): readonly StateBatch[] {
  const batches: StateBatch[] = []
  let isInOrder = true
  for (const list of [known, written]) {
    for (const batch of list) {
      const firstOffset = startOffset === NO_START_OFFSET ? batch.firstOffset : Math.max(startOffset, batch.firstOffset)
      if (batch.lastOffset < firstOffset) continue
      const last = batches.at(-1)
      if (last && (last.lastOffset >= firstOffset || isContinued(last, batch, firstOffset))) isInOrder = false
      batches.push(firstOffset === batch.firstOffset ? batch : { ...batch, firstOffset })
    }
  }
  return isInOrder ? batches : withoutOverlaps(batches)
}

/** Goes from edge to edge, over the batches that lie there. */
function withoutOverlaps(batches: StateBatch[]): StateBatch[] {
  const edges = new Set<number>()
  for (const { firstOffset, lastOffset } of batches) edges.add(firstOffset).add(lastOffset + 1)
  const offsets = Float64Array.from(edges).sort()
  batches.sort((a, b) => a.firstOffset - b.firstOffset)
  const combined: StateBatch[] = []
  const open = new OpenBatches()
  let next = 0
  for (const [i, firstOffset] of offsets.entries()) {
    while (next < batches.length && batches[next]!.firstOffset === firstOffset) open.add(batches[next++]!)
    const batch = open.at(firstOffset)
    if (!batch) continue
    const lastOffset = offsets[i + 1]! - 1
    const last = combined.at(-1)
    if (last && isContinued(last, batch, firstOffset)) combined[combined.length - 1] = { ...last, lastOffset }
    else combined.push({ ...batch, firstOffset, lastOffset })
  }
  return combined
}

/** A heap with the batch on top that counts; those that have ended go when they come to the top. */
class OpenBatches {
  readonly #heap: StateBatch[] = []

  add(batch: StateBatch): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(batch)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!prevails(batch, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = batch
  }

  at(offset: number): StateBatch | undefined {
    while (this.#heap.length > 0 && this.#heap[0]!.lastOffset < offset) this.#removeTop()
    return this.#heap[0]
  }

  #removeTop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && prevails(heap[child + 1]!, heap[child]!)) child++
      if (!prevails(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }
}

function prevails(a: StateBatch, b: StateBatch): boolean {
  return a.deliveryCount === b.deliveryCount ? a.deliveryState > b.deliveryState : a.deliveryCount > b.deliveryCount
}

function isContinued(last: StateBatch, batch: StateBatch, firstOffset: number): boolean {
  return (
    last.lastOffset + 1 === firstOffset &&
    last.deliveryState === batch.deliveryState &&
    last.deliveryCount === batch.deliveryCount
  )
}
