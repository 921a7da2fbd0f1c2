/**
 * Deadlines of one shard: a binary heap in which a timer that is put off stays where it is until it comes to the top.
 * Heartbeats only ever put session timers off, so a group of a thousand members costs one assignment a heartbeat.
 */

export class Timer<Context> {
  /** Calls back once it is due. What it is for must still be as it was: whoever changes that cancels the timer. */
  readonly fire: (context: Context) => void
  /** Infinity while it is not set. */
  deadlineMs = Number.POSITIVE_INFINITY
  /** What the heap is ordered by: at most `deadlineMs`. */
  heapMs = Number.POSITIVE_INFINITY
  /** Place in the heap; -1 while it is not set. */
  heapIndex = -1

  constructor(fire: (context: Context) => void) {
    this.fire = fire
  }
}

export class Timers<Context> {
  readonly #heap: Timer<Context>[] = []

  /** How many are set. */
  get size(): number {
    return this.#heap.length
  }

  set(timer: Timer<Context>, deadlineMs: number): void {
    timer.deadlineMs = deadlineMs
    if (timer.heapIndex >= 0 && deadlineMs >= timer.heapMs) return
    timer.heapMs = deadlineMs
    if (timer.heapIndex < 0) {
      timer.heapIndex = this.#heap.length
      this.#heap.push(timer)
    }
    this.#siftUp(timer)
  }

  /** No error if it is not set. */
  cancel(timer: Timer<never>): void {
    const index = timer.heapIndex
    if (index < 0) return
    timer.heapIndex = -1
    timer.deadlineMs = Number.POSITIVE_INFINITY
    const last = this.#heap.pop()!
    if (last === timer) return
    last.heapIndex = index
    this.#heap[index] = last
    this.#siftUp(last)
    this.#siftDown(last)
  }

  /** Infinity if none is set. */
  nextDeadlineMs(): number {
    for (let top = this.#heap[0]; top; top = this.#heap[0]) {
      if (top.heapMs === top.deadlineMs) return top.deadlineMs
      top.heapMs = top.deadlineMs
      this.#siftDown(top)
    }
    return Number.POSITIVE_INFINITY
  }

  /**
   * Fires those that are due. One that sets itself again for now has to wait for the next call: so a timeout of 0 that a
   * client chose can't hold the loop.
   */
  fireDue(nowMs: number, context: Context): void {
    const due: Timer<Context>[] = []
    while (this.nextDeadlineMs() <= nowMs) {
      const timer = this.#heap[0]!
      this.cancel(timer)
      due.push(timer)
    }
    for (const timer of due) this.set(timer, nowMs)
    for (const timer of due) {
      // The one that fired before may have cancelled it or put it off.
      if (timer.deadlineMs > nowMs) continue
      this.cancel(timer)
      timer.fire(context)
    }
  }

  #siftUp(timer: Timer<Context>): void {
    const heap = this.#heap
    let index = timer.heapIndex
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = heap[parentIndex]!
      if (parent.heapMs <= timer.heapMs) break
      heap[index] = parent
      parent.heapIndex = index
      index = parentIndex
    }
    heap[index] = timer
    timer.heapIndex = index
  }

  #siftDown(timer: Timer<Context>): void {
    const heap = this.#heap
    let index = timer.heapIndex
    for (;;) {
      let childIndex = 2 * index + 1
      if (childIndex >= heap.length) break
      if (childIndex + 1 < heap.length && heap[childIndex + 1]!.heapMs < heap[childIndex]!.heapMs) childIndex++
      const child = heap[childIndex]!
      if (child.heapMs >= timer.heapMs) break
      heap[index] = child
      child.heapIndex = index
      index = childIndex
    }
    heap[index] = timer
    timer.heapIndex = index
  }
}
