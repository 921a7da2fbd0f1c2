/** Lets a worker's task say which parts of its result may be handed over instead of copied. */

/** On the result itself, under a name of the whole process: a task may come from another bundle than the worker's own code. */
const TRANSFERABLES = Symbol.for('@ottla/io/transferables')

/**
 * Returns `result`, marked: the task will not use `buffers` again. They must belong to it alone: a small `Buffer` is a
 * slice of a pool that others use.
 */
export function transferring<T extends object>(result: T, buffers: readonly ArrayBuffer[]): T {
  Object.defineProperty(result, TRANSFERABLES, { value: buffers })
  return result
}

export function transferablesOf(result: unknown): readonly ArrayBuffer[] {
  if (typeof result !== 'object' || result === null) return []
  return (result as { [TRANSFERABLES]?: readonly ArrayBuffer[] })[TRANSFERABLES] ?? []
}
