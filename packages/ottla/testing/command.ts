/** Runs `bin/ottla.js` as a user would: in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../bin/ottla.js', import.meta.url))
const TIMEOUT_MS = 30_000

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export class Command {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  readonly finished: Promise<Finished>

  constructor(args: readonly string[], { input, env = {}, cwd }: RunOptions = {}) {
    this.child = spawn(process.execPath, [BIN, ...args], {
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
      timeout: TIMEOUT_MS,
    })
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.child.stdin!.end(input ?? '')
    this.finished = once(this.child, 'close').then(([code]) => ({
      code: code as number | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }))
  }

  /** Resolves when `text` stands on stdout; rejects if the process ends before. */
  async says(text: string | RegExp): Promise<void> {
    const isThere = (): boolean => (typeof text === 'string' ? this.stdout.includes(text) : text.test(this.stdout))
    const ended = this.finished.then(({ code, stderr }) => {
      if (!isThere()) throw new Error(`ended with ${code} before it said ${text}: ${stderr}`)
    })
    while (!isThere()) await Promise.race([once(this.child.stdout!, 'data'), ended])
  }
}

export function run(args: readonly string[], options?: RunOptions): Promise<Finished> {
  return new Command(args, options).finished
}
