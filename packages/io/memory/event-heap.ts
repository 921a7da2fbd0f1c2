/** A binary heap of events by time; events of the same time come out in the order in which they went in. */

export class ScheduledEvent {
  readonly timeMs: number
  readonly sequence: number
  readonly callback: () => void
  isCanceled = false

  constructor(timeMs: number, sequence: number, callback: () => void) {
    this.timeMs = timeMs
    this.sequence = sequence
    this.callback = callback
  }
}

/** Canceled events are thrown out when they are more than half of at least so many. */
const MIN_TO_COMPACT = 1024

export class EventHeap {
  #events: ScheduledEvent[] = []
  #sequence = 0
  #canceled = 0

  /** Events that will run. */
  get size(): number {
    return this.#events.length - this.#canceled
  }

  /** Events in memory, canceled ones included. */
  get stored(): number {
    return this.#events.length
  }

  add(timeMs: number, callback: () => void): ScheduledEvent {
    const event = new ScheduledEvent(timeMs, this.#sequence++, callback)
    this.#events.push(event)
    this.#up(this.#events.length - 1)
    return event
  }

  cancel(event: ScheduledEvent): void {
    if (event.isCanceled) return
    event.isCanceled = true
    this.#canceled++
    if (this.#canceled * 2 > this.#events.length && this.#events.length >= MIN_TO_COMPACT) this.#compact()
  }

  /** The next event, which stays. */
  peek(): ScheduledEvent | null {
    while (this.#events[0]?.isCanceled) {
      this.#removeFirst()
      this.#canceled--
    }
    return this.#events[0] ?? null
  }

  /** Removes and returns the next event; a later `cancel` of it does nothing. */
  take(): ScheduledEvent | null {
    const event = this.peek()
    if (event) {
      this.#removeFirst()
      event.isCanceled = true
    }
    return event
  }

  #removeFirst(): void {
    const last = this.#events.pop()!
    if (this.#events.length === 0) return
    this.#events[0] = last
    this.#down(0)
  }

  #compact(): void {
    // A list in order is a heap.
    this.#events = this.#events.filter(event => !event.isCanceled).sort((a, b) => (isBefore(a, b) ? -1 : 1))
    this.#canceled = 0
  }

  #up(start: number): void {
    const events = this.#events
    const event = events[start]!
    let at = start
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(event, events[parent]!)) break
      events[at] = events[parent]!
      at = parent
    }
    events[at] = event
  }

  #down(start: number): void {
    const events = this.#events
    const event = events[start]!
    let at = start
    for (let child = 2 * at + 1; child < events.length; child = 2 * at + 1) {
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child++
      if (!isBefore(events[child]!, event)) break
      events[at] = events[child]!
      at = child
    }
    events[at] = event
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.sequence < b.sequence)
}
