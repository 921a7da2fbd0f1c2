/**
 * librdkafka: its tests in C and C++, each in a process of its own. Their source comes with the package of
 * @confluentinc/kafka-javascript; it is built here, by a C and a C++ compiler and make, which takes some minutes; where
 * they are not there the suite is left out. `-Q` (quick) would leave most of the tests out: those of share groups would
 * end at once, as passed.
 *
 * Some call scripts of Apache Kafka, in whose place our own tools of those names stand, on both brokers. Those that ask
 * for an authorizer or three brokers fail on both.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { OTTLA } from '../interop/brokers.ts'
import { must, run } from '../interop/process.ts'
import { once } from '../interop/setup.ts'
import { add, type Outcome, type Outcomes } from './outcomes.ts'
import type { Prepared, Suite } from './suite.ts'

const PACKAGE = '@confluentinc/kafka-javascript'
const VERSION = '1.10.1'
const CONFIGURE = ['./configure', '--disable-gssapi', '--disable-curl', '--enable-ssl', '--enable-zstd']
/** Most of what a test does is wait. */
const AT_ONCE = 4
const TEST_MINUTES = 15
const OUTCOMES: Readonly<Record<string, Outcome>> = { PASSED: 'passed', FAILED: 'failed', SKIPPED: 'skipped' }

export const librdkafka: Suite = {
  name: 'librdkafka',
  source: `librdkafka 2.15.1 of ${PACKAGE} ${VERSION}`,
  settings: () => ({
    'num.partitions': 4,
    'group.share.min.record.lock.duration.ms': 1000,
    // Not 5000: tests close after whole seconds, and a close just as a heartbeat is answered may hang. README.md tells how.
    'group.share.heartbeat.interval.ms': 5500,
    'group.initial.rebalance.delay.ms': 3000,
    'group.min.session.timeout.ms': 6000,
  }),
  missing: whatIsMissing,
  reasons: {
    '0026_consume_pause':
      'resumes just after it assigned; with a delay within its resume it hangs on either broker (README.md)',
    '0039_event_dr':
      'wants messages in the order in which they were produced, which a request that is sent again does not keep',
    '0127_fetch_queue_backoff': 'has bounds of milliseconds, which a busy machine misses',
  },
  prepare,
}

async function prepare(cache: string): Promise<Prepared> {
  const folder = join(cache, 'package/deps/librdkafka')
  const tests = join(folder, 'tests')
  await once(cache, [PACKAGE, VERSION, ...CONFIGURE], async () => {
    await must(['npm', 'pack', '--silent', `${PACKAGE}@${VERSION}`], { cwd: cache, timeoutMs: 180_000 })
    await must(['tar', '-xzf', `confluentinc-kafka-javascript-${VERSION}.tgz`], { cwd: cache })
    await must(['sh', '-c', 'chmod +x configure lds-gen.py'], { cwd: folder })
    await must(CONFIGURE, { cwd: folder, timeoutMs: 120_000 })
    await must(['make', '-j2', 'libs'], { cwd: folder, timeoutMs: 900_000 })
    await must(['make', '-j2', 'test-runner'], { cwd: tests, timeoutMs: 900_000 })
  })
  return {
    async run(bootstrap, log) {
      writeScripts(cache)
      const config = writeConfig(cache, bootstrap)
      const outcomes = new Map<string, Outcome>()
      const waiting = numbersOf(tests)
      const next = async (): Promise<void> => {
        for (let number = waiting.shift(); number; number = waiting.shift()) {
          for (const [name, outcome] of await runOne(tests, cache, number, config, bootstrap, log))
            add(outcomes, name, outcome)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, next))
      return outcomes
    },
  }
}

/** Tests send zstd, and set SCRAM credentials, which takes OpenSSL; all else librdkafka brings along. */
async function whatIsMissing(): Promise<string | null> {
  for (const tool of ['make', 'cc', 'c++', 'npm']) {
    const found = await run([tool, '--version']).catch(() => null)
    if (found?.code !== 0) return `it is built by ${tool}, which is not here`
  }
  const input = '#include <zstd.h>\n#include <zlib.h>\n#include <openssl/ssl.h>\nint main(void) { return 0; }\n'
  const compiled = await run(['cc', '-x', 'c', '-', '-o', '/dev/null', '-lzstd', '-lz', '-lssl', '-lcrypto'], { input })
  return compiled.code === 0 ? null : 'libzstd-dev, zlib1g-dev or libssl-dev is not here'
}

function writeScripts(cache: string): void {
  const bin = join(cache, 'bin')
  mkdirSync(bin, { recursive: true })
  for (const tool of ['kafka-topics', 'kafka-configs']) {
    const text = `#!/bin/sh\nexec '${process.execPath}' '${OTTLA}' ${tool} "$@"\n`
    writeFileSync(join(bin, `${tool}.sh`), text, { mode: 0o755 })
  }
}

/** Once, before the first test: they read it each time they make a client, and would find it empty while it is written. */
function writeConfig(cache: string, bootstrap: string): string {
  const path = join(cache, `test-${bootstrap.split(':')[1]}.conf`)
  const lines = [
    `metadata.broker.list=${bootstrap}`,
    'test.topic.random=true',
    'test.timeout.multiplier=3',
    'broker.address.family=v4',
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

/** Those that want a broker; mock ones bring their own. */
function numbersOf(tests: string): string[] {
  const files = readdirSync(tests).filter(name => /^0\d{3}-.*\.(c|cpp)$/.test(name) && !name.includes('mock'))
  return [...new Set(files.map(name => name.slice(0, 4)))].sort()
}

async function runOne(
  tests: string,
  cache: string,
  number: string,
  config: string,
  bootstrap: string,
  log: (text: string) => void,
): Promise<Outcomes> {
  const { stdout, stderr } = await run(['./test-runner', '-p1', '-L'], {
    cwd: tests,
    env: {
      TESTS: number,
      RDKAFKA_TEST_CONF: config,
      TEST_KAFKA_VERSION: '4.2.0',
      BROKERS: bootstrap,
      KAFKA_PATH: cache,
      LD_LIBRARY_PATH: '../src:../src-cpp',
    },
    timeoutMs: TEST_MINUTES * 60_000,
  })
  const text = `${stdout}${stderr}`
  log(text)
  return readTestRunner(number, text)
}

/** The table that ends the output; a test that fails ends the process before it. */
export function readTestRunner(number: string, text: string): Outcomes {
  const outcomes = new Map<string, Outcome>()
  const plain = stripVTControlCharacters(text)
  for (const [, name, word, why] of plain.matchAll(/^\| *(\d{4}_\S+) *\| *([A-Z]+) *\|[^|]*\|(.*)$/gm)) {
    if (why!.includes('negative test flags')) continue // not meant for a broker
    const outcome = OUTCOMES[word!]
    if (outcome) add(outcomes, name!, outcome)
  }
  const name = new RegExp(`=+ Running test (${number}_\\S+) =+`).exec(plain)?.[1]
  if (outcomes.size === 0 && name) outcomes.set(name, 'failed')
  return outcomes
}
