/**
 * How long a test waits for its broker: `node test/bench/cluster.ts`. Milliseconds for importing `ottla`, for the first
 * `createCluster()` of a process, which runs all code for the first time, and for one of those after it: medians of
 * several processes, of the checkout and, where it is installed, of what `npm run build` made.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const ROOT = dirname(dirname(import.meta.dirname))
const PROCESSES = 15
const CLUSTERS = 10

const script = (module: string, transport: string) => `
const began = performance.now()
const { createCluster } = await import('${pathToFileURL(module).href}')
const imported = performance.now() - began
const ready = []
for (let i = 0; i < ${CLUSTERS}; i++) {
  const from = performance.now()
  const cluster = await createCluster({ transport: '${transport}' })
  ready.push(performance.now() - from)
  await cluster.close()
}
const [first, ...later] = ready
console.log(JSON.stringify([imported, first, later.sort((a, b) => a - b)[later.length >> 1]]))`

function run(module: string, transport: string): number[] {
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', script(module, transport)])
  return JSON.parse(text.toString()) as number[]
}

/** Not of the first process ever: it leaves the code that V8 has made to those after it. */
function measure(module: string, transport: string): number[] {
  run(module, transport)
  const samples = Array.from({ length: PROCESSES }, () => run(module, transport))
  return [0, 1, 2].map(column => samples.map(sample => sample[column]!).sort((a, b) => a - b)[PROCESSES >> 1]!)
}

/** The package where `npm install` would put it, in a folder of its own. */
function install(folder: string): string {
  const modules = join(folder, 'node_modules')
  cpSync(join(ROOT, 'dist/ottla'), join(modules, 'ottla'), { recursive: true })
  const others = readdirSync(join(ROOT, 'node_modules')).filter(name => name !== 'ottla' && !name.startsWith('.'))
  for (const name of others) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  return join(modules, 'ottla/index.js')
}

const scratch = mkdtempSync(join(tmpdir(), 'ottla-cluster-bench-'))
try {
  const modules: Record<string, string> = { 'the checkout': join(ROOT, 'packages/ottla/index.ts') }
  if (existsSync(join(ROOT, 'dist/ottla'))) modules['the package'] = install(scratch)
  console.log('| | import | first | each after it |')
  console.log('|---|---:|---:|---:|')
  for (const [what, module] of Object.entries(modules)) {
    for (const transport of ['tcp', 'in-process']) {
      const cells = measure(module, transport).map(ms => ms.toFixed(1))
      console.log(`| ${what}, ${transport} | ${cells.join(' | ')} |`)
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
