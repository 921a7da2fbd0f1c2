/**
 * The house rules that no compiler knows: which package may import which, what pure folders must not touch, how long a
 * file may be, that every file is used, and that what ARCHITECTURE.md names is there. Function length, unused code
 * and formatting are Biome's part.
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

const ROOT = dirname(import.meta.dirname)
const MAX_FILE_LINES = 1000

/** Which packages a package may import; what is not listed is forbidden. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  protocol: [],
  io: [],
  log: ['protocol', 'io'],
  broker: ['protocol', 'io', 'log'],
  client: ['protocol', 'io'],
  ottla: ['protocol', 'io', 'log', 'broker', 'client'],
  sim: ['protocol', 'io', 'log', 'broker', 'client', 'ottla'],
}

/** Inside broker, from the outside in: a room may import itself and what is listed. Files beside the rooms wire them. */
const BROKER_ROOMS: Record<string, readonly string[]> = {
  monitoring: [
    ...['server', 'share', 'replica', 'coordinator', 'image', 'quorum', 'quota', 'telemetry', 'metrics', 'config'],
    ...['metadata-cache', 'services', 'share-services', 'topic-configs'],
  ],
  server: ['handlers', 'quota', 'metrics', 'config', 'diagnostics', 'errors', 'loggers', 'services'],
  handlers: [
    ...['share', 'replica', 'coordinator', 'controller', 'image', 'quorum', 'quota', 'telemetry', 'metrics', 'config'],
    ...['errors', 'java-hash', 'services'],
  ],
  share: ['replica', 'coordinator', 'image', 'metrics', 'config', 'errors'],
  telemetry: ['image', 'metrics', 'config', 'errors'],
  replica: ['image', 'metrics', 'config', 'diagnostics', 'errors'],
  coordinator: ['image', 'metrics', 'config', 'diagnostics', 'errors', 'java-hash'],
  metrics: [],
  quorum: ['controller', 'image', 'quota', 'metrics', 'config', 'errors'],
  quota: ['image', 'metrics'],
  controller: ['image', 'config', 'errors'],
  image: ['config', 'errors'],
  config: ['errors', 'java-hash'],
}

/** No awaiting and no world in these: they are records machines or pure functions. */
const PURE = [
  'packages/protocol/',
  'packages/broker/controller/',
  'packages/broker/image/',
  'packages/broker/coordinator/group/',
  'packages/broker/coordinator/transaction/',
  'packages/broker/coordinator/share/',
  'packages/broker/config/',
  'packages/broker/metrics/',
  'packages/broker/telemetry/',
  'packages/broker/quota/',
]
const ASYNC_ALLOWED = ['packages/protocol/']

