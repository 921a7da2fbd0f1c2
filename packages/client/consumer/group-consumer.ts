/**
 * Reads topics as a member of a group, of either protocol: finds where to begin, fetches, hands records over in portions and
 * commits. A portion is what Java's consumer would return from one poll.
 */
import { partitionName, type TopicPartition } from '../ask.ts'
import type { Cluster } from '../cluster.ts'
import { KafkaError } from '../errors.ts'
import { type ConsumerRecord, type FetchOptions, fetchAll, type Position } from '../fetcher.ts'
import { type Assignment, GroupMember } from '../group-member.ts'
import { findOffsets, Timestamp } from '../offsets.ts'
import type { AssignorName } from './classic-assignors.ts'
import { ConsumerMember } from './consumer-member.ts'

export interface GroupConsumerOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  readonly protocol: 'classic' | 'consumer'
  /** Classic. */
  readonly assignor?: AssignorName
  /** Classic. */
  readonly sessionTimeoutMs?: number
  /** Consumer. */
  readonly remoteAssignor?: string | null
  readonly instanceId?: string | null
  /** Where nothing is committed; none: that is an error. */
  readonly reset: 'earliest' | 'latest' | 'none'
  readonly fetch?: FetchOptions
  /** Of one portion. */
  readonly maxPollRecords?: number
  /** It leaves after as many; what it has not handed over is not committed. */
  readonly maxRecords?: number
  /** How often to commit what was handed over; null: whoever it is handed to commits. */
  readonly autoCommitIntervalMs: number | null
  readonly signal: AbortSignal
}

/** Of one partition. */
export interface PolledPartition extends TopicPartition {
  readonly records: readonly ConsumerRecord[]
}

export interface GroupConsumerListener {
  onAssigned?(partitions: readonly TopicPartition[]): void
  onRevoked?(partitions: readonly TopicPartition[]): void
  /** The next portion comes when it is done. If it rejects, the portion is not committed, and `run` rejects. */
  onRecords(portion: readonly PolledPartition[]): Promise<void>
}

/** A partition without a committed offset, and no way to choose one. */
export class NoOffsetError extends Error {
  override readonly name = 'NoOffsetError'
  readonly code = 'ERR_NO_OFFSET'
}

const MAX_POLL_RECORDS = 500

export class GroupConsumer {
  readonly #cluster: Cluster
  readonly #options: GroupConsumerOptions
  readonly #listener: GroupConsumerListener
  readonly #member: GroupMember | ConsumerMember
  /** Where each partition goes on, of those that it has. */
  readonly #positions = new Map<string, Position>()
  /** Handed over and not committed yet. */
  readonly #uncommitted = new Set<string>()
  readonly #stop = new AbortController()
  #left: number
  #committedMs = 0

