/**
 * The command as a bundle. Node takes a third of a millisecond for each module that it loads, and a broker is some 300:
 * half of the time that `ottla start` took went there. The packages stay as they are for those who import them.
 * packages/ottla/cli/published.ts loads it.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { rolldown } from 'rolldown'

const ROOT = dirname(import.meta.dirname)

interface Package {
  readonly name: string
  /** Where it is built. */
  readonly folder: string
}

/** What the command's script loads in a checkout, and the folder for what it loads when it is published. */
const ENTRY = 'cli/main.js'
const FOLDER = 'command'
/** Loads the bundle. */
const LOADER = 'cli/published.ts'
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
  const target = join(folder, FOLDER)
  // A script, and not a module: only of a script can what V8 has compiled be kept.
  const bundled = await bundle(join(folder, ENTRY), join(target, 'main.cjs'), 'cjs')
  await bundle(join(io, WORKER), join(target, basename(WORKER)), 'esm')
  await bundle(join(ROOT, 'packages', basename(folder), LOADER), join(target, 'index.js'), 'esm')
  const script = join(folder, 'bin/ottla.js')
  const text = readFileSync(script, 'utf8')
  if (!text.includes(`../${ENTRY}`)) throw new Error(`${script} does not load ${ENTRY}`)
  writeFileSync(script, text.replace(`../${ENTRY}`, `../${FOLDER}/index.js`))
  for (const name of BUNDLED) {
    copyFileSync(join(ROOT, 'node_modules', name, 'LICENSE'), join(target, `LICENSE.${name}`))
  }
  return new Set(bundled.map(packageOf))
}

/** Returns the modules that are in it. */
async function bundle(entry: string, file: string, format: 'cjs' | 'esm'): Promise<readonly string[]> {
  const build = await rolldown({
    input: entry,
    platform: 'node',
    external: id => /^[@\w]/.test(id) && !id.startsWith('@ottla/') && !BUNDLED.includes(id),
    onLog(level, log) {
      if (level === 'warn') throw new Error(`bundling the command: ${log.message}`)
    },
  })
  try {
    const { output } = await build.write({ file, format, codeSplitting: false })
    return output.flatMap(chunk => (chunk.type === 'chunk' ? chunk.moduleIds : []))
  } finally {
    await build.close()
  }
}

function packageOf(path: string): string {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json')
    if (existsSync(manifest)) return (JSON.parse(readFileSync(manifest, 'utf8')) as Package).name
  }
}
