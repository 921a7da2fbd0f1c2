/** The log dirs of brokers: what lies in them, and moving replicas between those of one broker. */
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '@ottla/protocol/messages/alter-replica-log-dirs'
import { DescribeLogDirsRequest, DescribeLogDirsResponse } from '@ottla/protocol/messages/describe-log-dirs'
import { askBroker, byTopic, type TopicPartition } from '../ask.ts'
import type { Cluster } from '../cluster.ts'
import { check, type Outcome, outcome } from '../errors.ts'

const describeApi = { request: DescribeLogDirsRequest, response: DescribeLogDirsResponse }
const alterApi = { request: AlterReplicaLogDirsRequest, response: AlterReplicaLogDirsResponse }

export interface LogDirReplica extends TopicPartition {
  readonly sizeBytes: number
  /** Records that it is behind. */
  readonly offsetLag: number
  /** It is being moved here, and will take the place of the one that is there. */
  readonly isFuture: boolean
}

export interface LogDir {
  readonly path: string
  readonly failure: Outcome
  readonly replicas: readonly LogDirReplica[]
  /** null: the broker does not tell (KIP-827). */
  readonly totalBytes: number | null
  readonly usableBytes: number | null
}

export async function describeLogDirs(cluster: Cluster, broker: number): Promise<LogDir[]> {
  const response = await askBroker(cluster, broker, describeApi, { topics: null })
  check(response.errorCode, `describe the log dirs of broker ${broker}`)
  return response.results.map(({ errorCode, logDir, topics, totalBytes, usableBytes }) => ({
    path: logDir,
    failure: outcome(errorCode, `log dir ${logDir} of broker ${broker}`),
    replicas: topics.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, partitionSize, offsetLag, isFutureKey }) => ({
        topic,
        partition,
        sizeBytes: partitionSize,
        offsetLag,
        isFuture: isFutureKey,
      })),
    ),
    totalBytes: totalBytes < 0 ? null : totalBytes,
    usableBytes: usableBytes < 0 ? null : usableBytes,
  }))
}

export interface ReplicaMove extends TopicPartition {
  readonly broker: number
  readonly logDir: string
}

/** Of one broker; the moves that it has begun have null. */
export async function alterReplicaLogDirs(
  cluster: Cluster,
  broker: number,
  moves: readonly ReplicaMove[],
): Promise<Map<ReplicaMove, Outcome>> {
  const dirs = [...Map.groupBy(moves, ({ logDir }) => logDir)].map(([path, moved]) => ({
    path,
    topics: [...byTopic(moved)].map(([name, named]) => ({ name, partitions: named.map(({ partition }) => partition) })),
  }))
  const response = await askBroker(cluster, broker, alterApi, { dirs })
  const outcomes = new Map<ReplicaMove, Outcome>()
  for (const move of moves) {
    const topic = response.results.find(({ topicName }) => topicName === move.topic)
    const result = topic?.partitions.find(({ partitionIndex }) => partitionIndex === move.partition)
    const what = `move ${move.topic}-${move.partition} to ${move.logDir} on broker ${broker}`
    outcomes.set(move, outcome(result?.errorCode ?? -1, what))
  }
  return outcomes
}
