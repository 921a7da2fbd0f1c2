/**
 * A bounded number of open files for an unbounded number of `DiskFile`s: 10,000 partitions have 30,000 files, few of
 * them in use. A handle is opened when somebody needs it and stays open until another needs its place; the one that was
 * idle for longest goes first, and among the longest idle one without unsynced writes, because closing a file gives up
 * the kernel's best way of reporting that writing it back failed.
 *
 * When all handles are in use, who needs one more waits in line.
 */
import { close, open } from 'node:fs'
import { promisify } from 'node:util'

const openFile = promisify(open)
const closeFile = promisify(close)

/** How many of the longest idle handles are looked at to find one that has nothing unsynced. */
const LOOK_AHEAD = 16

/** One file's place in the pool. */
export class Handle {
  /** -1 while it is not open. */
  fd = -1
  /** Calls that use the descriptor now; it is not closed before they are done. */
  users = 0
  /** Written since the last sync, by this descriptor or one before it. */
  isDirty = false
  /** Why closing an earlier descriptor failed: some of what was written may be lost. */
  closeError: Error | null = null
  /** Neighbours in the list of idle handles, longest idle first. */
  previous: Handle | null = null
  next: Handle | null = null
}

export class HandlePool {
  readonly #limit: number
  /** Handles that are open, being opened or being closed, and places lent by `reserve`. */
  #taken = 0
  #longestIdle: Handle | null = null
  #lastIdle: Handle | null = null
  readonly #waiting: (() => void)[] = []

  constructor(limit: number) {
    if (!(limit >= 1)) throw new RangeError(`${limit} is not a number of handles to work with`)
    this.#limit = limit
  }

  /** Descriptors in use by the pool. */
  get taken(): number {
    return this.#taken
  }

  /** Marks an open handle as in use; the caller checked that its `fd` is not -1. */
  use(handle: Handle): number {
    if (handle.users++ === 0) this.#unlink(handle)
    return handle.fd
  }

  release(handle: Handle): void {
    if (--handle.users > 0) return
    this.#link(handle)
    if (this.#waiting.length > 0) this.#evictOne()
  }

  /** Opens a file into `handle`, which is then in use by the caller. */
  async open(handle: Handle, path: string, flags: string | number): Promise<void> {
    await this.reserve()
    try {
      handle.fd = await openFile(path, flags, 0o644)
      handle.users = 1
    } catch (error) {
      this.unreserve()
      throw error
    }
  }

  /** Closes a handle that nobody uses. */
  async close(handle: Handle): Promise<void> {
    const { fd } = handle
    if (fd < 0) return
    this.#unlink(handle)
    handle.fd = -1
    try {
      await closeFile(fd)
    } finally {
      this.unreserve()
    }
  }

  /** Takes a place for a descriptor that the caller opens and closes by itself. */
  reserve(): Promise<void> {
    if (this.#taken < this.#limit) {
      this.#taken++
      return Promise.resolve()
    }
    // The place is handed from the one who leaves to the first in line: it stays counted as taken.
    const place = new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#evictOne()
    return place
  }

  unreserve(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#taken--
  }

  #evictOne(): void {
    const victim = this.#chooseVictim()
    // A failing close has released the descriptor all the same; the file's next sync reports it.
    if (victim) {
      this.close(victim).catch(error => {
        victim.closeError = error
      })
    }
  }

  #chooseVictim(): Handle | null {
    let candidate = this.#longestIdle
    for (let i = 0; candidate && i < LOOK_AHEAD; i++) {
      if (!candidate.isDirty) return candidate
      candidate = candidate.next
    }
    return this.#longestIdle
  }

  #link(handle: Handle): void {
    handle.previous = this.#lastIdle
    if (this.#lastIdle) this.#lastIdle.next = handle
    else this.#longestIdle = handle
    this.#lastIdle = handle
  }

  #unlink(handle: Handle): void {
    if (handle.previous) handle.previous.next = handle.next
    else if (this.#longestIdle === handle) this.#longestIdle = handle.next
    if (handle.next) handle.next.previous = handle.previous
    else if (this.#lastIdle === handle) this.#lastIdle = handle.previous
    handle.previous = null
    handle.next = null
  }
}
