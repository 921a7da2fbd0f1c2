/**
 * Runs the examples that need no client from elsewhere; `npm run interop -- --only examples` runs the others. Each in a
 * process of its own, as somebody would who has copied it.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { test } from 'node:test'
import { createCluster } from 'ottla'

const EXAMPLES = import.meta.dirname
const COMMANDS = join(dirname(EXAMPLES), 'node_modules/.bin')

/** What it printed; fails unless it ended well. */
async function run(command: string, args: readonly string[]): Promise<string> {
  const { NODE_TEST_CONTEXT: _, OTTLA_BOOTSTRAP_SERVER: __, ...environment } = process.env
  const env = { ...environment, PATH: `${COMMANDS}${delimiter}${environment.PATH}` }
  const child = spawn(command, args, { cwd: EXAMPLES, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  const [code] = await once(child, 'close')
  assert.equal(code, 0, `${command} ${args.join(' ')}\n${output.stdout}${output.stderr}`)
  return output.stdout
}

/** The JSON values in it, one after another, each beginning on a line of its own. */
function jsonValues(text: string): unknown[] {
  return text
    .split(/\n(?=[[{])/)
    .map(part => part.trim())
    .filter(part => part !== '')
    .map(part => JSON.parse(part) as unknown)
}

test('first-steps.sh', async () => {
  const lines = (await run('./first-steps.sh', [])).split('\n')
  const records = lines.filter(line => line.startsWith('{"topic"')).map(line => JSON.parse(line))
  assert.deepEqual(records.map(({ key, value, headers }) => [key, value, headers.source]).sort(), [
    ['ada', 'book', 'shop'],
    ['ada', 'lamp', 'shop'],
    ['bob', 'pen', 'shop'],
  ])
  assert.ok(lines.includes('configs: retention.ms=60000 max.message.bytes=65536'))
  assert.ok(lines.includes('deleted topic orders'))
})

test('what README.md says to type', async () => {
  await using cluster = await createCluster()
  const readme = await readFile(join(dirname(EXAMPLES), 'README.md'), 'utf8')
  const lines = readme.split('\n').filter(line => /^ {4}(ottla|echo) /.test(line))
  assert.ok(lines.length > 4, 'there is something to type')
  const script = lines.join('\n').replace('-n 1000000', '-n 2000 --json')
  const said = await run('bash', ['-euc', `export OTTLA_BOOTSTRAP_SERVER=${cluster.bootstrapServers}\n${script}`])
  assert.match(said, /^created topic hello with 3 partitions\nhi there\nhi there\n/)
  assert.match(said, /^my-group +hello +\d +1 +1 +0$/m)
  assert.match(said, /"records": 2000/)
})

test('opentelemetry.ts', async () => {
  const lines = (await run('node', ['opentelemetry.ts'])).split('\n')
  assert.ok(lines.some(line => line.startsWith('CreateTopics {')))
  assert.ok(lines.some(line => line.startsWith('append orders-0 in Produce {"messaging.destination.name":"orders"')))
})

test('perf.sh', async () => {
  await using cluster = await createCluster()
  const summaries = jsonValues(await run('./perf.sh', [cluster.bootstrapServers, '2000'])) as Record<string, number>[]
  assert.deepEqual(
    summaries.map(({ records }) => records),
    [2000, 2000, 4000, 20],
  )
  assert.ok(summaries.every(summary => summary['records/s']! > 0))
})

test('one-broker.ts gives its address to every test file, and is gone afterwards', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ottla-'))
  try {
    const file = join(folder, 'uses-kafka.test.mjs')
    await writeFile(
      file,
      `import { connect } from 'node:net'
      import { test } from 'node:test'
      test('is served', (_, done) => {
        const [host, port] = process.env.KAFKA_BROKERS.split(':')
        const socket = connect(Number(port), host, () => socket.end(done))
      })`,
    )
    const setup = `--test-global-setup=${join(EXAMPLES, 'one-broker.ts')}`
    assert.match(await run('node', ['--test', '--test-reporter=tap', setup, file]), /^# pass 1$/m)
  } finally {
    await rm(folder, { recursive: true })
  }
})
