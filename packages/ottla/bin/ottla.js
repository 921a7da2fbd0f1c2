#!/usr/bin/env node
// Plain JavaScript, so that it can turn on the compile cache before anything else is loaded, and say so on a Node that
// is too old to load it.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`ottla needs Node 22.18 or later; this is ${process.versions.node}`)
  process.exit(1)
}
// Asked for, and not imported: an import of one reads all that it exports (published/load.ts).
process.getBuiltinModule('node:module').enableCompileCache?.()
// Record batches live outside the heap. By default V8 collects the whole heap for every few megabytes of them, though the
// heap is small: a third of the broker's CPU (docs/performance.md).
process.getBuiltinModule('node:v8').setFlagsFromString('--external-memory-accounted-in-global-limit')
const { main } = await import('../cli/main.ts')
await main(process.argv.slice(2))
