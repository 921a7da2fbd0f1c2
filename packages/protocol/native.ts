/**
 * Loads prebuilt native code where there is some, and says so quietly where there is none: every user of this has a
 * pure fallback. It goes through `process.getBuiltinModule` because that is synchronous, needs no static `node:*`
 * import (this package also runs in browsers, whose bundlers must find nothing to resolve) and happens at the first
 * use, not at start: loading an addon takes some 8 ms.
 */

interface ModuleLoader {
  createRequire(url: string): (name: string) => unknown
}

interface NodeProcess {
  getBuiltinModule?(name: string): unknown
}

const host: NodeProcess | undefined = (globalThis as { process?: NodeProcess }).process

/** A module that is part of Node, null elsewhere. Only for CPU work: this package does no I/O. */
export function loadBuiltin<Module>(name: 'node:zlib' | 'node:module'): Module | null {
  return (host?.getBuiltinModule?.(name) as Module | undefined) ?? null
}

/** An optional dependency, null if it isn't installed or has no binary for this platform. */
export function loadAddon<Module>(name: string): Module | null {
  const loader = loadBuiltin<ModuleLoader>('node:module')
  if (loader === null) return null
  try {
    return loader.createRequire(import.meta.url)(name) as Module
  } catch {
    // Not installed, wrong libc, unknown CPU: whatever the reason, the fallback does the same work.
    return null
  }
}
