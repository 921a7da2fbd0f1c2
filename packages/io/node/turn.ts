/** The one thing that virtual time can't do without the real event loop: wait until what can run now has run. */

/**
 * Resolves when no promise callback is left to run, those that the ones running now bring forth included. Call it from
 * an async function that has awaited before.
 */
export function microtasksDone(): Promise<void> {
  return new Promise(resolve => process.nextTick(resolve))
}

/** Resolves after a real turn of the event loop: completed I/O, messages from threads and signals have been handled. */
export function realTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
