/**
 * A quorum of one: the only voter elects itself at each start, in a new epoch, and what it has flushed is committed. It
 * keeps all that raft would: the log in its layout, `quorum-state`, a LeaderChange record first thing in each epoch, the
 * voters in the log (kraft.version 1) or in the configuration (0). So Apache Kafka opens its folder and the other way
 * round, and more voters can join later.
 *
 * Appends are grouped: while one flush is under way, what is appended meanwhile waits for the next.
 */
import type { Timer, World } from '@ottla/io'
import { LogError } from '@ottla/log'
import { ZERO_UUID } from '@ottla/protocol'
import { MetadataError } from '../errors.ts'
import type { MetadataRecord } from '../image/index.ts'
import {
  type ControlRecord,
  type EncodedBatch,
  encodeControlBatch,
  encodeDataBatches,
  type MetadataBatch,
} from './batches.ts'
import { MetadataLog, type MetadataLogOptions } from './metadata-log.ts'
import type { LeaderAndEpoch, MetadataQuorum, QuorumDescription, QuorumListener } from './metadata-quorum.ts'
import { NO_QUORUM_STATE, type QuorumState, quorumStateText, readQuorumState } from './quorum-state.ts'
import type { SnapshotId } from './snapshot-files.ts'
import { isOutdated, makeVoter, type Voter, type VoterEndpoint, type VoterSet } from './voters.ts'

export interface SingleVoterOptions extends MetadataLogOptions {
  readonly nodeId: number
  /** controller.quorum.voters, for a cluster of kraft.version 0; else empty. */
  readonly staticVoters: readonly { readonly id: number; readonly host: string; readonly port: number }[]
  /** Where other nodes reach this one as a controller. */
  readonly endpoints: readonly VoterEndpoint[]
}

/** How often old snapshots are looked for, as Kafka does. */
const CLEAN_INTERVAL_MS = 60_000

export class SingleVoterQuorum implements MetadataQuorum {
  readonly nodeId: number
  readonly #world: World
  readonly #log: MetadataLog
  readonly #self: Voter
  #listener: QuorumListener | null = null
  #leader: LeaderAndEpoch = { leaderId: null, epoch: 0 }
  #kraftVersion = 0
  #voters: VoterSet
  /** Offset of the record that says who votes; -1: from before the log begins; null: no record says. */
  #votersOffset: number | null = null
  #highWatermark = 0
  /** Appended and not committed. */
  #pending: MetadataBatch[] = []
  #committing: Promise<void> | null = null
  #cleaning: Promise<void> | null = null
  #cleanTimer: Timer | null = null

