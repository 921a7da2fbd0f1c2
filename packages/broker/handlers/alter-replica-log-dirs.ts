/**
 * AlterReplicaLogDirs (key 34), versions 1 and 2: moves replicas of this node to other of its log dirs. Answered when the moves
 * are under way; DescribeLogDirs shows how far they are, and moving a replica to where it is gives a move up.
 */
import { ErrorCode } from '@ottla/protocol'
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '@ottla/protocol/messages/alter-replica-log-dirs'
import { ApiError, errorCodeOf, isExpected } from '../errors.ts'
import type { Services } from '../services.ts'
import { defineHandler } from './handler.ts'

/** A dot, 32 hex digits and `-future`. */
const FUTURE_SUFFIX_LENGTH = 40
const MAX_FILE_NAME = 255

interface Wanted {
  readonly topic: string
  readonly partition: number
  readonly logDir: string
}

export const alterReplicaLogDirs = defineHandler({
  request: AlterReplicaLogDirsRequest,
  response: AlterReplicaLogDirsResponse,
  async handle(request, _context, services) {
    const wanted = flatten(request)
    const errorCodes = await Promise.all(wanted.map(each => move(each, services)))
    return { results: grouped(wanted, errorCodes) }
  },
  failed(request, { errorCode }) {
    const wanted = flatten(request)
    return {
      results: grouped(
        wanted,
        wanted.map(() => errorCode),
      ),
    }
  },
})

/** Of a partition that is there twice the last one counts. */
function flatten({ dirs }: AlterReplicaLogDirsRequest): Wanted[] {
  const wanted = new Map<string, Wanted>()
  for (const { path, topics } of dirs) {
    for (const { name, partitions } of topics) {
      for (const partition of partitions) wanted.set(`${name}-${partition}`, { topic: name, partition, logDir: path })
    }
  }
  return [...wanted.values()]
}

async function move({ topic, partition, logDir }: Wanted, services: Services): Promise<number> {
  try {
    const { logs, moves } = services.replicas
    checkName(topic, partition)
    logs.checkPlace(logDir)
    const image = services.metadata.topic(topic)
    if (!image?.partitions[partition]) {
      logs.prefer({ topic, partition }, logDir)
      throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `no partition ${topic}-${partition}`)
    }
    const replica = services.replicas.get(image.id, partition)
    await replica.ready
    replica.localLog()
    await moves.begin(replica, logDir)
    return ErrorCode.NONE
  } catch (error) {
    if (!isExpected(error))
      services.world.logger.error('a replica is not moved', { topic, partition, error: error as Error })
    const errorCode = errorCodeOf(error)
    // For clients of a time when that was said.
    return errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER ? ErrorCode.REPLICA_NOT_AVAILABLE : errorCode
  }
}

/** The folder that it is copied to has a longer name than the one that it comes from. */
function checkName(topic: string, partition: number): void {
  if (`${topic}-${partition}`.length + FUTURE_SUFFIX_LENGTH > MAX_FILE_NAME)
    throw new ApiError('INVALID_TOPIC_EXCEPTION', `the name of ${topic} is too long for a log that moves`)
}

function grouped(wanted: readonly Wanted[], errorCodes: readonly number[]) {
  const topics = new Map<string, { partitionIndex: number; errorCode: number }[]>()
  for (const [i, { topic, partition }] of wanted.entries()) {
    const partitions = topics.get(topic) ?? []
    topics.set(topic, partitions)
    partitions.push({ partitionIndex: partition, errorCode: errorCodes[i]! })
  }
  return Array.from(topics, ([topicName, partitions]) => ({ topicName, partitions }))
}
