/** What runs in each worker thread: loads the module of a task on its first use, calls it, answers. */
import { parentPort } from 'node:worker_threads'
import { transferablesOf } from '../transfer.ts'

export interface TaskRequest {
  readonly id: number
  readonly moduleUrl: string
  readonly exportName: string
  readonly argument: unknown
}

export type TaskResponse =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: TaskFailure }

/** An error as it can cross threads: cloning keeps neither its class nor its code. */
export interface TaskFailure {
  readonly name: string
  readonly message: string
  readonly code: string | undefined
  readonly stack: string | undefined
}

async function answer({ id, moduleUrl, exportName, argument }: TaskRequest): Promise<void> {
  try {
    const module: Record<string, unknown> = await import(moduleUrl)
    const task = module[exportName]
    if (typeof task !== 'function')
      throw Object.assign(new Error(`${moduleUrl} exports no function ${exportName}`), { code: 'ERR_NO_TASK' })
    const result: unknown = await task(argument)
    const response: TaskResponse = { id, ok: true, result }
    parentPort?.postMessage(response, [...transferablesOf(result)])
  } catch (error) {
    const response: TaskResponse = { id, ok: false, error: failureOf(error) }
    parentPort?.postMessage(response)
  }
}

function failureOf(error: unknown): TaskFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), code: undefined, stack: undefined }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { name: error.name, message: error.message, code, stack: error.stack }
}

parentPort?.on('message', answer)
