/**
 * Whether the packages work where somebody installs them: packed, installed in an empty folder outside of the checkout,
 * and used from there: every entry imported, the command run, a task run on a worker thread, a cluster started if there
 * is one to start, and the declarations read by the TypeScript compiler.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const ROOT = dirname(import.meta.dirname)
const NPM_FLAGS = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']

export interface BuiltPackage {
  readonly name: string
  readonly version: string
  /** Where it is built. */
  readonly folder: string
  /** What can be imported: the name, and each subpath. */
  readonly entries: readonly string[]
}

/** `nodeVersion`: of the npm registry; null: the Node that runs this. */
export function checkPackages(
  packages: readonly BuiltPackage[],
  destination: string,
  nodeVersion: string | null,
): void {
  const tarballs = pack(packages, destination)
  const folder = mkdtempSync(join(tmpdir(), 'ottla-installed-'))
  try {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    const otherNode = nodeVersion === null ? [] : [`${nodePackage()}@${nodeVersion}`]
    run('npm', ['install', ...NPM_FLAGS, ...tarballs, ...otherNode], folder)
    const node = nodeVersion === null ? process.execPath : join(folder, 'node_modules', nodePackage(), 'bin/node')
    const version = output(node, ['--version'], folder)
    for (const [what, check] of checks(packages)) {
      check(node, folder)
      console.log(`Node ${version}: ${what}`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The binary alone; the npm package `node` would need its install script. */
function nodePackage(): string {
  return `node-${process.platform}-${process.arch}`
}

function pack(packages: readonly BuiltPackage[], destination: string): string[] {
  mkdirSync(destination)
  const folders = packages.map(({ folder }) => folder)
  run('npm', ['pack', '--silent', '--pack-destination', destination, ...folders], ROOT)
  return readdirSync(destination)
    .sort()
    .map(name => join(destination, name))
}

type Check = (node: string, folder: string) => void

function checks(packages: readonly BuiltPackage[]): [string, Check][] {
  const entries = packages.flatMap(entry => entry.entries)
  const umbrella = packages.find(({ name }) => name === 'ottla')!
  return [
    [`imports all ${entries.length} entries`, (node, folder) => importEntries(node, folder, entries)],
    ['ottla start', startCommand],
    ['ottla --version', (node, folder) => runCommand(node, folder, umbrella.version)],
    ['ottla with what V8 compiled before, and with half of that', runWithCode],
    ['a task on a worker thread', runWorkerTask],
    ['a cluster in the process', startCluster],
    ['declarations', (_, folder) => readDeclarations(folder, entries)],
  ]
}

function importEntries(node: string, folder: string, entries: readonly string[]): void {
  const script = `${entries.map(entry => `await import('${entry}')`).join('\n')}\n`
  runScript(node, folder, 'imports.js', script)
}

function runCommand(node: string, folder: string, version: string): void {
  const printed = output(node, ['node_modules/ottla/bin/ottla.js', '--version'], folder)
  if (!printed.includes(version)) throw new Error(`ottla --version prints '${printed}', not ${version}`)
}

/** The code of an earlier run is used where it is whole, and made again where it is not. */
function runWithCode(node: string, folder: string): void {
  const printed = runScript(
    node,
    folder,
    'code.js',
    `import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs'
const env = { ...process.env, NODE_COMPILE_CACHE: 'code' }
const run = () => execFileSync(process.execPath, ['node_modules/ottla/bin/ottla.js', '--version'], { env, encoding: 'utf8' })
const first = run()
const [path, ...others] = globSync('code/*/ottla-*')
const made = statSync(path).ino
const second = run()
const used = statSync(path).ino === made
writeFileSync(path, readFileSync(path).subarray(0, 100_000))
const third = run()
console.log(others.length, used, statSync(path).ino !== made && first === second && first === third)
`,
  )
  if (printed !== '0 true true') throw new Error(`what V8 has compiled: ${printed}`)
}

/** A topic is made by one process of the command in another, which then ends in good order. */
function startCommand(node: string, folder: string): void {
  const printed = runScript(
    node,
    folder,
    'command.js',
    `import { execFileSync, spawn } from 'node:child_process'
const command = 'node_modules/ottla/bin/ottla.js'
const broker = spawn(process.execPath, [command, 'start', '--memory', '--port', '0', '--log-level', 'warn'], { stdio: ['ignore', 'pipe', 'inherit'] })
const ended = new Promise(resolve => broker.once('exit', resolve))
let text = ''
for await (const chunk of broker.stdout) {
  text += chunk
  if (text.includes('127.0.0.1:')) break
}
const address = /127\\.0\\.0\\.1:\\d+/.exec(text)[0]
const ottla = (...args) => execFileSync(process.execPath, [command, ...args, '--bootstrap-server', address], { encoding: 'utf8' })
ottla('topic', 'create', 'made')
const topics = ottla('topic', 'list').includes('made')
broker.kill()
console.log(topics, await ended)
`,
  )
  if (printed !== 'true 0') throw new Error(`the command prints '${printed}'`)
}

/** The worker's own module is loaded by name, so no import shows whether it is there. */
function runWorkerTask(node: string, folder: string): void {
  writeFileSync(join(folder, 'task.js'), 'export function double(n) { return 2 * n }\n')
  const printed = runScript(
    node,
    folder,
    'worker.js',
    `import { nodeWorld } from '@ottla/io'
const { workers } = nodeWorld()
console.log(await workers.run({ moduleUrl: new URL('./task.js', import.meta.url).href, exportName: 'double' }, 21))
await workers.close()
`,
  )
  if (printed !== '42') throw new Error(`a worker answers '${printed}', not 42`)
}

/** It must leave nothing behind that keeps the process alive; what V8 has compiled is kept once, if it may be. */
function startCluster(node: string, folder: string): void {
  const code = join(folder, 'node_modules/.cache/ottla')
  const start = (variables = {}) => {
    output(node, ['cluster.js'], folder, variables)
    return existsSync(code) ? readdirSync(code).map(name => statSync(join(code, name)).ino) : []
  }
  writeFileSync(
    join(folder, 'cluster.js'),
    `import { createCluster } from 'ottla'
const cluster = await createCluster()
await cluster[Symbol.asyncDispose]()
`,
  )
  const without = start({ NODE_DISABLE_COMPILE_CACHE: '1' })
  const [first, second] = [start(), start()]
  const counts = [without.length, first.length, second.length].join()
  if (counts !== '0,1,1' || first[0] !== second[0]) throw new Error(`what V8 has compiled for a cluster: ${counts}`)
}

/** As a user's compiler reads them: declarations of dependencies are checked too. */
function readDeclarations(folder: string, entries: readonly string[]): void {
  const imports = entries.map((entry, i) => `import * as entry${i} from '${entry}'`)
  const uses = `export const names = [${entries.map((_, i) => `Object.keys(entry${i})`).join(', ')}]`
  writeFileSync(join(folder, 'consumer.ts'), `${[...imports, uses].join('\n')}\n`)
  const options = {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    module: 'nodenext',
    strict: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['consumer.ts'] }))
  run(join(ROOT, 'node_modules/.bin/tsc'), ['--project', folder], folder)
}

/** Runs a module with the given text; returns what it prints. */
function runScript(node: string, folder: string, name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return output(node, [name], folder)
}

function output(command: string, args: readonly string[], cwd: string, variables: NodeJS.ProcessEnv = {}): string {
  const env = { ...process.env, NODE_COMPILE_CACHE: undefined, ...variables }
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 60_000 })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed with ${status}:\n${stdout}${stderr}`)
  return stdout.trim()
}

/** Ends the process with the status of a command that fails; its output is shown. */
export function run(command: string, args: readonly string[], cwd: string): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) {
    console.error(`failed: ${command} ${args.join(' ')}`)
    process.exit(status ?? 1)
  }
}
