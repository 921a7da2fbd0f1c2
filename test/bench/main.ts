/**
 * `npm run bench [-- NAME...]`: the micro-benchmarks in this folder, each in a process of its own, and the broker beside
 * Apache Kafka where a comparison is at hand (OTTLA_BROKER_BENCH, or ../shared/bench/broker.py beside the repository).
 * Numbers of one machine: compare within a run. docs/performance.md keeps what was learnt.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const ROOT = dirname(dirname(import.meta.dirname))
const COMPARISON = process.env.OTTLA_BROKER_BENCH ?? join(dirname(ROOT), 'shared', 'bench', 'broker.py')
const KAFKA = join(dirname(dirname(COMPARISON)), 'apache-kafka', 'kafka')

const micro = globSync('*.ts', { cwd: import.meta.dirname })
  .map(file => basename(file, '.ts'))
  .filter(name => name !== 'main')
  .sort()
const known = [...micro, 'broker']
const wanted = process.argv.slice(2)
const unknown = wanted.find(name => !known.includes(name))
if (unknown) {
  console.error(`no benchmark '${unknown}': there are ${known.join(', ')}`)
  process.exit(2)
}

function run(name: string): boolean {
  console.log(`\n=== ${name}`)
  if (name !== 'broker') return succeeded(process.execPath, [join(import.meta.dirname, `${name}.ts`)])
  if (!existsSync(COMPARISON)) {
    console.log(`left out: no comparison at ${COMPARISON}`)
    return true
  }
  // What is published, not the checkout: most of the time of a start goes into loading modules.
  if (!succeeded(process.execPath, [join(ROOT, 'scripts/build.ts')])) return false
  const ottla = `exec ${process.execPath} ${join(ROOT, 'dist/ottla/bin/ottla.js')} start --data {dir} --port {port} --log-level warn`
  return succeeded('python3', [COMPARISON, '--rounds', '3', `ottla=${ottla}`, `kafka=${KAFKA} server {dir} {port}`])
}

function succeeded(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'inherit' }).status === 0
}

const failed = (wanted.length > 0 ? wanted : known).filter(name => !run(name))
if (failed.length > 0) console.error(`\nfailed: ${failed.join(', ')}`)
process.exit(failed.length > 0 ? 1 : 0)
