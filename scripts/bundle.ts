/**
 * What the package `ottla` is when it is published: the command, and the library, each as a bundle. Node takes a third of a
 * millisecond for each module that it loads, and a broker is some 300. The other packages stay as they are, because
 * whoever imports two of them must get the same classes; `ottla` exports none.
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

/** Of the built package: what its script and its library load in a checkout, and where all of that goes. */
const COMMAND = 'cli/main.js'
const LIBRARY = 'index.js'
const FOLDER = 'bundle'
/** Loads the command. */
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

/** Both folders are of built packages. Returns the names of the packages that are in the bundles. */
export async function bundlePackage(folder: string, io: string): Promise<ReadonlySet<string>> {
  const target = join(folder, FOLDER)
  // A script, and not a module: only of a script can what V8 has compiled be kept.
  const modules = await bundle(join(folder, COMMAND), join(target, 'main.cjs'), 'cjs')
  await bundle(join(folder, LIBRARY), join(target, LIBRARY), 'esm')
  await bundle(join(io, WORKER), join(target, basename(WORKER)), 'esm')
  await bundle(join(ROOT, 'packages', basename(folder), LOADER), join(target, 'command.js'), 'esm')
  const script = join(folder, 'bin/ottla.js')
  const text = readFileSync(script, 'utf8')
  if (!text.includes(`../${COMMAND}`)) throw new Error(`${script} does not load ${COMMAND}`)
  writeFileSync(script, text.replace(`../${COMMAND}`, `../${FOLDER}/command.js`))
  for (const name of BUNDLED) {
    copyFileSync(join(ROOT, 'node_modules', name, 'LICENSE'), join(target, `LICENSE.${name}`))
  }
  writeFileSync(join(folder, LIBRARY), `export * from './${FOLDER}/${LIBRARY}'\n`)
  return new Set(modules.map(packageOf))
}

/** Returns the modules that are in it. */
async function bundle(entry: string, file: string, format: 'cjs' | 'esm'): Promise<readonly string[]> {
  const build = await rolldown({
    input: entry,
    platform: 'node',
    external: id => /^[@\w]/.test(id) && !id.startsWith('@ottla/') && !BUNDLED.includes(id),
    onLog(level, log) {
      if (level === 'warn') throw new Error(`bundling ${entry}: ${log.message}`)
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