const WORLD_CALLS: readonly [RegExp, string][] = [
  [/from 'node:(fs|net|tls|dns|worker_threads|timers|child_process|os)/, 'a node:* module that does I/O'],
  [/\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/, 'the clock'],
  [/(?<![.\w#])(setTimeout|setInterval|setImmediate)\(/, 'a timer'],
  [/\bMath\.random\(|\bcrypto\.random|\brandomUUID\(|\brandomBytes\(/, 'randomness'],
  [/\bprocess\.(hrtime|nextTick|stdout|stderr|stdin|env|argv|exit|on)\b/, 'the process'],
]
/** The edges, where the world is: everything else gets it handed in. */
const MAY_TOUCH_WORLD = [
  /^packages\/io\/node\//,
  /^packages\/ottla\//,
  /\.test\.ts$/,
  /^packages\/io\/conformance\//,
  /^packages\/sim\//,
  /\/testing\//,
  /\/fixtures\//,
]

interface Source {
  readonly path: string
  readonly text: string
  /** Without comments. */
  readonly code: string
  readonly imports: readonly string[]
}

const sources: Source[] = globSync(['{packages,scripts,test,examples}/**/*.{ts,js}'], {
  cwd: ROOT,
  exclude: path => /node_modules|\/fixtures\/|\/dist\//.test(path),
})
  .sort()
  .map(path => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
    const imports = [...code.matchAll(/(?:\bfrom|\bimport\(?)\s*'([^']+)'/g)].map(match => match[1]!)
    return { path, text, code, imports }
  })

const packageSources = sources.filter(source => source.path.startsWith('packages/'))

function fail(problems: string[]): void {
  assert.equal(problems.length, 0, `\n${problems.join('\n')}\n`)
}

test('imports go down only', () => {
  const problems: string[] = []
  for (const { path, imports } of packageSources) {
    const here = path.split('/')[1]!
    for (const name of imports) {
      const there = /^@ottla\/([\w-]+)|^(ottla)$/.exec(name)?.slice(1).find(Boolean)
      if (there && there !== here && !MAY_IMPORT[here]?.includes(there))
        problems.push(`${path}: ${here} must not import ${there}`)
      if (name.startsWith('.') && !join(dirname(path), name).startsWith(`packages/${here}/`)) {
        problems.push(`${path}: reaches into another package by path: ${name}`)
      }
    }
  }
  fail(problems)
})

test('inside broker nothing points back', () => {
  const problems: string[] = []
  for (const { path, imports } of packageSources) {
    const room = /^packages\/broker\/(\w+)\//.exec(path)?.[1]
    if (!room || path.endsWith('.test.ts') || path.includes('/testing/')) continue
    for (const name of imports.filter(name => name.startsWith('.'))) {
      const target = relative('packages/broker', join(dirname(path), name)).split('/')
      const there = target.length > 1 ? target[0]! : target[0]!.replace(/\.ts$/, '')
      if (there !== room && !BROKER_ROOMS[room]?.includes(there))
        problems.push(`${path}: ${room} must not import ${there}`)
    }
  }
  fail(problems)
})

test('the world comes in through io', () => {
  const problems: string[] = []
  for (const { path, code } of packageSources) {
    if (MAY_TOUCH_WORLD.some(pattern => pattern.test(path))) continue
    for (const [pattern, what] of WORLD_CALLS) {
      const match = pattern.exec(code)
      if (match) problems.push(`${path}: touches ${what}: ${match[0]}`)
    }
  }
  fail(problems)
})

test('pure folders neither wait nor import io', () => {
  const problems: string[] = []
  for (const { path, code, imports } of packageSources) {
    if (path.endsWith('.test.ts') || path.includes('/testing/') || !PURE.some(folder => path.startsWith(folder)))
      continue
    if (!ASYNC_ALLOWED.some(folder => path.startsWith(folder)) && /\basync\b|\bawait\b|\bPromise\b/.test(code))
      problems.push(`${path}: waits`)
    if (imports.some(name => name.startsWith('@ottla/io'))) problems.push(`${path}: imports io`)
  }
  fail(problems)
})

test(`no file is longer than ${MAX_FILE_LINES} lines`, () => {
  const isSchema = (path: string) => /packages\/protocol\/(messages|logrecords)\//.test(path)
  const long = sources.filter(({ path, text }) => !isSchema(path) && text.split('\n').length > MAX_FILE_LINES)
  fail(long.map(({ path, text }) => `${path}: ${text.split('\n').length} lines`))
})

test('no default exports, no CommonJS, no skipped or lonely tests', () => {
  const problems: string[] = []
  for (const { path, code } of sources) {
    if (/^export default\b/m.test(code)) problems.push(`${path}: default export`)
    if (/\brequire\(/.test(code) && !/createRequire/.test(code)) problems.push(`${path}: require`)
    if (/\b(test|it|describe)\.(only|todo)\b/.test(code)) problems.push(`${path}: a test is left aside`)
  }
  fail(problems)
})

test('every file in packages is imported by another, exported, or run by a script', () => {
  const reached = new Set<string>()
  for (const { path, imports } of sources) {
    for (const name of imports.filter(name => name.startsWith('.'))) reached.add(join(dirname(path), name))
  }
  for (const manifest of globSync('packages/*/package.json', { cwd: ROOT })) {
    const { exports = {}, bin = {} } = JSON.parse(readFileSync(join(ROOT, manifest), 'utf8'))
    for (const target of [...Object.values(exports), ...Object.values(bin)] as string[]) {
      for (const path of globSync(target, { cwd: join(ROOT, dirname(manifest)) }))
        reached.add(join(dirname(manifest), path))
    }
  }
  const scripts = readFileSync(join(ROOT, 'package.json'), 'utf8')
  const unused = packageSources.filter(
    ({ path }) => !path.endsWith('.test.ts') && !reached.has(path) && !scripts.includes(path) && !named(path),
  )
  fail(unused.map(({ path }) => `${path}: nobody imports it`))
})

/** Loaded by its name: workers, lazily imported commands, what a script bundles. */
function named(path: string): boolean {
  const name = path.split('/').at(-1)!
  return sources.some(source => source.path !== path && source.code.includes(`/${name}'`))
}

test('what ARCHITECTURE.md names is there', () => {
  const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8')
  const missing = [...text.matchAll(/`((?:packages|scripts|test|docs|examples)\/[\w./-]+)`/g)].map(match => match[1]!)
  fail(missing.filter(path => !existsSync(join(ROOT, path))).map(path => `ARCHITECTURE.md names ${path}`))
})
