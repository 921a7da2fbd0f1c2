/**
 * Child processes of the interop suite: run one to its end, or keep one and follow its lines. Each leads a process group
 * of its own, so that killing it takes along what it started, and none outlives this process.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Record<string, string | undefined>
  readonly input?: string
  readonly timeoutMs?: number
}

export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that did not end well; the message shows the tail of what it said. */
export class CommandFailed extends Error {
  readonly finished: Finished
  constructor(what: string, finished: Finished) {
    super(`${what}\n${tail(finished.stderr || finished.stdout)}`)
    this.finished = finished
  }
}

/** The last lines of a text, each cut to a readable length. */
export function tail(text: string, lines = 25): string {
  const cut = text.trimEnd().split('\n').slice(-lines)
  return cut.map(line => (line.length > 400 ? `${line.slice(0, 400)}…` : line)).join('\n')
}

const running = new Set<ChildProcess>()

function start(command: readonly string[], options: RunOptions): ChildProcess {
  const child = spawn(command[0]!, command.slice(1), {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.stdin!.on('error', () => {}) // a child that ends without reading its input is judged by its exit code
  return child
}

/** Sends a signal to a child and all it started; nothing happens if they are gone. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
process.once('exit', () => {
  for (const child of running) signalGroup(child, 'SIGKILL')
})

/** Runs a command to its end, whatever its code. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = start(command, options)
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  child.stdout!.on('data', (bytes: Buffer) => output.stdout.push(bytes))
  child.stderr!.on('data', (bytes: Buffer) => output.stderr.push(bytes))
  child.stdin!.end(options.input ?? '')
  const timer = options.timeoutMs ? setTimeout(() => signalGroup(child, 'SIGKILL'), options.timeoutMs) : undefined
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    const text = (parts: Buffer[]) => Buffer.concat(parts).toString()
    return { code, signal, stdout: text(output.stdout), stderr: text(output.stderr) }
  } finally {
    clearTimeout(timer)
  }
}

/** Runs a command that has to end with 0; its stdout. */
export async function must(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const finished = await run(command, options)
  if (finished.code === 0) return finished.stdout
  const how = finished.signal ? `was ended by ${finished.signal}` : `ended with code ${finished.code}`
  throw new CommandFailed(`${command.slice(0, 4).join(' ')} ${how}`, finished)
}

/** A child that stays: its stdout line by line, its stderr kept for when something goes wrong. */
export class Child {
  readonly #child: ChildProcess
  readonly #stderr: string[] = []
  readonly #lines: string[] = []
  readonly #waiting = new Set<() => void>()
  #ended: Promise<unknown>
  #gone = false
  #exit = 'running'

  constructor(command: readonly string[], options: RunOptions = {}) {
    this.#child = start(command, options)
    createInterface(this.#child.stdout!).on('line', line => {
      this.#lines.push(line)
      this.#wake()
    })
    createInterface(this.#child.stderr!).on('line', line => {
      if (this.#stderr.push(line) > 2000) this.#stderr.splice(0, 1000)
    })
    this.#ended = once(this.#child, 'close').then(
      ([code, signal]) => {
        this.#exit = signal ?? `code ${code}`
        this.#finish()
      },
      error => {
        this.#stderr.push(String(error))
        this.#finish()
      },
    )
  }

  #finish(): void {
    this.#gone = true
    this.#wake()
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look()
  }

  get pid(): number {
    return this.#child.pid!
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  get stderrTail(): string {
    return tail(this.#stderr.join('\n'))
  }

  /** The last ones. */
  get stderrLines(): readonly string[] {
    return this.#stderr
  }

  get hasEnded(): boolean {
    return this.#gone
  }

  /** How it ended: `code 1`, or the name of a signal. */
  get exit(): string {
    return this.#exit
  }

  /** Waits until `probe` answers something after a new line; fails when the child ends first or time is up. */
  async until<T>(what: string, probe: () => T | undefined, timeoutMs: number): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      const finish = (act: () => void) => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        act()
      }
      const fail = (why: string) =>
        finish(() => reject(new Error(`${what}: ${why}\n${tail(this.#lines.join('\n'), 5)}\n${this.stderrTail}`)))
      const look = () => {
        try {
          const found = probe()
          if (found !== undefined) finish(() => resolve(found))
          else if (this.#gone) fail('the process has ended')
        } catch (error) {
          finish(() => reject(error))
        }
      }
      const timer = setTimeout(() => fail(`not within ${timeoutMs / 1000} s`), timeoutMs)
      this.#waiting.add(look)
      look()
    })
  }

  write(text: string): void {
    this.#child.stdin!.write(text)
  }

  /** There is nothing more to read for it. */
  end(): void {
    this.#child.stdin!.end()
  }

  async ended(): Promise<void> {
    await this.#ended
  }

  /** Sends the signal to the child and what it started and waits until it is gone; SIGKILL after `patienceMs`. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', patienceMs = 15_000): Promise<void> {
    if (this.#gone) return
    if (signal === 'SIGKILL') signalGroup(this.#child, signal)
    else this.#child.kill(signal)
    const timer = setTimeout(() => signalGroup(this.#child, 'SIGKILL'), patienceMs)
    await this.#ended
    clearTimeout(timer)
  }
}

/** Calls `probe` until it answers something, every `everyMs`; `what` names it in the error when time is up. */
export async function poll<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  timeoutMs: number,
  everyMs = 50,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`)
    await new Promise(resolve => setTimeout(resolve, everyMs))
  }
}