  constructor(cluster: Cluster, options: GroupConsumerOptions, listener: GroupConsumerListener) {
    this.#cluster = cluster
    this.#options = { ...options, signal: AbortSignal.any([options.signal, this.#stop.signal]) }
    this.#listener = listener
    this.#left = options.maxRecords ?? Number.POSITIVE_INFINITY
    this.#member =
      options.protocol === 'classic'
        ? new GroupMember(cluster, this.#options)
        : new ConsumerMember(cluster, this.#options)
  }

  /** Until the signal is aborted, or it has handed over all that was wanted; then it leaves the group. */
  async run(): Promise<void> {
    if (this.#left > 0) await this.#member.run(assignment => this.#consume(assignment))
  }

  /** False: the partitions are somebody else's by now, or on their way there. */
  commit(offsets: readonly Position[]): Promise<boolean> {
    return this.#member.commit(offsets)
  }

  async #consume({ partitions, signal }: Assignment): Promise<void> {
    const assigned = partitions.flatMap(({ topic, partitions: ids }) => ids.map(partition => ({ topic, partition })))
    const isOurs = new Set(assigned.map(partitionName))
    const added = assigned.filter(one => !this.#positions.has(partitionName(one)))
    const gone = [...this.#positions.values()].filter(one => !isOurs.has(partitionName(one)))
    this.#drop(gone)
    this.#listener.onAssigned?.(added)
    let isToGoOn = false
    try {
      for (const one of added) this.#positions.set(partitionName(one), { ...one, offset: -1 })
      await this.#findStarts(added)
      await this.#read(signal)
      // The classic protocol begins anew each time; so does whoever leaves.
      isToGoOn = this.#options.protocol === 'consumer' && !this.#options.signal.aborted
    } finally {
      await this.#commitHandedOver()
      if (!isToGoOn) this.#drop([...this.#positions.values()])
    }
  }

  #drop(partitions: readonly Position[]): void {
    if (partitions.length === 0) return
    for (const one of partitions) {
      this.#positions.delete(partitionName(one))
      this.#uncommitted.delete(partitionName(one))
    }
    this.#listener.onRevoked?.(partitions.map(({ topic, partition }) => ({ topic, partition })))
  }

  async #findStarts(added: readonly TopicPartition[]): Promise<void> {
    if (added.length === 0) return
    // They may be newer than what is known of the topic.
    for (const { topic } of added) this.#cluster.forgetTopic(topic)
    const byTopic = Map.groupBy(added, ({ topic }) => topic)
    const asked = [...byTopic].map(([topic, named]) => ({ topic, partitions: named.map(({ partition }) => partition) }))
    const committed = await this.#member.committed(asked)
    const without: TopicPartition[] = []
    for (const one of added) {
      const offset = committed.get(partitionName(one)) ?? -1
      if (offset < 0) without.push(one)
      else this.#positions.get(partitionName(one))!.offset = offset
    }
    await this.#reset(without)
  }

  async #reset(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return
    const { reset } = this.#options
    if (reset === 'none') {
      const names = partitions.map(partitionName).join(', ')
      throw new NoOffsetError(`Undefined offset with no reset policy for partitions: [${names}]`)
    }
    const found = await offsetsAt(this.#cluster, partitions, reset)
    for (const [name, offset] of found) this.#positions.get(name)!.offset = offset
  }

  async #read(signal: AbortSignal): Promise<void> {
    if (this.#positions.size === 0)
      return new Promise(resolve => {
        if (signal.aborted) resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    while (!signal.aborted) {
      // What is fetched moves these; what is handed over moves ours.
      const positions = [...this.#positions.values()].map(one => ({ ...one }))
      try {
        for await (const fetched of fetchAll(this.#cluster, positions, { signal, ...this.#options.fetch })) {
          for (const portion of this.#portions(fetched.map(({ records }) => records))) {
            if (signal.aborted) return
            await this.#handOver(portion)
          }
          if (signal.aborted) return
          // With what was not for handing over at the end: markers, aborted transactions.
          for (const { position } of fetched) this.#moveTo(position)
          await this.#commitInTime()
          if (signal.aborted) return
        }
      } catch (error) {
        if (!(error instanceof KafkaError) || error.code !== 'OFFSET_OUT_OF_RANGE') throw error
        await this.#backInRange()
      }
    }
  }

  *#portions(fetched: readonly (readonly ConsumerRecord[])[]): Generator<PolledPartition[]> {
    const most = () => Math.min(this.#options.maxPollRecords ?? MAX_POLL_RECORDS, this.#left)
    let portion: PolledPartition[] = []
    let room = most()
    for (const records of fetched) {
      for (let from = 0; from < records.length; ) {
        const part = records.slice(from, from + room)
        const { topic, partition } = part[0]!
        portion.push({ topic, partition, records: part })
        from += part.length
        room -= part.length
        if (room > 0) continue
        yield portion
        portion = []
        room = most()
        if (room === 0) return
      }
    }
    if (portion.length > 0) yield portion
  }

  async #handOver(portion: readonly PolledPartition[]): Promise<void> {
    await this.#listener.onRecords(portion)
    for (const { topic, partition, records } of portion) {
      this.#moveTo({ topic, partition, offset: records.at(-1)!.offset + 1 })
      this.#left -= records.length
    }
    if (this.#left === 0) this.#stop.abort()
  }

  #moveTo(position: Position): void {
    const name = partitionName(position)
    const own = this.#positions.get(name)
    if (!own || own.offset === position.offset) return
    own.offset = position.offset
    this.#uncommitted.add(name)
  }

  async #commitInTime(): Promise<void> {
    const { autoCommitIntervalMs } = this.#options
    const nowMs = this.#cluster.world.clock.monotonic()
    if (autoCommitIntervalMs === null || nowMs - this.#committedMs < autoCommitIntervalMs) return
    this.#committedMs = nowMs
    await this.#commitHandedOver()
  }

  async #commitHandedOver(): Promise<void> {
    if (this.#options.autoCommitIntervalMs === null) return
    const names = [...this.#uncommitted]
    this.#uncommitted.clear()
    await this.#member.commit(names.map(name => this.#positions.get(name)!))
  }

  /** Positions before the beginning or behind the end go to where a new group would begin. */
  async #backInRange(): Promise<void> {
    const all = [...this.#positions.values()]
    const [from, to] = [await offsetsAt(this.#cluster, all, 'earliest'), await offsetsAt(this.#cluster, all, 'latest')]
    const outside = all.filter(one => {
      const name = partitionName(one)
      return one.offset < from.get(name)! || one.offset > to.get(name)!
    })
    await this.#reset(outside)
  }
}

async function offsetsAt(cluster: Cluster, partitions: readonly TopicPartition[], where: 'earliest' | 'latest') {
  const found = await findOffsets(cluster, partitions, Timestamp[where])
  return new Map(
    [...found].map(([name, result]) => {
      if (result instanceof KafkaError) throw result
      return [name, result.offset]
    }),
  )
}