  private constructor(options: SingleVoterOptions, log: MetadataLog, directoryId: string) {
    const { nodeId, staticVoters, endpoints, world } = options
    this.nodeId = nodeId
    this.#world = world
    this.#log = log
    this.#self = makeVoter(nodeId, directoryId, endpoints)
    this.#voters = staticVoters.map(({ id, host, port }) => {
      return makeVoter(id, ZERO_UUID, [{ name: endpoints[0]?.name ?? 'CONTROLLER', host, port }])
    })
  }

  /** Throws a MetadataError, a LogError or a DiskError if the folder cannot be used. */
  static async open(options: SingleVoterOptions): Promise<SingleVoterQuorum> {
    const log = await MetadataLog.open(options)
    return new SingleVoterQuorum(options, log, options.logs.directoryIdOf(options.logDir)!)
  }

  get leader(): LeaderAndEpoch {
    return this.#leader
  }

  get kraftVersion(): number {
    return this.#kraftVersion
  }

  get voters(): VoterSet {
    return this.#voters
  }

  get endOffset(): number {
    return this.#log.endOffset
  }

  get highWatermark(): number {
    return this.#highWatermark
  }

  get latestSnapshot(): SnapshotId | null {
    return this.#log.latestSnapshot
  }

  // -------------------------------------------------------------------------------------------------------- starting

  async start(listener: QuorumListener): Promise<void> {
    if (this.#listener) throw new Error('the quorum is started twice')
    this.#listener = listener
    await this.#load(listener)
    this.#checkVoters()
    await this.#becomeLeader()
    await this.#committing
    if (this.#leader.leaderId === null) throw new LogError('KAFKA_STORAGE_ERROR', 'the metadata log cannot be written')
    this.#scheduleClean()
    listener.onLeaderChange(this.#leader)
  }

  /** All that is in the log was written by the only voter, or before it was alone: none of it can be taken back. */
  async #load(listener: QuorumListener): Promise<void> {
    const id = this.#log.latestSnapshot
    if (id) await this.#loadSnapshot(id, listener)
    for await (const batch of this.#log.recover(id?.endOffset ?? 0)) {
      this.#takeControls(batch, batch.baseOffset)
      listener.onCommitted(batch)
    }
    this.#highWatermark = this.#log.endOffset
    this.#log.updateHighWatermark(this.#highWatermark)
  }

  async #loadSnapshot(id: SnapshotId, listener: QuorumListener): Promise<void> {
    let timestamp = 0
    listener.onSnapshotBegin(id)
    for await (const batch of this.#log.readSnapshot(id)) {
      for (const { type, value } of batch.controls) {
        if (type === 'SnapshotHeader') timestamp = value.lastContainedLogTimestamp
      }
      this.#takeControls(batch, id.endOffset - 1)
      listener.onSnapshotRecords(batch.records)
    }
    listener.onSnapshotEnd(id, timestamp)
  }

  #takeControls({ controls }: MetadataBatch, offset: number): void {
    for (const { type, value } of controls) {
      if (type === 'KRaftVersion') this.#kraftVersion = value.kRaftVersion
      if (type !== 'Voters') continue
      this.#voters = value.voters
      this.#votersOffset = offset
    }
  }

  #checkVoters(): void {
    const { nodeId } = this
    const refuse = (why: string) => new MetadataError('ERR_UNSUPPORTED_QUORUM', `${this.#log.folder}: ${why}`)
    if (this.#kraftVersion > 1) throw refuse(`kraft.version is ${this.#kraftVersion}, and 0 and 1 are known`)
    const ids = this.#voters.map(voter => voter.voterId)
    if (ids.length === 0) {
      throw refuse('no voters are known: format it as a standalone controller, or set controller.quorum.voters')
    }
    if (ids.length > 1) throw refuse(`nodes ${ids.join(', ')} vote, and a quorum of several is not supported yet`)
    const [voter] = this.#voters
    if (voter!.voterId !== nodeId) throw refuse(`node ${voter!.voterId} is the voter, and this is node ${nodeId}`)
    const { voterDirectoryId } = this.#self
    if (this.#kraftVersion > 0 && voter!.voterDirectoryId !== voterDirectoryId) {
      throw refuse(`its voter has directory id ${voter!.voterDirectoryId}, and this directory has ${voterDirectoryId}`)
    }
  }

  /** A new epoch, on disk before anything is written in it. */
  async #becomeLeader(): Promise<void> {
    const path = `${this.#log.folder}/quorum-state`
    const state = (await readQuorumState(this.#world.disk, path)) ?? NO_QUORUM_STATE
    const epoch = Math.max(state.leaderEpoch, this.#log.lastEpoch) + 1
    const elected: QuorumState = { ...NO_QUORUM_STATE, leaderEpoch: epoch, leaderId: this.nodeId }
    const text = quorumStateText(elected, this.#kraftVersion, [this.nodeId])
    await this.#world.disk.writeFileAtomic(path, Buffer.from(text))
    this.#leader = { leaderId: this.nodeId, epoch }
    this.#log.beginEpoch(epoch)
    this.#append(encodeControlBatch(this.#startOfEpoch(), this.#place()))
    this.#commit()
  }

  /** The voters are written again where they are not in the log yet, or this node has moved. */
  #startOfEpoch(): ControlRecord[] {
    const self = { voterId: this.nodeId, voterDirectoryId: ZERO_UUID }
    const change = { version: 0, leaderId: this.nodeId, voters: [self], grantingVoters: [self] }
    const records: ControlRecord[] = [{ type: 'LeaderChange', value: change }]
    if (this.#kraftVersion === 0) return records
    if (this.#votersOffset !== -1 && !isOutdated(this.#voters[0]!, this.#self)) return records
    this.#voters = [this.#self]
    this.#votersOffset = this.#log.endOffset
    records.push({ type: 'KRaftVersion', value: { version: 0, kRaftVersion: this.#kraftVersion } })
    records.push({ type: 'Voters', value: { version: 0, voters: [this.#self] } })
    return records
  }

  #place() {
    return { baseOffset: this.#log.endOffset, epoch: this.#leader.epoch, timestampMs: this.#world.clock.now() }
  }

  // ------------------------------------------------------------------------------------------------------- appending

  append(epoch: number, records: readonly MetadataRecord[], { isAtomic }: { readonly isAtomic: boolean }): number {
    this.#checkLeads(epoch)
    if (records.length === 0) throw new Error('nothing to append')
    // All are encoded before the first is appended: a record that cannot be must not leave half of them behind.
    this.#appendAll([...encodeDataBatches(records, this.#place(), isAtomic)])
    return this.#log.endOffset - 1
  }

  upgradeKRaftVersion(epoch: number, kRaftVersion: number): void {
    this.#checkLeads(epoch)
    const offset = this.#log.endOffset
    const controls: ControlRecord[] = [
      { type: 'KRaftVersion', value: { version: 0, kRaftVersion } },
      { type: 'Voters', value: { version: 0, voters: [this.#self] } },
    ]
    this.#appendAll([encodeControlBatch(controls, this.#place())])
    this.#kraftVersion = kRaftVersion
    this.#voters = [this.#self]
    this.#votersOffset = offset
  }

  #checkLeads(epoch: number): void {
    if (this.#leader.leaderId === this.nodeId && this.#leader.epoch === epoch) return
    throw new LogError('NOT_LEADER_OR_FOLLOWER', `node ${this.nodeId} does not lead the quorum in epoch ${epoch}`)
  }

  #appendAll(batches: readonly EncodedBatch[]): void {
    try {
      for (const encoded of batches) this.#append(encoded)
    } catch (error) {
      this.#fail(error as Error)
      throw error
    }
    this.#commit()
  }

  #append(encoded: EncodedBatch): void {
    this.#log.append(encoded)
    this.#pending.push(encoded.batch)
  }

  #commit(): void {
    this.#committing ??= this.#flushAll().finally(() => {
      this.#committing = null
    })
  }

  async #flushAll(): Promise<void> {
    try {
      while (this.#pending.length > 0 && this.#leader.leaderId !== null) {
        const endOffset = this.#log.endOffset
        await this.#log.flush()
        this.#committed(endOffset)
      }
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #committed(endOffset: number): void {
    if (this.#leader.leaderId === null) return
    this.#highWatermark = endOffset
    this.#log.updateHighWatermark(endOffset)
    const count = this.#pending.findIndex(batch => batch.lastOffset >= endOffset)
    const committed = this.#pending.splice(0, count < 0 ? this.#pending.length : count)
    for (const batch of committed) this.#listener!.onCommitted(batch)
  }

  #fail(error: Error): void {
    if (this.#leader.leaderId === null) return
    this.#leader = { leaderId: null, epoch: this.#leader.epoch }
    this.#pending = []
    this.#world.logger.error('the metadata log has failed: this node is no controller any more', { error })
    this.#listener!.onFailure(error)
  }

  /** There is nobody to hand over to: the node leads no more until it is started again. */
  resign(epoch: number): void {
    if (this.#leader.leaderId !== this.nodeId || this.#leader.epoch !== epoch) return
    this.#leader = { leaderId: null, epoch }
    this.#pending = []
    this.#listener!.onLeaderChange(this.#leader)
  }

  // ------------------------------------------------------------------------------------------------------- snapshots

  async writeSnapshot(
    id: SnapshotId,
    lastContainedLogTimestamp: number,
    records: Iterable<MetadataRecord>,
  ): Promise<void> {
    if (id.endOffset > this.#highWatermark)
      throw new Error(`a snapshot up to ${id.endOffset} holds what is not committed`)
    const { kraftVersion, voters } = this
    await this.#log.writeSnapshot(id, { lastContainedLogTimestamp, kraftVersion, voters, records })
    await this.#clean()
  }

  #clean(): Promise<void> {
    this.#cleaning ??= this.#log.clean().finally(() => {
      this.#cleaning = null
    })
    return this.#cleaning
  }

  #scheduleClean(): void {
    this.#cleanTimer = this.#world.clock.setTimer(CLEAN_INTERVAL_MS, () => {
      this.#clean()
        .catch(error => this.#world.logger.warn('old metadata could not be removed', { error }))
        .finally(() => {
          if (this.#cleanTimer) this.#scheduleClean()
        })
    })
  }

  // ------------------------------------------------------------------------------------------------------------ other

  describe(): QuorumDescription {
    const { voterId: replicaId, voterDirectoryId: directoryId } = this.#self
    const nowMs = this.#world.clock.now()
    const times = { lastFetchTimestamp: nowMs, lastCaughtUpTimestamp: nowMs }
    const self = { replicaId, directoryId, logEndOffset: this.#log.endOffset, isVoter: true, ...times }
    return { leader: this.#leader, highWatermark: this.#highWatermark, replicas: [self], voters: this.#voters }
  }

  /** What was appended is committed or has failed when it resolves. The log itself is closed with its log dir. */
  async close(): Promise<void> {
    this.#cleanTimer?.cancel()
    this.#cleanTimer = null
    await this.#committing
    await this.#cleaning
    this.#leader = { leaderId: null, epoch: this.#leader.epoch }
  }
}
