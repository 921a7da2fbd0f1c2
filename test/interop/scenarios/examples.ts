/**
 * The programs in `examples/` that need a client from npm, or a folder of Apache Kafka's; the others are run by `npm test`.
 * Each as a newcomer would: in its folder, with what its package.json asks for, and the `ottla` of this checkout.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ask, createTopics, helperFor } from '../clients.ts'
import type { Context } from '../context.ts'
import { CommandFailed, run } from '../process.ts'

const ROOT = join(import.meta.dirname, '../../..')
const FOLDER = join(ROOT, 'examples')

async function runExample(command: readonly string[]): Promise<string> {
  const env = { PATH: `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env.PATH}` }
  const finished = await run(command, { cwd: FOLDER, env, timeoutMs: 90_000 })
  if (finished.code !== 0) throw new CommandFailed(`${command.join(' ')} ended with ${finished.code}`, finished)
  return finished.stdout
}

export async function examples(context: Context): Promise<void> {
  const { report, kind, brokers } = context
  if (kind === 'kafka') {
    report.skip('examples', 'they bring Ottla along')
    return
  }
  if (existsSync(join(FOLDER, 'node_modules/kafkajs'))) {
    await report.check('examples/kafkajs.test.js', async () => {
      const tap = await runExample(['node', '--test', '--test-reporter=tap', 'kafkajs.test.js'])
      assert.match(tap, /^# pass 3$/m)
    })
    await report.check('examples/platformatic.js', async () => {
      const lines = (await runExample(['node', 'platformatic.js'])).trim().split('\n').sort()
      const reading = (celsius: number) => `sensor-${celsius % 2} ${celsius} °C`
      assert.deepEqual(lines, [20, 22, 24, 21, 23].map(reading))
    })
  } else report.skip('examples/kafkajs.test.js, examples/platformatic.js', 'their packages could not be set up')
  const missing = brokers.missing('kafka')
  if (missing) report.skip('examples/migrate.sh', missing)
  else await report.check('examples/migrate.sh', () => migrate(context))
}

/** What a stopped Kafka left is served, with its records' offsets and its groups; and Kafka goes on from there. */
async function migrate({ brokers, kit }: Context): Promise<void> {
  const folder = join(kit.scratch, 'example-migrate')
  const client = helperFor(kit.clients)
  const kafka = await brokers.start('kafka', { folder })
  const group = { group: 'movers', topic: 'moved' }
  await createTopics(client, kafka.bootstrap, [{ name: 'moved', partitions: 2 }])
  await ask(client, kafka.bootstrap, { op: 'set-group-offsets', ...group, offsets: { 0: 7, 1: 8 } })
  await kafka.stop()
  const said = await runExample(['./migrate.sh', `${folder}.properties`, 'movers'])
  assert.match(said, /^moved +2 +1/m)
  assert.match(said, /^movers +moved +0 +7/m)
  assert.match(said, /^movers +moved +1 +8/m)
  const again = await brokers.start('kafka', { folder })
  assert.deepEqual(await ask(client, again.bootstrap, { op: 'group-offsets', ...group }), { 0: 7, 1: 8 })
  await again.stop()
}
