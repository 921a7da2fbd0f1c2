/** `ottla txn …`: transactions as coordinators and partitions see them, and ending one that hangs. */
import {
  abortTransaction,
  describeProducers,
  describeTransaction,
  fenceProducer,
  listTransactions,
  partitionName,
} from '@ottla/client'
import { confirm } from '../cli/confirm.ts'
import { CommandError, type OutputOptions, printDone, printRecord, printRows } from '../cli/output.ts'
import { type ConnectOptions, withCluster } from './connect.ts'

type Options = ConnectOptions & OutputOptions

export async function list(options: Options & { longerThan?: number }): Promise<void> {
  await withCluster(options, async cluster => {
    const filter = options.longerThan === undefined ? {} : { durationMs: options.longerThan }
    const rows = (await listTransactions(cluster, filter)).map(one => ({
      transaction: one.transactionalId,
      state: one.state,
      producer: one.producerId,
      coordinator: one.coordinator,
    }))
    printRows(
      rows.sort((a, b) => (a.transaction < b.transaction ? -1 : 1)),
      options,
      'no transactions',
    )
  })
}

export async function describe(id: string, options: Options): Promise<void> {
  await withCluster(options, async cluster => {
    const found = await describeTransaction(cluster, id)
    const start = found.transactionStartTimeMs
    printRecord(
      {
        transaction: id,
        state: found.transactionState,
        producer: found.producerId,
        epoch: found.producerEpoch,
        coordinator: found.coordinator,
        'timeout ms': found.transactionTimeoutMs,
        'open ms': start < 0 ? null : Date.now() - start,
        partitions: found.topics.flatMap(({ topic, partitions }) => partitions.map(n => `${topic}-${n}`)),
      },
      options,
    )
  })
}

/** `topic:0` */
function parsePartition(text: string): { topic: string; partition: number } {
  const match = /^(.+):(\d+)$/.exec(text)
  if (!match) throw new CommandError(`'${text}' is no partition: it has to be topic:number`, 2)
  return { topic: match[1]!, partition: Number(match[2]) }
}

export async function producers(text: string, options: Options): Promise<void> {
  const which = parsePartition(text)
  await withCluster(options, async cluster => {
    const rows = (await describeProducers(cluster, which)).map(state => ({
      producer: state.producerId,
      epoch: state.producerEpoch,
      'last sequence': state.lastSequence,
      'last time': new Date(state.lastTimestamp).toISOString(),
      'open since offset': state.currentTxnStartOffset < 0 ? null : state.currentTxnStartOffset,
    }))
    printRows(rows, options, `${text} knows no producers`)
  })
}

export async function abort(text: string, options: Options & { startOffset: number; yes?: boolean }): Promise<void> {
  const which = parsePartition(text)
  await withCluster(options, async cluster => {
    const states = await describeProducers(cluster, which)
    const state = states.find(one => one.currentTxnStartOffset === options.startOffset)
    if (!state) throw new CommandError(`no transaction is open in ${text} since offset ${options.startOffset}`)
    const { producerId, producerEpoch, coordinatorEpoch } = state
    await confirm(`abort what producer ${producerId} has written to ${partitionName(which)}?`, options)
    const epochs = { producerEpoch, coordinatorEpoch: Math.max(0, coordinatorEpoch) }
    await abortTransaction(cluster, { ...which, producerId, ...epochs })
    printDone(
      `aborted the transaction of producer ${producerId} in ${text}`,
      { producer: producerId, aborted: true },
      options,
    )
  })
}

export async function terminate(id: string, options: Options & { yes?: boolean }): Promise<void> {
  await withCluster(options, async cluster => {
    await confirm(`fence the producer of ${id}, and abort its transaction?`, options)
    await fenceProducer(cluster, id)
    printDone(`ended the transaction of ${id}`, { transaction: id, ended: true }, options)
  })
}
