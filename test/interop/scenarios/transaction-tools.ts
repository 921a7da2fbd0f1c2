/**
 * Apache Kafka's `kafka-transactions`: what it lists, describes, finds hanging, aborts and terminates has to be what it
 * prints against Apache Kafka, which is kept in ../expected/. The transactions that it looks at are made by the protocol
 * itself; one hangs, because the broker does not verify and its coordinator never heard of it.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateTopicsRequest, CreateTopicsResponse } from '@ottla/protocol/messages/create-topics'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import type { Context } from '../context.ts'
import { Asker } from '../prober.ts'
import { TransactionProbe } from '../transaction-probe.ts'
import { normalise, Transcript } from '../transcript.ts'

const CREATE = { request: CreateTopicsRequest, response: CreateTopicsResponse }
const FIND = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
const TRANSACTION = 1
const TOPIC = 'watched'
/** How often a command is given before what it prints counts as another: markers are written behind an answer. */
const ATTEMPTS = 10

const COMMANDS: readonly string[] = [
  'list',
  'list --duration-filter 3600000',
  'list --transactional-id-pattern op.*',
  'list --transactional-id-pattern (',
  'describe --transactional-id open',
  'describe --transactional-id done',
  'describe --transactional-id nobody',
  `describe-producers --topic ${TOPIC} --partition 0`,
  `describe-producers --topic ${TOPIC} --partition 1`,
  `find-hanging --broker-id 1 --max-transaction-timeout 0`,
  `find-hanging --topic ${TOPIC} --max-transaction-timeout 0`,
  `find-hanging --topic ${TOPIC} --partition 1 --max-transaction-timeout 15`,
  `abort --topic ${TOPIC} --partition 1 --start-offset 7`,
  `abort --topic ${TOPIC} --partition 1 --start-offset 0`,
  `find-hanging --topic ${TOPIC} --max-transaction-timeout 0`,
  `describe-producers --topic ${TOPIC} --partition 1`,
  `abort --topic ${TOPIC} --partition 0 --producer-id 123456 --producer-epoch 0 --coordinator-epoch 0`,
  'forceTerminateTransaction --transactionalId open',
  'describe --transactional-id open',
  `describe-producers --topic ${TOPIC} --partition 0`,
]

export async function transactionTools({ kind, kit, brokers, report, record }: Context): Promise<void> {
  const { java } = kit
  if (!java) {
    report.skip('transaction-tools', 'Java or Apache Kafka is missing')
    return
  }
  const folder = join(kit.scratch, 'transaction-tools')
  mkdirSync(folder)
  const settings = { 'transaction.partition.verification.enable': 'false' }
  const broker = await brokers.start(kind, { folder, settings })
  await prepare(broker.bootstrap)
  const transcript = new Transcript('transaction-tools')
  const seen = new Map<string, number>()
  for (const words of COMMANDS) {
    const count = (seen.get(words) ?? 0) + 1
    seen.set(words, count)
    const name = count === 1 ? words : `${words} (${count})`
    const run = async () => {
      const finished = await java.tool('transactions', ['--bootstrap-server', broker.bootstrap, ...words.split(' ')])
      return steady(normalise(finished))
    }
    await report.check(`transaction-tools/${name}`, async () => {
      if (record) {
        await sleep(500)
        transcript.add(name, await run())
        return
      }
      for (let attempt = 1; ; attempt++) {
        try {
          transcript.compare(name, await run())
          return
        } catch (error) {
          // What changes something is given once.
          if (attempt === ATTEMPTS || /^(abort|force)/.test(words)) throw error
          await sleep(100)
        }
      }
    })
  }
  if (record) transcript.save()
  await broker.stop()
}

/** Times, and the order of lines and partitions, are chance; the first line says what the columns are. */
function steady(text: string): string {
  const lines = text.split('\n')
  const rows = lines.slice(1, -1).map(row =>
    row
      .replaceAll(/\b\d{13}\b/g, 'TIME')
      // How long it has been open.
      .replace(/(Commit|Abort|Ongoing)( \d+ TIME) \d+/, '$1$2 MS')
      .replace(/\S+,\S+$/, sorted),
  )
  return lines.length < 2 ? text : [lines[0], ...rows.sort(), lines.at(-1)].join('\n')
}

function sorted(partitions: string): string {
  return partitions.split(',').sort().join(',')
}

/** Ids `open`, `done`, `empty` in as many states, and a write of `hanging` that no transaction knows of. */
async function prepare(bootstrap: string): Promise<void> {
  const asker = new Asker('setup', bootstrap)
  const topics = [{ name: TOPIC, numPartitions: 2, replicationFactor: 1 }]
  await asker.ask(CREATE, 7, { topics, timeoutMs: 10_000 })
  for (;;) {
    const { coordinators } = await asker.ask(FIND, 4, { coordinatorKeys: ['open'], keyType: TRANSACTION })
    if (coordinators[0]!.errorCode === 0) break
    await sleep(100)
  }
  asker.end()
  const probe = new TransactionProbe(bootstrap, TOPIC)
  const become = async (transactionalId: string) => {
    probe.me = { transactionalId, producerId: -1, producerEpoch: -1 }
    while (!(await probe.init({ transactionTimeoutMs: 600_000 })).startsWith('NONE')) await sleep(50)
  }
  await become('hanging')
  await probe.produce(['hanging'], 11, { partition: 1 })
  await become('empty')
  await become('done')
  await probe.produce(['a', 'b'])
  await probe.endTxn(true)
  await probe.settled()
  await become('open')
  await probe.produce(['c'])
  await probe.produce(['d'], 12, { partition: 1 })
  probe.end()
}
