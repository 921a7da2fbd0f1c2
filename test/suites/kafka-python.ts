/**
 * kafka-python: the integration tests that its source package brings along, run by pytest against the broker that
 * KAFKA_URI names. A few start brokers of their own, out of a folder of Apache Kafka's that isn't there; they fail on both.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must, run } from '../interop/process.ts'
import { once } from '../interop/setup.ts'
import { add, type Outcome, type Outcomes } from './outcomes.ts'
import type { Prepared, Suite } from './suite.ts'

const VERSION = '3.0.7'
const PACKAGES = ['pytest==9.2.0', 'pytest-timeout==2.4.0', 'pytest-mock==3.17.0', 'lz4', 'python-snappy', 'zstandard']

/** The package leaves out two files of its folder test: what marks it as a package, and who starts and stops brokers. */
const LEFT_OUT = {
  '__init__.py': '',
  'service.py': `class ExternalService:
    def __init__(self, host, port):
        self.host = host
        self.port = port

    def open(self):
        pass

    def close(self):
        pass


class SpawnedService:
    def __init__(self, *args, **kwargs):
        raise RuntimeError('no broker is started by tests here')
`,
}

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  PASSED: 'passed',
  XFAIL: 'passed',
  FAILED: 'failed',
  ERROR: 'failed',
  XPASS: 'failed',
  SKIPPED: 'skipped',
}

export const kafkaPython: Suite = {
  name: 'kafka-python',
  source: `kafka-python ${VERSION}, test/integration`,
  settings: port => ({
    'node.id': 0,
    'num.partitions': 4,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
  }),
  reasons: {
    'test_consumer_integration.py::test_group': 'it gives four members fifteen seconds, which a busy machine needs',
  },
  prepare,
}

async function prepare(cache: string): Promise<Prepared> {
  const venv = join(cache, 'venv')
  const python = join(venv, 'bin/python')
  const requirement = `kafka-python==${VERSION}`
  await once(
    cache,
    [import.meta.filename, requirement, ...PACKAGES, await must(['python3', '--version'])],
    async () => {
      await must(['python3', '-m', 'venv', '--clear', venv], { timeoutMs: 60_000 })
      const pip = [python, '-m', 'pip', '--quiet', '--disable-pip-version-check']
      const source = ['--no-deps', '--no-binary', ':all:', '--dest', cache]
      await must([...pip, 'download', ...source, requirement], { timeoutMs: 180_000 })
      await must(['tar', '-xzf', join(cache, `kafka_python-${VERSION}.tar.gz`), '-C', cache])
      const test = join(cache, `kafka_python-${VERSION}/test`)
      for (const [name, text] of Object.entries(LEFT_OUT)) writeFileSync(join(test, name), text)
      await must([...pip, 'install', ...PACKAGES, requirement], { timeoutMs: 240_000 })
    },
  )
  const folder = join(cache, `kafka_python-${VERSION}`)
  return {
    async run(bootstrap, log) {
      const options = ['-p', 'no:cacheprovider', '-o', 'addopts=', '--timeout=120', '--tb=native', '-v']
      const { stdout, stderr } = await run([python, '-B', '-m', 'pytest', ...options, 'test/integration'], {
        cwd: folder,
        // The folder of Apache Kafka has to be there, even if no test finds anything in it.
        env: { KAFKA_URI: `kafka://${bootstrap}`, KAFKA_VERSION: '4.3.1', KAFKA_ROOT: cache },
        timeoutMs: 20 * 60_000,
      })
      log(stdout)
      log(stderr)
      return readPytest(stdout)
    },
  }
}

/** Of what `pytest -v` prints, the lines `FILE::TEST OUTCOME [ 12%]`; what a thread says at once may end the same line. */
export function readPytest(text: string): Outcomes {
  const outcomes = new Map<string, Outcome>()
  for (const [, name, word] of text.matchAll(/^(?:\S*\/)?(\w+\.py::.+?) ([A-Z]+) .*\[ *\d+%\]/gm)) {
    const outcome = OUTCOMES[word!]
    if (outcome) add(outcomes, name!, outcome)
  }
  return outcomes
}
