/**
 * Gets the clients: npm, PyPI, Debian, Go modules and Maven packages, each of a pinned version, into a cache folder that
 * later runs find again. What can't be had here is told with its reason and left out; it never stops the rest.
 */
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Client, clientsFrom } from './clients.ts'
import { Java } from './java.ts'
import { must, run } from './process.ts'
import type { Report } from './report.ts'

const HERE = import.meta.dirname
const ROOT = join(HERE, '../..')

/** A run's tools: what is there, and why the rest isn't. */
export interface Kit {
  readonly clients: readonly Client[]
  readonly java: Java | null
  /** An empty folder for this run's brokers and files. */
  readonly scratch: string
}

type Commands = Record<string, readonly string[]>

export function cacheFolder(): string {
  const shared = process.env.XDG_CACHE_HOME
  return shared ? join(shared, 'ottla-interop') : join(ROOT, '.cache/interop')
}

/** Sets up all tools side by side. */
export async function setUp(report: Report): Promise<Kit> {
  const cache = cacheFolder()
  mkdirSync(cache, { recursive: true })
  const commands: Commands = {}
  let java: Java | null = null
  const tool = async (name: string, prepare: () => Promise<Commands>) => {
    const start = performance.now()
    try {
      Object.assign(commands, await prepare())
      console.log(`ready ${name}  ${((performance.now() - start) / 1000).toFixed(1)} s`)
    } catch (error) {
      report.skip(`setup/${name}`, (error as Error).message.replaceAll(/\s+/g, ' ').slice(0, 500))
    }
  }
  await Promise.all([
    tool('npm', () => setUpNode(cache)),
    tool('examples', () => setUpExamples()),
    tool('pypi', () => setUpPython(cache)),
    tool('go', () => setUpGo(cache)),
    tool('kcat', () => setUpKcat()),
    tool('java', async () => {
      java = await setUpJava(cache)
      return { java: java.command('Client') }
    }),
  ])
  removeOldRuns(cache)
  const scratch = join(cache, `run-${process.pid}`)
  mkdirSync(scratch)
  return { clients: clientsFrom(commands), java, scratch }
}

/** Removes what runs left behind that were cut off, or that were asked to keep it: all whose process is gone. */
function removeOldRuns(cache: string): void {
  for (const name of readdirSync(cache)) {
    const pid = Number(/^run-(\d+)$/.exec(name)?.[1])
    if (pid && (pid === process.pid || !existsSync(`/proc/${pid}`))) rmSync(join(cache, name), { recursive: true })
  }
}

/** Runs `make` unless `folder` was made from the same `sources`, by this same file, before; a stamp in it tells. */
export async function once(folder: string, sources: readonly string[], make: () => Promise<void>): Promise<void> {
  const hash = createHash('sha256')
  for (const source of [import.meta.filename, ...sources])
    hash.update(existsSync(source) ? readFileSync(source) : source)
  const wanted = hash.digest('hex')
  const stamp = join(folder, '.interop-stamp')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  rmSync(stamp, { force: true })
  await make()
  writeFileSync(stamp, wanted)
}

async function setUpNode(_cache: string): Promise<Commands> {
  const folder = join(HERE, 'node')
  const modules = join(folder, 'node_modules')
  await once(modules, [join(folder, 'package-lock.json'), process.version], async () => {
    await must(['npm', 'ci', '--no-audit', '--no-fund'], { cwd: folder, timeoutMs: 180_000 })
  })
  const program = (name: string) => [process.execPath, join(folder, `${name}.js`)]
  return { kafkajs: program('kafkajs'), platformatic: program('platformatic') }
}

/** The clients that the examples ask for, where they ask for them. */
async function setUpExamples(): Promise<Commands> {
  const folder = join(ROOT, 'examples')
  const modules = join(folder, 'node_modules')
  await once(modules, [join(folder, 'package-lock.json'), process.version], async () => {
    await must(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, timeoutMs: 180_000 })
  })
  return {}
}

async function setUpPython(cache: string): Promise<Commands> {
  const venv = join(cache, 'python')
  const python = join(venv, 'bin/python')
  const requirements = join(HERE, 'python/requirements.txt')
  const version = await must(['python3', '--version'])
  await once(venv, [requirements, version], async () => {
    await must(['python3', '-m', 'venv', '--clear', venv], { timeoutMs: 60_000 })
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:']
    await must([python, ...pip, '-r', requirements], { timeoutMs: 240_000 })
  })
  const program = (name: string) => [python, '-B', join(HERE, `python/${name}.py`)]
  return { 'confluent-kafka': program('confluent'), 'kafka-python': program('kafka_python') }
}

async function setUpGo(cache: string): Promise<Commands> {
  const bin = join(cache, 'go')
  mkdirSync(bin, { recursive: true })
  await must(['go', 'build', '-o', `${bin}/`, './franz', './segmentio'], { cwd: join(HERE, 'go'), timeoutMs: 300_000 })
  return { 'franz-go': [join(bin, 'franz')], 'kafka-go': [join(bin, 'segmentio')] }
}

async function setUpKcat(): Promise<Commands> {
  const isThere = async () => (await run(['kcat', '-V']).catch(() => null))?.code === 0
  if (!(await isThere())) {
    if ((await run(['apt-get', '--version']).catch(() => null))?.code !== 0) throw new Error('no kcat, and no apt-get')
    if (process.getuid?.() !== 0) throw new Error('no kcat, and not root: apt-get install kcat')
    const env = { DEBIAN_FRONTEND: 'noninteractive' }
    await must(['apt-get', 'update', '-q'], { env, timeoutMs: 120_000 })
    await must(['apt-get', 'install', '-q', '-y', '--no-install-recommends', 'kcat'], { env, timeoutMs: 180_000 })
  }
  return { kcat: [process.execPath, join(HERE, 'node/kcat.js')] }
}

/**
 * Apache Kafka's jars: from OTTLA_APACHE_KAFKA or a copy beside the checkout (a script whose `classpath` prints the class
 * path), else by Maven into the cache. Then our own programs are compiled against them.
 */
export async function setUpJava(cache: string): Promise<Java> {
  const folder = join(cache, 'java')
  mkdirSync(folder, { recursive: true })
  const script = process.env.OTTLA_APACHE_KAFKA ?? join(ROOT, '../shared/apache-kafka/kafka')
  const libraries = existsSync(script)
    ? (await must([script, 'classpath'], { timeoutMs: 240_000 })).trim()
    : await librariesByMaven(folder)
  const classes = join(folder, 'classes')
  mkdirSync(classes, { recursive: true })
  const jar = join(folder, 'interop.jar') // a class archive can only be made of jars
  const sources = globSync(join(HERE, 'java/*.java')).sort()
  await once(classes, [...sources, libraries], async () => {
    await must(['javac', '-d', classes, '-cp', libraries, ...sources], { timeoutMs: 120_000 })
    await must(['jar', '--create', '--file', jar, '-C', classes, '.'], { timeoutMs: 60_000 })
    rmSync(join(folder, 'tools.jsa'), { force: true })
  })
  return new Java(`${jar}:${libraries}`, join(HERE, 'java/log4j2.properties'), join(folder, 'tools.jsa'))
}

async function librariesByMaven(folder: string): Promise<string> {
  const pom = join(HERE, 'java/pom.xml')
  const libraries = join(folder, 'libs')
  mkdirSync(libraries, { recursive: true })
  await once(libraries, [pom], async () => {
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${libraries}`]
    await must(['mvn', '-q', '-B', '-f', pom, ...goal], { timeoutMs: 300_000 })
  })
  return `${libraries}/*`
}
