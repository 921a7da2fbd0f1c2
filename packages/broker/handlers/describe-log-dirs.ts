/**
 * DescribeLogDirs (key 35), versions 1 to 5: what lies in which log dir, and how much room there is (4, KIP-827), and
 * whether it takes no new replicas (5, KIP-1066).
 */

import type { LogDirDescription } from '@ottla/log'
import { ErrorCode } from '@ottla/protocol'
import { DescribeLogDirsRequest, DescribeLogDirsResponse } from '@ottla/protocol/messages/describe-log-dirs'
import { Since } from '../image/index.ts'
import { defineHandler } from './handler.ts'

export const describeLogDirs = defineHandler({
  request: DescribeLogDirsRequest,
  response: DescribeLogDirsResponse,
  async handle(request, _context, services) {
    const { topics } = request
    const isWanted = topics === null ? () => true : among(topics)
    const dirs = await services.replicas.logs.logDirs()
    const { metadataVersion } = services.metadata.image
    const knowsCordons = metadataVersion !== null && metadataVersion >= Since.CORDONED_LOG_DIRS
    return { results: dirs.map(dir => describe({ ...dir, isCordoned: dir.isCordoned && knowsCordons }, isWanted)) }
  },
})

/** A topic may be there more than once. */
function among(topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]) {
  const wanted = new Set(topics.flatMap(({ topic, partitions }) => partitions.map(each => `${topic}/${each}`)))
  return (topic: string, partition: number) => wanted.has(`${topic}/${partition}`)
}

function describe(dir: LogDirDescription, isWanted: (topic: string, partition: number) => boolean) {
  if (dir.error) return { logDir: dir.path, errorCode: ErrorCode.KAFKA_STORAGE_ERROR, isCordoned: dir.isCordoned }
  const topics = new Map<
    string,
    { partitionIndex: number; partitionSize: number; offsetLag: number; isFutureKey: boolean }[]
  >()
  for (const { topic, partition, sizeInBytes, offsetLag, isFuture } of dir.replicas) {
    if (!isWanted(topic, partition)) continue
    const row = { partitionIndex: partition, partitionSize: sizeInBytes, offsetLag, isFutureKey: isFuture }
    const rows = topics.get(topic)
    if (rows) rows.push(row)
    else topics.set(topic, [row])
  }
  return {
    logDir: dir.path,
    errorCode: 0,
    topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
    totalBytes: dir.totalBytes,
    usableBytes: dir.usableBytes,
    isCordoned: dir.isCordoned,
  }
}
