/** Lets a worker's task say which parts of its result may be handed over instead of copied. */

const transferables = new WeakMap<object, readonly ArrayBuffer[]>()

/**
 * Returns `result`, marked: the task will not use `buffers` again. They must belong to it alone: a small `Buffer` is a
 * slice of a pool that others use.
 */
export function transferring<T extends object>(result: T, buffers: readonly ArrayBuffer[]): T {
  transferables.set(result, buffers)
  return result
}

export function transferablesOf(result: unknown): readonly ArrayBuffer[] {
  return typeof result === 'object' && result !== null ? (transferables.get(result) ?? []) : []
}
