/**
 * A pool of worker threads for CPU-bound tasks: started when there is work, at most `max` of them, one task each at a
 * time, stopped after a while without work. A thread that waits for work does not keep the process alive; one that
 * works does.
 */
import { availableParallelism } from 'node:os'
import type { Worker, WorkerOptions } from 'node:worker_threads'
import { WorkerError } from '../errors.ts'
import type { Workers, WorkerTask } from '../io.ts'
import { errorOf } from '../task.ts'
import type { TaskRequest, TaskResponse } from './worker-main.ts'

export interface NodeWorkersOptions {
  /** Default: one less than the machine has cores, from 1 to 4. */
  readonly max?: number
  /** Default 30,000: a thread takes some 10 MiB. */
  readonly idleMs?: number
}

const DEFAULT_IDLE_MS = 30_000

/** The same file, in a checkout and as it is published. */
const MAIN = new URL(import.meta.url.endsWith('.ts') ? './worker-main.ts' : './worker-main.js', import.meta.url)

/**
 * A thread inherits the flags of its process. Node refuses to run a file under the one that says of what kind the
 * program on the command line is, and refuses other flags if they are passed on by name: then it gets none.
 */
const OPTIONS: WorkerOptions = process.execArgv.some(flag => flag.startsWith('--input-type')) ? { execArgv: [] } : {}

interface Task {
  readonly request: TaskRequest
  readonly transfer: readonly ArrayBuffer[]
  resolve(result: unknown): void
  reject(error: Error): void
}

interface Thread {
  readonly worker: Worker
  task: Task | null
  idleTimer: NodeJS.Timeout | undefined
}

export class NodeWorkers implements Workers {
  readonly #max: number
  readonly #idleMs: number
  readonly #threads = new Set<Thread>()
  readonly #idle: Thread[] = []
  readonly #queue: Task[] = []
  #nextId = 1
  #isClosed = false

  constructor(options: NodeWorkersOptions = {}) {
    this.#max = options.max ?? Math.min(4, Math.max(1, availableParallelism() - 1))
    this.#idleMs = options.idleMs ?? DEFAULT_IDLE_MS
    if (!(this.#max >= 1)) throw new RangeError(`${this.#max} is not a number of threads to work with`)
  }

  /** Threads that are alive. */
  get threads(): number {
    return this.#threads.size
  }

  run<Result>(task: WorkerTask, argument: unknown, transfer: readonly ArrayBuffer[] = []): Promise<Result> {
    if (this.#isClosed) return Promise.reject(new WorkerError('ERR_WORKERS_CLOSED', 'the workers are closed'))
    return new Promise<Result>((resolve, reject) => {
      const { moduleUrl, exportName } = task
      const request = { id: this.#nextId++, moduleUrl, exportName, argument }
      this.#queue.push({ request, transfer, resolve: resolve as (result: unknown) => void, reject })
      this.#dispatch()
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const closed = new WorkerError('ERR_WORKERS_CLOSED', 'the workers were closed before the task was done')
    for (const task of this.#queue.splice(0)) task.reject(closed)
    const threads = [...this.#threads]
    for (const thread of threads) this.#forget(thread, closed)
    await Promise.all(threads.map(thread => thread.worker.terminate()))
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const thread = this.#idle.pop() ?? (this.#threads.size < this.#max ? this.#start() : null)
      if (!thread) return
      this.#give(thread, this.#queue.shift()!)
    }
  }

  #give(thread: Thread, task: Task): void {
    clearTimeout(thread.idleTimer)
    try {
      thread.worker.postMessage(task.request, [...task.transfer])
    } catch (error) {
      this.#idle.push(thread)
      task.reject(error as Error) // the argument can't be cloned
      return
    }
    thread.task = task
    thread.worker.ref()
  }

  #start(): Thread {
    const thread: Thread = {
      worker: startWorker(),
      task: null,
      idleTimer: undefined,
    }
    thread.worker.unref()
    this.#threads.add(thread)
    thread.worker.on('message', (response: TaskResponse) => this.#onResponse(thread, response))
    thread.worker.on('messageerror', cause => this.#onCrash(thread, cause))
    thread.worker.on('error', cause => this.#onCrash(thread, cause))
    thread.worker.on('exit', code => this.#onCrash(thread, new Error(`exit code ${code}`)))
    return thread
  }

  #onResponse(thread: Thread, response: TaskResponse): void {
    const { task } = thread
    if (!task || task.request.id !== response.id)
      throw new Error(`worker answered task ${response.id}, which it has not`)
    thread.task = null
    thread.worker.unref()
    this.#idle.push(thread)
    thread.idleTimer = setTimeout(() => this.#retire(thread), this.#idleMs).unref()
    if (response.ok) task.resolve(response.result)
    else task.reject(errorOf(response.failure))
    this.#dispatch()
  }

  #retire(thread: Thread): void {
    this.#forget(thread, new Error('idle'))
    void thread.worker.terminate()
  }

  /** Out of memory, `process.exit` or the like: the task is lost, the next one gets a new thread. */
  #onCrash(thread: Thread, cause: unknown): void {
    if (!this.#threads.has(thread)) return
    const { task } = thread
    const name = task ? `${task.request.exportName} of ${task.request.moduleUrl}` : 'no task'
    this.#forget(thread, new WorkerError('ERR_WORKER_CRASHED', `a worker died while it ran ${name}`, { cause }))
    void thread.worker.terminate()
    this.#dispatch()
  }

  #forget(thread: Thread, error: Error): void {
    clearTimeout(thread.idleTimer)
    this.#threads.delete(thread)
    const at = this.#idle.indexOf(thread)
    if (at >= 0) this.#idle.splice(at, 1)
    thread.task?.reject(error)
    thread.task = null
  }
}

/** Loaded when the first one is needed: most processes never need any, and a start is not to wait for it. */
function startWorker(): Worker {
  const { Worker } = process.getBuiltinModule('node:worker_threads')
  return new Worker(MAIN, OPTIONS)
}
