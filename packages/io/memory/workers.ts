/**
 * Tasks run here and now, one after the other, so that the same seed gives the same order. Argument and result are
 * cloned as if they crossed threads. Loading a task's module takes real time, during which virtual time stands still.
 */
import { WorkerError } from '../errors.ts'
import type { Workers, WorkerTask } from '../io.ts'
import { callTask, errorOf, failureOf } from '../task.ts'
import { transferablesOf } from '../transfer.ts'
import type { VirtualClock } from './clock.ts'

export class InlineWorkers implements Workers {
  readonly #time: VirtualClock | null
  #last: Promise<unknown> = Promise.resolve()
  #isClosed = false
  #isAlive = true

  constructor(time: VirtualClock | null) {
    this.#time = time
  }

  run<Result>(task: WorkerTask, argument: unknown, transfer: readonly ArrayBuffer[] = []): Promise<Result> {
    if (this.#isClosed) return Promise.reject(new WorkerError('ERR_WORKERS_CLOSED', 'the workers are closed'))
    let cloned: unknown
    try {
      cloned = structuredClone(argument, { transfer: [...transfer] })
    } catch (error) {
      return Promise.reject(error)
    }
    const outcome = this.#last.then(() => this.#call(task, cloned))
    this.#last = outcome
    this.#time?.hold(outcome)
    return outcome.then(settle => (this.#isAlive ? settle() : new Promise(() => {}))) as Promise<Result>
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  /** The process is dead: tasks that are not done never will be. */
  kill(): void {
    this.#isAlive = false
  }

  /** Never rejects: gives what gives the result or throws. */
  async #call({ moduleUrl, exportName }: WorkerTask, argument: unknown): Promise<() => unknown> {
    try {
      if (this.#isClosed)
        throw new WorkerError('ERR_WORKERS_CLOSED', 'the workers were closed before the task was done')
      const made = await callTask(moduleUrl, exportName, argument)
      const result: unknown = structuredClone(made, { transfer: [...transferablesOf(made)] })
      return () => result
    } catch (error) {
      return () => {
        throw error instanceof WorkerError ? error : errorOf(failureOf(error))
      }
    }
  }
}
