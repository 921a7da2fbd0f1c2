/**
 * A broker of one node in a process of its own, for a benchmark to talk to: ours or Apache Kafka. Linux only: its CPU time is
 * read from /proc.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiVersionsRequest } from '@ottla/protocol/messages/api-versions'
import { frame, WireClient } from './wire-client.ts'

const ROOT = dirname(dirname(dirname(import.meta.dirname)))
const KAFKA = process.env.OTTLA_APACHE_KAFKA ?? join(dirname(ROOT), 'shared', 'apache-kafka', 'kafka')
const TICKS_PER_SECOND = 100

export type BrokerName = 'ottla' | 'kafka'

/** Those that are here. */
export const BROKERS: readonly BrokerName[] = existsSync(KAFKA) ? ['ottla', 'kafka'] : ['ottla']

export class BrokerProcess implements AsyncDisposable {
  readonly port: number
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(command: readonly string[], port: number, folder: string) {
    this.port = port
    this.#folder = folder
    this.#child = spawn(command[0]!, command.slice(1), { stdio: 'ignore', detached: true })
  }

  /** Resolves when it answers. `configs`: `key=value` of a server.properties. */
  static async start(name: BrokerName, port: number, configs: readonly string[] = []): Promise<BrokerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'ottla-bench-'))
    const data = join(folder, 'data')
    const ours = [join(ROOT, 'packages/ottla/bin/ottla.js'), 'start', '--data', data, '--port', `${port}`]
    const command =
      name === 'ottla'
        ? [process.execPath, ...ours, '--log-level', 'warn', ...configs.flatMap(config => ['--set', config])]
        : [KAFKA, 'server', data, `${port}`, ...configs]
    const broker = new BrokerProcess(command, port, folder)
    for (let tries = 0; ; tries++) {
      try {
        const client = await WireClient.connect(port)
        await client.send(frame(ApiVersionsRequest, 0, {}))
        client.close()
        return broker
      } catch (error) {
        if (tries > 600) throw error
        await sleep(100)
      }
    }
  }

  /** Seconds, of the whole process group. */
  get cpuSeconds(): number {
    let ticks = 0
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue
      const fields = statOf(pid)
      if (fields && Number(fields[2]) === this.#child.pid) ticks += Number(fields[11]) + Number(fields[12])
    }
    return ticks / TICKS_PER_SECOND
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    process.kill(-this.#child.pid!, 'SIGKILL')
    await ended
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** From the state on: the name before it may hold anything. null: the process is gone. */
function statOf(pid: string): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}
