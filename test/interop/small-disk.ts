/**
 * A file system of a few MiB, in memory, that can be filled up and grown: in a mount namespace of its own, so that nobody
 * needs to be root. Who is to see it is started with `within` before the command.
 */
import { closeSync, openSync, realpathSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Child, must, run } from './process.ts'

const MIB = 1024 * 1024
const BLOCK = Buffer.alloc(4096)

export class SmallDisk {
  /** Where it is mounted, for those within. */
  readonly path: string
  readonly #holder: Child

  private constructor(path: string, holder: Child) {
    this.path = path
    this.#holder = holder
  }

  /** Why there can be none on this machine; null if there can. */
  static async missing(): Promise<string | null> {
    try {
      const { code, stderr } = await run(['unshare', '-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp'], {
        timeoutMs: 5000,
      })
      return code === 0 ? null : `no mounts in a namespace of one's own: ${stderr.trim()}`
    } catch (error) {
      return `no unshare: ${(error as Error).message}`
    }
  }

  /** `path` is an empty folder. */
  static async mount(path: string, mib: number): Promise<SmallDisk> {
    const script = 'mount -t tmpfs -o size="$2"m tmpfs "$1" && echo mounted && exec sleep infinity'
    const holder = new Child(['unshare', '-rm', 'sh', '-c', script, 'sh', path, String(mib)])
    await holder.until(`mount ${path}`, () => holder.lines.find(line => line === 'mounted'), 5000)
    // Links would be followed from our root, and not from the one of those within.
    return new SmallDisk(realpathSync(path), holder)
  }

  /** A command prefix. */
  get within(): string[] {
    return ['nsenter', '--target', String(this.#holder.pid), '--user', '--mount', '--preserve-credentials', '--']
  }

  /** Of a file on it, for those without. */
  outside(name: string): string {
    return join(`/proc/${this.#holder.pid}/root`, this.path, name)
  }

  /** Takes all the room that there is, until `free`; whoever writes at the same time gets some of it. */
  fill(): void {
    const file = openSync(this.outside('filler'), 'a')
    try {
      for (;;) writeSync(file, BLOCK)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  async free(mib: number): Promise<void> {
    rmSync(this.outside('filler'), { force: true })
    await must([...this.within, 'mount', '-o', `remount,size=${mib}m`, this.path])
  }

  async unmount(): Promise<void> {
    await this.#holder.stop('SIGKILL')
  }
}

export { MIB }
