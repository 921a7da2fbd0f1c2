/**
 * What the package `ottla` is when it is published: the command and the library as one script. Node takes a third of a
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

/** Of the package's sources: everything as one script, and what loads it for the command and for `import`. */
export const PUBLISHED = ['published/bundle.ts', 'published/command.ts', 'published/library.ts'] as const
const FOLDER = 'bundle'
/** What bin/ottla.js loads in a checkout. */
const SOURCE = '../cli/main.js'
/** What the command line stands on goes in, with its licence; all else that is not ours stays outside. */
export const BUNDLED = ['commander']
/** Loaded by their names, in threads of their own: in which package, and where. */
const WORKERS = [
  ['packages/io', 'node/worker-main.js'],
  ['packages/log', 'cleaner/clean-task.js'],
] as const

/** Lets the built packages find each other, and nothing of the checkout. */
export function linkPackages(packages: readonly Package[], dist: string): void {
  for (const { name, folder } of packages) {
    const link = join(dist, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(relative(dirname(link), folder), link, 'dir')
  }
}

/** `builtFolder` tells where a package was built. Returns the names of the packages that are in the bundle. */
export async function bundlePackage(
  folder: string,
  builtFolder: (folder: string) => string,
): Promise<ReadonlySet<string>> {
  const [main, command, library] = PUBLISHED.map(path => join(folder, path.replace(/\.ts$/, '.js'))) as [
    string,
    string,
    string,
  ]
  const target = join(folder, FOLDER)
  // A script, and not a module: only of a script can what V8 has compiled be kept.
  const modules = await bundle(main, join(target, 'main.cjs'), 'cjs')
  await bundle(command, join(target, 'command.js'), 'esm')
  await bundle(library, join(target, 'library.js'), 'esm')
  for (const [source, path] of WORKERS) {
    await bundle(join(builtFolder(source), path), join(target, basename(path)), 'esm')
  }
  const script = join(folder, 'bin/ottla.js')
  const text = readFileSync(script, 'utf8')
  if (!text.includes(SOURCE)) throw new Error(`${script} does not load ${SOURCE}`)
  writeFileSync(script, text.replace(SOURCE, `../${FOLDER}/command.js`))
  for (const name of BUNDLED) {
    copyFileSync(join(ROOT, 'node_modules', name, 'LICENSE'), join(target, `LICENSE.${name}`))
  }
  writeFileSync(join(folder, 'index.js'), `export * from './${FOLDER}/library.js'\n`)
  return new Set(modules.map(packageOf))
}

/** A script with a single other character is read twice as slowly, and takes twice the memory. */
function inAscii(code: string): string {
  return code.replace(/[\u0080-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
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
    const { output } = await build.write({
      file,
      format,
      codeSplitting: false,
      comments: { legal: true, annotation: false, jsdoc: false },
    })
    writeFileSync(file, inAscii(readFileSync(file, 'utf8')))
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
