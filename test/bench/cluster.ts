/**
 * How long a test waits for its broker: `node test/bench/cluster.ts`. Milliseconds for importing `ottla`, for the first
 * `createCluster()` of a process, which runs all code for the first time, and for one of those after it: medians of
 * several processes, of the checkout and of what `npm run build` made.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
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

function measure(module: string, transport: string): number[] {
  const samples = Array.from({ length: PROCESSES }, () => {
    const text = execFileSync(process.execPath, ['--input-type=module', '-e', script(module, transport)])
    return JSON.parse(text.toString()) as number[]
  })
  return [0, 1, 2].map(column => samples.map(sample => sample[column]!).sort((a, b) => a - b)[PROCESSES >> 1]!)
}

const modules = {
  'the checkout': join(ROOT, 'packages/ottla/index.ts'),
  'the package': join(ROOT, 'dist/ottla/index.js'),
}

console.log('| | import | first | each after it |')
console.log('|---|---:|---:|---:|')
for (const [what, module] of Object.entries(modules)) {
  if (!existsSync(module)) continue
  for (const transport of ['tcp', 'in-process']) {
    const cells = measure(module, transport).map(ms => ms.toFixed(1))
    console.log(`| ${what}, ${transport} | ${cells.join(' | ')} |`)
  }
}
