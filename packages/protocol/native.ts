/**
 * Loads prebuilt native code where there is some, and says so quietly where there is none: every user of this has a
 * pure fallback. It goes through `process.getBuiltinModule` because that is synchronous and needs no static `node:*`
 * import: this package also runs in browsers, whose bundlers must find nothing to resolve.
 */

interface ModuleLoader {
  createRequire(url: string): (name: string) => unknown
}

interface NodeProcess {
  getBuiltinModule?(name: string): unknown
}

/** Loading an addon takes some 8 ms: as much as plain JavaScript needs for this many bytes, or longer. */
const WORTH_LOADING_BYTES = 256 * 1024

/**
 * An optional dependency that is loaded once enough work has come by to pay for it: a cluster that lives for one test
 * never waits for it.
 */
export class LazyAddon<Module> {
  readonly #name: string
  #bytesBeforeLoad = WORTH_LOADING_BYTES
  #module: Module | null = null

  constructor(name: string) {
    this.#name = name
  }

  /** The addon, for work on so many bytes; null if it is not worth it yet, not installed, or not made for this platform. */
  forWork(bytes: number): Module | null {
    if (this.#bytesBeforeLoad > 0) {
      this.#bytesBeforeLoad -= bytes
      if (this.#bytesBeforeLoad <= 0) this.#module = load<Module>(this.#name)
    }
    return this.#module
  }
}

function load<Module>(name: string): Module | null {
  const host: NodeProcess | undefined = (globalThis as { process?: NodeProcess }).process
  const loader = host?.getBuiltinModule?.('node:module') as ModuleLoader | undefined
  try {
    return loader === undefined ? null : (loader.createRequire(import.meta.url)(name) as Module)
  } catch {
    // Not installed, wrong libc, unknown CPU: whatever the reason, the fallback does the same work.
    return null
  }
}
