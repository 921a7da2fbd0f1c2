/**
 * The replicas of this node: made, changed and removed as the metadata image says, found by topic name or id for the
 * handlers.
 */
import type { Logger } from '@ottla/io'
import type { LogManager } from '@ottla/log'
import { publishElection } from '../diagnostics.ts'
import { ApiError } from '../errors.ts'
import { TopicMetrics } from '../metrics/index.ts'
import { Partition, type PartitionAssignment } from './partition.ts'
import { type MoveSettings, ReplicaMoves } from './replica-moves.ts'

/** `onAccepted`: the controller has written it down. */
export type OnPlaced = (topicId: string, partition: number, directoryId: string, onAccepted?: () => void) => void

export interface ReplicaManagerOptions {
  readonly nodeId: number
  readonly logs: LogManager
  readonly logger: Logger
  readonly topicMetrics?: TopicMetrics
  /** The log lies in this directory, or is about to, and the controller does not know or believes otherwise. */
  readonly onPlaced?: OnPlaced
  readonly moves: MoveSettings
}

export class ReplicaManager {
  readonly logs: LogManager
  readonly #nodeId: number
  readonly #logger: Logger
  readonly #topicMetrics: TopicMetrics
  readonly #onPlaced: ReplicaManagerOptions['onPlaced']
  readonly moves: ReplicaMoves
  /** By topic id, then by partition number. */
  readonly #topics = new Map<string, Map<number, Partition>>()

  constructor(options: ReplicaManagerOptions) {
    this.#nodeId = options.nodeId
    this.logs = options.logs
    this.#logger = options.logger
    this.#topicMetrics = options.topicMetrics ?? new TopicMetrics()
    this.#onPlaced = options.onPlaced
    this.moves = new ReplicaMoves({
      logs: options.logs,
      logger: options.logger,
      settings: options.moves,
      tellPlace: (partition, logDir, onAccepted) => this.#tellMove(partition, logDir, onAccepted),
      onEnd: partition => this.#tellPlace(partition),
    })
  }

  find(topicId: string, partition: number): Partition | undefined {
    return this.#topics.get(topicId)?.get(partition)
  }

  /** The replica of this node; throws NOT_LEADER_OR_FOLLOWER where another node has to be asked. */
  get(topicId: string, partition: number): Partition {
    const found = this.find(topicId, partition)
    if (!found)
      throw new ApiError(
        'NOT_LEADER_OR_FOLLOWER',
        `this node has no replica of partition ${partition} of topic id ${topicId}`,
      )
    return found
  }

  *partitions(): Iterable<Partition> {
    for (const partitions of this.#topics.values()) yield* partitions.values()
  }

  /** Makes or changes one replica. Its log is opened behind this call; requests for it wait until it is there. */
  assign(assignment: PartitionAssignment): Partition {
    let partitions = this.#topics.get(assignment.topicId)
    if (!partitions) {
      partitions = new Map()
      this.#topics.set(assignment.topicId, partitions)
    }
    const known = partitions.get(assignment.partition)
    if (known?.leaderEpoch !== assignment.leaderEpoch) this.#tellElection(assignment)
    if (known) {
      known.update(assignment)
      this.#tellPlace(known)
      return known
    }
    const meter = this.#topicMetrics.meter(assignment.topicId, assignment.topic)
    const partition = new Partition(this.#nodeId, assignment, meter)
    partitions.set(assignment.partition, partition)
    const { topic, topicId, directoryId, isNew } = assignment
    const open = this.logs.getOrCreate({ topic, partition: assignment.partition }, topicId, {
      ...(directoryId ? { directoryId } : {}),
      isNew,
    })
    partition.attach(open)
    open.then(
      () => {
        this.#tellPlace(partition)
        this.moves.resume(partition)
      },
      error => this.#logger.error('cannot open log', { partition: partition.name, error }),
    )
    return partition
  }

  #tellElection({ topic, partition, leaderId, leaderEpoch }: PartitionAssignment): void {
    publishElection({ topic, partition, leaderId, leaderEpoch, nodeId: this.#nodeId })
  }

  #tellPlace(partition: Partition): void {
    const { log, assignment } = partition
    if (!log || !this.#onPlaced || this.moves.isMoving(partition)) return
    const directoryId = this.logs.directoryIdOf(log.logDir)
    if (directoryId === null || directoryId === assignment.directoryId) return
    this.#onPlaced(partition.topicId, partition.partition, directoryId)
  }

  #tellMove(partition: Partition, logDir: string, onAccepted: () => void): void {
    const directoryId = this.logs.directoryIdOf(logDir)
    if (this.#onPlaced && directoryId !== null && directoryId !== partition.assignment.directoryId)
      this.#onPlaced(partition.topicId, partition.partition, directoryId, onAccepted)
    else onAccepted()
  }

  /** The topic is gone: its replicas answer nobody any more, and their folders are removed. */
  async removeTopic(topicId: string): Promise<void> {
    const partitions = this.#topics.get(topicId)
    if (!partitions) return
    this.#topics.delete(topicId)
    this.#topicMetrics.forget(topicId)
    await Promise.all([...partitions.values()].map(partition => this.#remove(partition)))
  }

  async remove(topicId: string, partition: number): Promise<void> {
    const found = this.find(topicId, partition)
    if (!found) return
    this.#topics.get(topicId)!.delete(partition)
    await this.#remove(found)
  }

  /** Every replica in this log dir is offline from now on. */
  failLogDir(logDir: string, error: Error): void {
    for (const partition of this.partitions()) {
      if (partition.log?.logDir === logDir) partition.fail(error)
    }
  }

  async #remove(partition: Partition): Promise<void> {
    const { isOffline } = partition
    partition.remove()
    const stopped = this.moves.stop(partition)
    if (isOffline) return
    try {
      // Asked for at once, though it may still be being opened: a topic of the same name that comes next must not find it.
      await this.logs.delete(partition, partition.topicId)
      await stopped
    } catch (error) {
      this.#logger.error('cannot delete log', { partition: partition.name, error: error as Error })
    }
  }
}
