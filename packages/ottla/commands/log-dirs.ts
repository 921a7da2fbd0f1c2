/** `ottla log-dirs`: what lies where, and how much room there is. */
import { describeLogDirs } from '@ottla/client'
import { bytesText, type OutputOptions, printRows } from '../cli/output.ts'
import { type ConnectOptions, withCluster } from './connect.ts'

type Options = ConnectOptions & OutputOptions

export async function logDirs(
  options: Options & { broker?: number; topic?: string; replicas?: boolean },
): Promise<void> {
  await withCluster(options, async cluster => {
    const brokers = options.broker === undefined ? await cluster.brokerIds() : [options.broker]
    const size = (bytes: number | null) => (bytes === null || options.json ? bytes : bytesText(bytes))
    const rows = []
    for (const broker of brokers) {
      for (const { path, failure, replicas, totalBytes, usableBytes } of await describeLogDirs(cluster, broker)) {
        const shown = replicas.filter(({ topic }) => options.topic === undefined || topic === options.topic)
        const used = shown.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
        if (!options.replicas && options.topic === undefined)
          rows.push({
            broker,
            'log dir': path,
            replicas: shown.length,
            used: size(used),
            free: size(usableBytes),
            total: size(totalBytes),
            problem: failure?.code ?? null,
          })
        else {
          for (const { topic, partition, sizeBytes, offsetLag, isFuture } of shown)
            rows.push({
              broker,
              'log dir': path,
              topic,
              partition,
              size: size(sizeBytes),
              lag: offsetLag,
              moving: isFuture,
            })
        }
      }
    }
    printRows(rows, options, 'nothing there')
  })
}
