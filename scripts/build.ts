/**
 * `npm run build`: compiles each published package to dist/<name>/, JavaScript and declarations for Node 22.18 and
 * later: what its entries reach, and nothing of tests. The package `ottla` is bundles (bundle.ts). In a checkout nothing is
 * built; Node runs the TypeScript. `dist/ottla/bin/ottla.js` runs where it was built, too: benchmarks use that.
 *
 * `npm run build -- --check` also packs the packages as they would be published, installs them in an empty folder and
 * uses them there (build-check.ts); `--node=22.18.0` does that with another Node, from npm.
 */
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { type BuiltPackage, checkPackages, run } from './build-check.ts'
import { BUNDLED, bundlePackage, linkPackages, PUBLISHED } from './bundle.ts'

const ROOT = dirname(import.meta.dirname)
const DIST = join(ROOT, 'dist')
const NODE_ENGINE = '>=22.18'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports: Readonly<Record<string, string>>
  readonly imports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Source {
  /** In packages/. */
  readonly folder: string
  readonly manifest: Manifest
  /** From ROOT, sorted. */
  readonly files: readonly string[]
}

/** A subpath for the tests of this repository; it is not published. */
const DEVELOPMENT_EXPORT = './testing'

async function main(): Promise<void> {
  const args = process.argv.slice(2)
  const unknown = args.find(arg => arg !== '--check' && !/^--node=\d+\.\d+\.\d+$/.test(arg))
  if (unknown !== undefined) throw new Error(`no such option: ${unknown}; there are --check and --node=VERSION`)
  const packages = await build()
  console.log(`built ${packages.map(({ name }) => name).join(', ')} in ${relative(ROOT, DIST)}/`)
  if (args.includes('--check')) {
    const version = args.find(arg => arg.startsWith('--node='))?.slice('--node='.length)
    checkPackages(packages, join(DIST, 'tarballs'), version ?? null)
  }
}

async function build(): Promise<BuiltPackage[]> {
  rmSync(DIST, { recursive: true, force: true })
  const sources = readSources()
  compile(sources.flatMap(({ files }) => files).filter(file => file.endsWith('.ts')))
  const packages = sources.map(finish)
  linkPackages(packages, DIST)
  for (const source of sources) if (source.manifest.bin) await bundle(source, sources)
  for (const { folder } of packages) checkImports(folder)
  return packages
}

/** All code is in the bundles; of the modules the declarations stay that the library's are made of. */
async function bundle({ folder, manifest, files }: Source, all: readonly Source[]): Promise<void> {
  const target = builtFolder(folder)
  const bundled = await bundlePackage(target, builtFolder)
  const entries = entryFiles(folder, { ...manifest, bin: {} })
  const library = new Set(reachableFrom(entries))
  for (const file of files.filter(path => path.endsWith('.ts') && !entries.includes(path))) {
    const built = join(DIST, jsName(file.slice('packages/'.length)))
    rmSync(built)
    if (!library.has(file)) rmSync(built.replace(/\.js$/, '.d.ts'))
  }
  const bundledPackages = all.filter(({ manifest: { name } }) => bundled.has(name)).map(source => source.manifest)
  const dependencies: Record<string, string> = {}
  const optionalDependencies: Record<string, string> = {}
  for (const each of [...bundledPackages, manifest]) {
    Object.assign(dependencies, each.dependencies)
    Object.assign(optionalDependencies, each.optionalDependencies)
  }
  for (const name of BUNDLED) delete dependencies[name]
  writeManifest(target, { ...manifest, dependencies, optionalDependencies })
}

function builtFolder(folder: string): string {
  return join(DIST, folder.slice('packages/'.length))
}

// --------------------------------------------------------------------------------------------------------- sources

function readSources(): Source[] {
  return globSync('packages/*/package.json', { cwd: ROOT })
    .sort()
    .map(path => ({ path, manifest: JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Manifest }))
    .filter(({ manifest }) => !manifest.private)
    .map(({ path, manifest }) => {
      const folder = dirname(path)
      const bundled = manifest.bin ? PUBLISHED.map(path => join(folder, path)) : []
      return { folder, manifest, files: reachableFrom([...entryFiles(folder, manifest), ...bundled]) }
    })
}

function entryFiles(folder: string, { exports, imports = {}, bin = {} }: Manifest): string[] {
  const exported = Object.entries(exports).filter(([key]) => key !== DEVELOPMENT_EXPORT)
  const imported = Object.values(imports).flatMap(target =>
    typeof target === 'string' ? target : Object.values(target),
  )
  return [...exported.map(([, target]) => target), ...imported, ...Object.values(bin)].flatMap(target => {
    const found = globSync(target, { cwd: join(ROOT, folder) }).filter(path => !path.endsWith('.test.ts'))
    if (found.length === 0) throw new Error(`${folder}/package.json names ${target}, which is not there`)
    return found.map(path => join(folder, path))
  })
}

