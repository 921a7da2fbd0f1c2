/** What `import 'ottla'` loads in the published package. */
import type { ClusterOptions, EmbeddedCluster } from '../embedded.ts'
import { load } from './load.ts'

const { getCompileCacheDir } = process.getBuiltinModule('node:module')
const { join, sep } = process.getBuiltinModule('node:path')
const { Script } = process.getBuiltinModule('node:vm')

const { bundle, keep } = load('library', codeFolder())
let isUsed = false

export function createCluster(options?: ClusterOptions): Promise<EmbeddedCluster> {
  if (!isUsed) process.once('exit', keep)
  isUsed = true
  return bundle.createCluster(options)
}

/** Where the program has its compile cache, else where tools have theirs, beside the package itself. */
function codeFolder(): string | null {
  // Some test runners have a context for each file; a script would make the promises and errors of another one.
  if (new Script('globalThis').runInThisContext() !== globalThis) return null
  if (process.env.NODE_DISABLE_COMPILE_CACHE) return null
  const modules = `${sep}node_modules${sep}`
  const at = import.meta.dirname.lastIndexOf(modules)
  const beside = at < 0 ? null : join(import.meta.dirname.slice(0, at + modules.length), '.cache', 'ottla')
  return getCompileCacheDir?.() ?? beside
}
