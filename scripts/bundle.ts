/**
 * The command as a bundle. Node takes a third of a millisecond for each module that it loads, and a broker is some 300:
 * half of the time that `ottla start` took went there. The packages stay as they are for those who import them.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { rolldown } from 'rolldown'

interface Package {
  readonly name: string
  /** Where it is built. */
  readonly folder: string
}

/** What the command's script loads, and where the bundle of it goes. */
const ENTRY = 'cli/main.js'
const BUNDLE = 'command'
/** What the command line stands on goes in, with its licence; all else that is not ours stays outside. */
export const BUNDLED = ['commander']
/** Loaded by its name, in a thread of its own. */
const WORKER = 'node/worker-main.js'

/** Lets the built packages find each other, and nothing of the checkout. */
export function linkPackages(packages: readonly Package[], dist: string): void {
  for (const { name, folder } of packages) {
    const link = join(dist, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(relative(dirname(link), folder), link, 'dir')
  }
}

/** Both folders are of built packages. Returns the names of the packages that are in the bundle. */
export async function bundleCommand(folder: string, io: string): Promise<ReadonlySet<string>> {
  const bundle = await rolldown({
    input: { main: join(folder, ENTRY), [basename(WORKER, '.js')]: join(io, WORKER) },
    platform: 'node',
    external: id => /^[@\w]/.test(id) && !id.startsWith('@ottla/') && !BUNDLED.includes(id),
    onLog(level, log) {
      if (level === 'warn') throw new Error(`bundling the command: ${log.message}`)
    },
  })
  try {
    const { output } = await bundle.write({
      dir: join(folder, BUNDLE),
      format: 'esm',
      minify: false,
      entryFileNames: '[name].js',
      chunkFileNames: '[name].js',
    })
    const script = join(folder, 'bin/ottla.js')
    const text = readFileSync(script, 'utf8')
    if (!text.includes(`../${ENTRY}`)) throw new Error(`${script} does not load ${ENTRY}`)
    writeFileSync(script, text.replace(`../${ENTRY}`, `../${BUNDLE}/main.js`))
    for (const name of BUNDLED) {
      const licence = join(dirname(import.meta.dirname), 'node_modules', name, 'LICENSE')
      copyFileSync(licence, join(folder, BUNDLE, `LICENSE.${name}`))
    }
    const modules = output.flatMap(chunk => (chunk.type === 'chunk' ? chunk.moduleIds : []))
    return new Set(modules.map(packageOf))
  } finally {
    await bundle.close()
  }
}

function packageOf(path: string): string {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json')
    if (existsSync(manifest)) return (JSON.parse(readFileSync(manifest, 'utf8')) as Package).name
  }
}