/** A module that is imported, or loaded by its name in a worker. */
const RELATIVE_MODULE = /(['"])(\.{1,2}\/[\w./-]+\.ts)\1/g

function reachableFrom(entries: readonly string[]): string[] {
  const reached = new Set(entries)
  for (const path of reached) {
    const text = readFileSync(join(ROOT, path), 'utf8')
    for (const [, , name] of text.matchAll(RELATIVE_MODULE)) {
      const target = join(dirname(path), name!)
      if (existsSync(join(ROOT, target))) reached.add(target)
    }
  }
  return [...reached].sort()
}

// --------------------------------------------------------------------------------------------------------- compile

function compile(files: readonly string[]): void {
  mkdirSync(DIST, { recursive: true })
  const project = join(DIST, 'tsconfig.json')
  const config = {
    extends: '../tsconfig.json',
    compilerOptions: {
      noEmit: false,
      noEmitOnError: true,
      declaration: true,
      rewriteRelativeImportExtensions: true,
      rootDir: '../packages',
      outDir: '.',
    },
    include: [],
    files: files.map(file => join('..', file)),
  }
  writeFileSync(project, JSON.stringify(config, null, 2))
  run('tsc', ['--project', project], ROOT)
  rmSync(project)
}

/** The compiler leaves names of modules alone where it does not know them for such: in declarations, in plain files. */
function withJsNames(text: string): string {
  return text.replace(RELATIVE_MODULE, (_, quote: string, name: string) => quote + jsName(name) + quote)
}

function jsName(path: string): string {
  return path.replace(/\.ts$/, '.js')
}

function finish({ folder, manifest, files }: Source): BuiltPackage {
  const target = builtFolder(folder)
  for (const file of files) {
    const built = join(DIST, file.slice('packages/'.length))
    if (file.endsWith('.ts')) {
      const declaration = built.replace(/\.ts$/, '.d.ts')
      writeFileSync(declaration, withJsNames(readFileSync(declaration, 'utf8')))
    } else {
      mkdirSync(dirname(built), { recursive: true })
      writeFileSync(built, withJsNames(readFileSync(join(ROOT, file), 'utf8')), { mode: 0o755 })
    }
  }
  writeManifest(target, manifest)
  copyFileSync(join(ROOT, 'LICENSE'), join(target, 'LICENSE'))
  // The umbrella package shows what npm shows first; the others, one screen of their own.
  const readme = [join(ROOT, folder, 'README.md'), join(ROOT, 'README.md')].find(existsSync)
  if (readme) copyFileSync(readme, join(target, 'README.md'))
  return { name: manifest.name, version: manifest.version, folder: target, entries: entriesOf(folder, manifest) }
}

/** All names that can be imported: `@ottla/protocol/messages/*` is one for each message. */
function entriesOf(folder: string, { name, exports }: Manifest): string[] {
  return Object.entries(exports)
    .filter(([key]) => key !== DEVELOPMENT_EXPORT)
    .flatMap(([key, target]) => {
      if (!key.includes('*')) return [name + key.slice(1)]
      const files = globSync(target, { cwd: join(ROOT, folder) }).filter(path => !path.endsWith('.test.ts'))
      return files.sort().map(path => name + key.slice(1).replace('*', basename(path, '.ts')))
    })
}

function writeManifest(target: string, manifest: Manifest): void {
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)
}

function publishedManifest(manifest: Manifest): object {
  const exported = Object.entries(manifest.exports).filter(([key]) => key !== DEVELOPMENT_EXPORT)
  const conditions = (target: string) => ({ types: target.replace(/\.ts$/, '.d.ts'), default: jsName(target) })
  const imports = Object.entries(manifest.imports ?? {}).map(([name, target]) => [
    name,
    typeof target === 'string'
      ? jsName(target)
      : Object.fromEntries(Object.entries(target).map(([condition, path]) => [condition, jsName(path)])),
  ])
  return {
    ...manifest,
    exports: {
      ...Object.fromEntries(exported.map(([key, target]) => [key, conditions(target)])),
      './package.json': './package.json',
    },
    ...(imports.length > 0 ? { imports: Object.fromEntries(imports) } : {}),
    engines: { node: NODE_ENGINE },
    files: ['**/*.js', '**/*.cjs', '**/*.d.ts', '**/LICENSE.*'],
  }
}

// ----------------------------------------------------------------------------------------------------------- check

/** Every module that is named is there, and every package is one that will be installed. */
function checkImports(folder: string): void {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const installed = new Set([
    manifest.name,
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.optionalDependencies ?? {}),
  ])
  const problems: string[] = []
  for (const file of globSync('**/*.{js,cjs,d.ts}', { cwd: folder, exclude: path => path.includes('node_modules') })) {
    const code = readFileSync(join(folder, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    for (const [, name] of code.matchAll(/(?:\bfrom|\bimport\(?|\brequire\()\s*['"]([@#\w./:-]+)['"]/g)) {
      if (isBuiltin(name!) || name!.startsWith('#')) continue
      if (name!.startsWith('.')) {
        const target = join(folder, dirname(file), name!)
        const needed = file.endsWith('.d.ts') ? target.replace(/\.js$/, '.d.ts') : target
        if (!existsSync(needed)) problems.push(`${manifest.name}: ${file} imports ${name}, which is not published`)
      } else if (!installed.has(/^(?:@[^/]+\/)?[^/]+/.exec(name!)![0])) {
        problems.push(`${manifest.name}: ${file} imports ${name}, which package.json does not name`)
      }
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
}

if (import.meta.main) await main()
