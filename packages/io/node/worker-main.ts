/** What runs in each worker thread: loads the module of a task on its first use, calls it, answers. */
import { parentPort } from 'node:worker_threads'
import { callTask, failureOf, type TaskFailure } from '../task.ts'
import { transferablesOf } from '../transfer.ts'

export interface TaskRequest {
  readonly id: number
  readonly moduleUrl: string
  readonly exportName: string
  readonly argument: unknown
}

export type TaskResponse =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly failure: TaskFailure }

async function answer({ id, moduleUrl, exportName, argument }: TaskRequest): Promise<void> {
  try {
    const result = await callTask(moduleUrl, exportName, argument)
    const response: TaskResponse = { id, ok: true, result }
    parentPort?.postMessage(response, [...transferablesOf(result)])
  } catch (error) {
    const response: TaskResponse = { id, ok: false, failure: failureOf(error) }
    parentPort?.postMessage(response)
  }
}

parentPort?.on('message', answer)
