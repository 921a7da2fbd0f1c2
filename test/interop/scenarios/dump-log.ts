/**
 * `kafka-dump-log` over all that a broker leaves: records in every codec, transactions, cleaned segments, every internal topic,
 * the metadata log and its snapshots, whole and damaged. What ours prints is what Java's prints there and then, to the byte.
 */
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { OTTLA, type RunningBroker } from '../brokers.ts'
import { call, createTopics, helperFor } from '../clients.ts'
import type { Context } from '../context.ts'
import { filesIn, sameDump } from '../dump.ts'
import type { Java } from '../java.ts'
import { EAGER_CLEANER, KeyedLog } from '../keyed-log.ts'
import { Child, must } from '../process.ts'

const SETTINGS = {
  ...EAGER_CLEANER,
  'offsets.topic.num.partitions': 2,
  'transaction.state.log.num.partitions': 2,
  'share.coordinator.state.topic.num.partitions': 2,
}
const READ = 20

/** Which files, and with which options. */
const SETS: readonly (readonly [pattern: string, ...args: string[]])[] = [
  ['*/*.*'],
  ['*/*.log', '--deep-iteration'],
  ['[a-z]*-*/*.log', '--print-data-log'],
  ['[a-z]*-*/*.log', '--print-data-log', '--skip-record-metadata'],
  ['[a-z]*-*/*.log', '--print-data-log', '--max-bytes', '5000'],
  ['*/*index', '--index-sanity-check'],
  ['*/*index', '--verify-index-only'],
  ['__consumer_offsets-*/*.log', '--offsets-decoder'],
  ['__transaction_state-*/*.log', '--transaction-log-decoder'],
  ['__share_group_state-*/*.log', '--share-group-state-decoder'],
  ['{bootstrap.checkpoint,__cluster_metadata-0/*.{log,checkpoint}}', '--cluster-metadata-decoder'],
]

export async function dumpLog(context: Context): Promise<void> {
  const { kind, kit, report, brokers } = context
  const { java } = kit
  if (!java) return void report.skip('dump-log', 'Java or Apache Kafka is missing')
  const folder = join(kit.scratch, 'dump-log')
  const start = () => brokers.start(kind, { folder, settings: SETTINGS })
  let broker = await start()
  await fill(context, java, broker)
  await broker.stop()
  broker = await start()
  await broker.stop()
  for (const [pattern, ...args] of SETS) {
    await report.check(`dump-log/${[pattern, ...args].join(' ')}`, async () => {
      const count = await sameDump(java, [...args, '--files', filesIn(folder, pattern).join(',')])
      if (count < 5) throw new Error(`${count} lines are too few to show anything`)
    })
  }
  await report.check('dump-log/damaged', () => damaged(java, folder, join(kit.scratch, 'dump-log-damaged')))
}

async function fill({ kit }: Context, java: Java, broker: RunningBroker): Promise<void> {
  const { bootstrap } = broker
  const helper = helperFor(kit.clients)
  const log = new KeyedLog(kit, 'dumped')
  await log.create(broker)
  await log.write(broker)
  await log.cleaned(broker)
  await createTopics(helper, bootstrap, [{ name: 'plain', partitions: 1 }])
  const file = join(kit.scratch, 'dump-log.jsonl')
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const records = Array.from({ length: READ }, (_, i) => {
    const headers = [['h,1', base64('ü')]]
    return `${JSON.stringify({ key: i % 2 ? base64('schlüssel') : null, value: base64(`"${i}"\n`), headers, timestamp: Date.now() })}\n`
  })
  writeFileSync(file, records.join(''))
  const batches = ['none', 'zstd'].map(codec => ({ topic: 'plain', codec, acks: -1, idempotent: codec === 'zstd' }))
  await call(helper, 'produce', { bootstrap, batches, records: file })
  for (const [client, more] of [
    [helper, { group: 'classic' }],
    [kit.clients.find(({ name }) => name === 'java') ?? helper, { group: 'new', protocol: 'consumer' }],
  ] as const) {
    const member = new Child([
      ...client.command,
      'member',
      JSON.stringify({ bootstrap, topic: 'plain', sessionMs: 6000, ...more }),
    ])
    const isDone = () => member.lines.filter(line => line.includes('"record"')).length >= READ || undefined
    await member.until('a member that reads', isDone, 30_000)
    await member.stop('SIGTERM')
  }
  const server = ['--bootstrap-server', bootstrap]
  const ours = (tool: string, ...args: string[]) => must([process.execPath, OTTLA, tool, ...args, ...server])
  await ours(
    'kafka-configs',
    '--alter',
    '--entity-type',
    'users',
    '--entity-name',
    'u',
    '--add-config',
    'SCRAM-SHA-256=[password=x]',
  )
  await ours(
    'kafka-configs',
    '--alter',
    '--entity-type',
    'users',
    '--entity-name',
    'u',
    '--add-config',
    'consumer_byte_rate=1024',
  )
  await ours(
    'kafka-configs',
    '--alter',
    '--entity-type',
    'groups',
    '--entity-name',
    's',
    '--add-config',
    'share.auto.offset.reset=earliest',
  )
  const share = ['--topic', 'plain', '--group', 's', '--max-messages', '5', '--timeout-ms', '20000']
  await java.tool('console-share-consumer', [...share, ...server])
}

/** Cut, flipped, with bytes behind it, and of an impossible length. */
async function damaged(java: Java, folder: string, copies: string): Promise<void> {
  mkdirSync(copies)
  const segment = filesIn(folder, 'dumped-0/*.log').sort((a, b) => statSync(b).size - statSync(a).size)[0]!
  const damages: ((bytes: Buffer) => Buffer)[] = [
    bytes => bytes.subarray(0, -40),
    bytes => Buffer.concat([bytes, Buffer.alloc(100)]),
    bytes => (bytes.length > 70 ? bytes.fill(bytes[70]! ^ 0xff, 70, 71) : bytes),
    bytes => (bytes.length >= 12 ? bytes.fill(0xff, 8, 12) : bytes),
    () => Buffer.alloc(0),
  ]
  for (const damage of damages) {
    const files = ['log', 'index', 'timeindex'].map(suffix => segment.replace(/log$/, suffix))
    const [log, ...others] = files.map(file => join(copies, basename(file)))
    for (const file of files.slice(1)) copyFileSync(file, join(copies, basename(file)))
    writeFileSync(log!, damage(readFileSync(segment)))
    await sameDump(java, ['--files', log!])
    await sameDump(java, ['--verify-index-only', '--files', others.join(',')])
    const index = others[0]!
    writeFileSync(index, damage(readFileSync(index)))
    await sameDump(java, ['--index-sanity-check', '--files', index])
  }
}
