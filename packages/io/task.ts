/** How a worker's task is found, called and answered: the same in a thread and inline. */
import { WorkerError } from './errors.ts'

/** An error as it can cross threads: cloning keeps neither its class nor its code. */
export interface TaskFailure {
  readonly name: string
  readonly message: string
  readonly code: string | undefined
  readonly stack: string | undefined
}

export async function callTask(moduleUrl: string, exportName: string, argument: unknown): Promise<unknown> {
  const module: Record<string, unknown> = await import(moduleUrl)
  const task = module[exportName]
  if (typeof task !== 'function') {
    throw new WorkerError('ERR_NO_TASK', `${moduleUrl} exports no function ${exportName}`)
  }
  return task(argument)
}

export function failureOf(error: unknown): TaskFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), code: undefined, stack: undefined }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { name: error.name, message: error.message, code, stack: error.stack }
}

export function errorOf(failure: TaskFailure): Error {
  if (failure.name === 'WorkerError') return new WorkerError('ERR_NO_TASK', failure.message)
  const error: Error & { code?: string } = new Error(failure.message)
  error.name = failure.name
  if (failure.code !== undefined) error.code = failure.code
  if (failure.stack !== undefined) error.stack = failure.stack
  return error
}
