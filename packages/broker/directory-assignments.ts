/**
 * Tells the controller in which log dirs the replicas of this node lie, where it does not know or believes otherwise
 * (KIP-858): only then does it know whom to take the leadership from when a log dir fails. What is to be told is gathered for
 * a moment, and told again, after growing pauses, until the controller has taken it.
 */
import type { Timer, World } from '@ottla/io'
import { ErrorCode, errorName } from '@ottla/protocol'
import type { AssignReplicasToDirsRequest } from '@ottla/protocol/messages/assign-replicas-to-dirs'
import type { ControllerClient } from './services.ts'

export interface DirectoryAssignmentsOptions {
  readonly world: World
  readonly controller: ControllerClient
  readonly nodeId: number
  readonly brokerEpoch: () => number
  /** Whether this node still has the replica: nobody needs to know where one is that is gone. */
  readonly isWanted: (topicId: string, partition: number) => boolean
}

interface Assignment {
  readonly topicId: string
  readonly partition: number
  readonly directoryId: string
  /** The controller has written it down. */
  readonly onAccepted?: (() => void) | undefined
}

/** Kafka's numbers. */
const GATHER_MS = 100
const MAX_PAUSE_MS = 10_000
const MAX_PER_REQUEST = 2250

export class DirectoryAssignments {
  readonly #options: DirectoryAssignmentsOptions
  /** By topic id and partition: the latest counts. */
  readonly #waiting = new Map<string, Assignment>()
  #timer: Timer | null = null
  #sending = false
  #failures = 0
  #isClosed = false

  constructor(options: DirectoryAssignmentsOptions) {
    this.#options = options
  }

  add(topicId: string, partition: number, directoryId: string, onAccepted?: () => void): void {
    this.#waiting.set(`${topicId}-${partition}`, { topicId, partition, directoryId, onAccepted })
    this.#schedule()
  }

  /** That the controller has not been told yet. */
  get size(): number {
    return this.#waiting.size
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #schedule(): void {
    if (this.#timer || this.#sending || this.#isClosed || this.#waiting.size === 0) return
    const pauseMs = Math.min(GATHER_MS * 2 ** this.#failures, MAX_PAUSE_MS)
    this.#timer = this.#options.world.clock.setTimer(pauseMs, () => {
      this.#timer = null
      void this.#sendSome()
    })
  }

  async #sendSome(): Promise<void> {
    const sent = this.#take()
    if (sent.length === 0) return
    this.#sending = true
    try {
      this.#failures = (await this.#send(sent)) ? 0 : this.#failures + 1
    } catch (error) {
      this.#failures++
      this.#takeBack(sent)
      this.#options.world.logger.error('cannot assign replicas to log dirs', { error: error as Error })
    } finally {
      this.#sending = false
    }
    this.#schedule()
  }

  #take(): Assignment[] {
    const taken: Assignment[] = []
    for (const [key, assignment] of this.#waiting) {
      if (taken.length === MAX_PER_REQUEST) break
      this.#waiting.delete(key)
      if (this.#options.isWanted(assignment.topicId, assignment.partition)) taken.push(assignment)
    }
    return taken
  }

  /** Unless there is something newer to tell of the same replica. */
  #takeBack(assignments: Iterable<Assignment>): void {
    for (const assignment of assignments) {
      const key = `${assignment.topicId}-${assignment.partition}`
      if (!this.#waiting.has(key)) this.#waiting.set(key, assignment)
    }
  }

  /** Whether all of them were taken; those that were not wait again. */
  async #send(assignments: readonly Assignment[]): Promise<boolean> {
    const { controller, nodeId, brokerEpoch, world } = this.#options
    const request = { brokerId: nodeId, brokerEpoch: brokerEpoch(), directories: grouped(assignments) }
    const { errorCode = 0, directories = [] } = await controller.request('assignReplicasToDirs', request, 0)
    const left = new Map(assignments.map(each => [`${each.topicId}-${each.partition}`, each]))
    if (errorCode === ErrorCode.NONE) {
      for (const { topics = [] } of directories) {
        for (const { topicId, partitions = [] } of topics) {
          for (const { partitionIndex, errorCode = 0 } of partitions) {
            const key = `${topicId}-${partitionIndex}`
            if (errorCode !== ErrorCode.NONE) continue
            left.get(key)?.onAccepted?.()
            left.delete(key)
          }
        }
      }
    }
    if (left.size === 0) return true
    world.logger.warn('replicas are not assigned to log dirs yet', { replicas: left.size, code: errorName(errorCode) })
    this.#takeBack(left.values())
    return false
  }
}

function grouped(assignments: readonly Assignment[]): AssignReplicasToDirsRequest['directories'] {
  const directories = new Map<string, Map<string, { partitionIndex: number }[]>>()
  for (const { directoryId, topicId, partition } of assignments) {
    const topics = directories.get(directoryId) ?? new Map<string, { partitionIndex: number }[]>()
    directories.set(directoryId, topics)
    const partitions = topics.get(topicId) ?? []
    topics.set(topicId, partitions)
    partitions.push({ partitionIndex: partition })
  }
  return Array.from(directories, ([id, topics]) => ({
    id,
    topics: Array.from(topics, ([topicId, partitions]) => ({ topicId, partitions })),
  }))
}
