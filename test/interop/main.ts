/**
 * `npm run interop`: puts clients that nobody here wrote in front of the broker, and tells which of them notice that it is
 * not Apache Kafka. README.md says what is checked and how to read a failure.
 *
 *     node test/interop/main.ts [--broker ottla|kafka] [--only NAME]... [--quick] [--record] [--keep]
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BrokerKind, Brokers, type RunningBroker } from './brokers.ts'
import { CLIENT_NAMES, helperFor, warmUp } from './clients.ts'
import type { Context } from './context.ts'
import { Report } from './report.ts'
import { admin } from './scenarios/admin.ts'
import { adminErrors } from './scenarios/admin-errors.ts'
import { adminTools } from './scenarios/admin-tools.ts'
import { assignors } from './scenarios/assignors.ts'
import { badInput } from './scenarios/bad-input.ts'
import { batches } from './scenarios/batches.ts'
import { classicGroups } from './scenarios/classic-groups.ts'
import { cli } from './scenarios/cli.ts'
import { configErrors } from './scenarios/config-errors.ts'
import { connectionLimits } from './scenarios/connection-limits.ts'
import { consumerGroups } from './scenarios/consumer-groups.ts'
import { diskFailure } from './scenarios/disk-failure.ts'
import { dumpLog } from './scenarios/dump-log.ts'
import { durability } from './scenarios/durability.ts'
import { examples } from './scenarios/examples.ts'
import { folders } from './scenarios/folders.ts'
import { groupMigration } from './scenarios/group-migration.ts'
import { groups } from './scenarios/groups.ts'
import { internalTopics } from './scenarios/internal-topics.ts'
import { metrics } from './scenarios/metrics.ts'
import { produceErrors } from './scenarios/produce-errors.ts'
import { readErrors } from './scenarios/read-errors.ts'
import { records } from './scenarios/records.ts'
import { securityErrors } from './scenarios/security-errors.ts'
import { shareConsumers } from './scenarios/share-consumers.ts'
import { shareGroups } from './scenarios/share-groups.ts'
import { streamsApp } from './scenarios/streams-app.ts'
import { streamsAssignor } from './scenarios/streams-assignor.ts'
import { streamsExactlyOnce } from './scenarios/streams-exactly-once.ts'
import { streamsFolders } from './scenarios/streams-folders.ts'
import { streamsGroups } from './scenarios/streams-groups.ts'
import { throttling } from './scenarios/throttling.ts'
import { tools } from './scenarios/tools.ts'
import { transactionErrors } from './scenarios/transaction-errors.ts'
import { transactionTools } from './scenarios/transaction-tools.ts'
import { transactions } from './scenarios/transactions.ts'
import { setUp } from './setup.ts'

const SCENARIOS: Record<string, (context: Context) => Promise<void>> = {
  batches,
  records,
  groups,
  'classic-groups': classicGroups,
  'streams-groups': streamsGroups,
  'streams-assignor': streamsAssignor,
  'streams-app': streamsApp,
  'streams-exactly-once': streamsExactlyOnce,
  'streams-folders': streamsFolders,
  'consumer-groups': consumerGroups,
  'group-migration': groupMigration,
  assignors,
  'share-groups': shareGroups,
  'share-consumers': shareConsumers,
  'produce-errors': produceErrors,
  'read-errors': readErrors,
  'config-errors': configErrors,
  'admin-errors': adminErrors,
  'security-errors': securityErrors,
  transactions,
  'transaction-tools': transactionTools,
  'transaction-errors': transactionErrors,
  'internal-topics': internalTopics,
  admin,
  tools,
  'admin-tools': adminTools,
  throttling,
  cli,
  durability,
  'disk-failure': diskFailure,
  folders,
  'dump-log': dumpLog,
  'bad-input': badInput,
  'connection-limits': connectionLimits,
  metrics,
  examples,
}

const USAGE = `npm run interop -- [--broker ottla|kafka] [--only NAME]... [--quick] [--record] [--keep]
NAME is a scenario, or the beginning of a check's name: ${Object.keys(SCENARIOS).join(', ')}`

const options = readOptions()

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        broker: { type: 'string', default: 'ottla' },
        only: { type: 'string', multiple: true, default: [] },
        quick: { type: 'boolean', default: false },
        record: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
      },
    })
    const names = Object.keys(SCENARIOS)
    const unknown = values.only.find(
      asked => !names.some(name => name.startsWith(asked) || asked.startsWith(`${name}/`)),
    )
    if (unknown !== undefined) throw new Error(`--only ${unknown}: there is none`)
    return values
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    process.exit(2)
  }
}

async function main(): Promise<boolean> {
  const kind = options.broker as BrokerKind
  if (kind !== 'ottla' && kind !== 'kafka') throw new Error(`--broker ${kind}: it is ottla or kafka`)
  if (options.record && kind !== 'kafka') throw new Error('--record keeps what Apache Kafka prints: use --broker kafka')
  const report = new Report(options.only)
  const kit = await setUp(report)
  const brokers = new Brokers(kit.java)
  const missing = brokers.missing(kind)
  if (missing) throw new Error(`no broker to test: ${missing}`)
  for (const name of CLIENT_NAMES) {
    if (!kit.clients.some(client => client.name === name)) report.skip(`clients/${name}`, 'could not be set up')
  }

  let shared: Promise<RunningBroker> | undefined
  const startShared = async () => {
    const folder = join(kit.scratch, 'shared')
    mkdirSync(folder)
    const broker = await brokers.start(kind, { folder })
    await kit.java?.prepareArchive(broker.bootstrap)
    await warmUp(helperFor(kit.clients), broker.bootstrap)
    return broker
  }
  const { quick, record } = options
  const context: Context = {
    kind,
    report,
    kit,
    brokers,
    quick,
    record,
    shared: () => {
      shared ??= startShared()
      return shared
    },
  }
  try {
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      if (!report.wants(name)) continue
      const start = performance.now()
      console.log(`\n${name}`)
      await scenario(context).catch(error => report.check(name, () => Promise.reject(error)))
      report.note(`${name} took ${((performance.now() - start) / 1000).toFixed(1)} s`)
      const broker = await shared?.catch(() => null)
      if (broker && !broker.isAlive()) {
        await report.check(`${name}/the broker lives on`, () => Promise.reject(new Error(broker.logTail())))
        shared = undefined
      }
    }
  } finally {
    await brokers.stopAll()
    await kit.java?.stop()
    if (!options.keep) rmSync(kit.scratch, { recursive: true, force: true })
  }
  console.log(`\n${report.summary}`)
  return !report.failed
}

process.exit((await main()) ? 0 : 1)
