/**
 * The controller: decides about topics, partitions, brokers, configurations and producer ids, and writes each decision
 * as records of the metadata log. A records machine: `handle` looks at the state and returns records and a response;
 * `replay` is the only thing that changes the state; the driver appends the records, replays them, and lets the response
 * out once they are committed. No clock, no waiting, no disk.
 *
 * The state is the image of the log, uncommitted records included, and indexes over it. When records are not going to
 * be committed after all (this node lost the leadership), `reset` goes back to an image that is.
 *
 * `apis.ts` is the table of requests; what each means is in the file it names.
 */
import { ApiError } from '../errors.ts'
import {
  changedTopics,
  checkRecordedLevel,
  KRAFT_VERSION,
  type Loaded,
  type MetadataImage,
  MetadataLoader,
  type MetadataRecord,
  type Provenance,
} from '../image/index.ts'
import { activationRecords } from './activation.ts'
import { CONTROLLER_APIS, type ControllerApiName, type ControllerRequest, type ControllerResponse } from './apis.ts'
import { BrokerHeartbeats } from './broker-heartbeats.ts'
import { fenceSilentBroker } from './brokers.ts'
import { NodeConfig } from './config-rules.ts'
import { failure } from './outcome.ts'
import { PartitionIndex } from './partition-index.ts'
import type { ControllerOptions, ControllerResult, ControllerState, RequestScope } from './state.ts'
import { TopicNameIndex } from './topic-names.ts'

export class Controller implements ControllerState {
  readonly options: ControllerOptions
  readonly nodeConfig: NodeConfig
  readonly heartbeats: BrokerHeartbeats
  readonly #loader = new MetadataLoader()
  readonly #registrationOffsets = new Map<number, number>()
  #partitions = new PartitionIndex()
  #topicNames = new TopicNameIndex()
  #isActive = false
  #isSettled = true

  constructor(options: ControllerOptions) {
    this.options = options
    this.heartbeats = new BrokerHeartbeats(options.config.brokerSessionTimeoutMs)
    this.nodeConfig = new NodeConfig(options.config)
  }

  get image(): MetadataImage {
    return this.#loader.image
  }

  /** So that what was replayed last is not shown to anybody yet. */
  get hasOpenTransaction(): boolean {
    return this.#loader.transactionOffset !== null
  }

  get partitions(): PartitionIndex {
    return this.#partitions
  }

  get topicNames(): TopicNameIndex {
    return this.#topicNames
  }

  get registrationOffsets(): ReadonlyMap<number, number> {
    return this.#registrationOffsets
  }

  /** Only while active, and after `settle`. A request that fails has a response too, and no records. */
  handle<Name extends ControllerApiName>(
    name: Name,
    request: ControllerRequest<Name>,
    scope: RequestScope,
  ): ControllerResult<ControllerResponse<Name>> {
    if (!this.#isActive || !this.#isSettled) throw new Error(`${name} is handled by a controller that is not ready`)
    const { handle, failed } = CONTROLLER_APIS[name] as unknown as Entry<Name>
    try {
      return handle(this, request, scope)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { records: [], isAtomic: true, response: failed(request, failure(error.code, error.message)) }
    }
  }

  /** In log order, each record once: a new one right after it was appended, others as they are read. Throws a MetadataError. */
  replay(record: MetadataRecord, offset: number): void {
    this.#isSettled = false
    if (record.type === 'FeatureLevelRecord' && record.value.name !== KRAFT_VERSION) {
      const { name, featureLevel } = record.value
      checkRecordedLevel(name, featureLevel, this.options.config.unstableFeatureVersionsEnable)
    }
    this.#loader.replay(record, offset)
    if (record.type === 'RegisterBrokerRecord') this.#registrationOffsets.set(record.value.brokerId, offset)
    if (record.type === 'UnregisterBrokerRecord') this.#registrationOffsets.delete(record.value.brokerId)
  }

  /** To be called after each batch. What others are shown once the batch is committed is in `published`. */
  settle(provenance: Provenance): Loaded {
    const loaded = this.#loader.settle(provenance)
    for (const delta of loaded.applied) {
      this.#partitions.apply(delta)
      for (const { name, before, after } of changedTopics(delta)) {
        if (before && !after) this.#topicNames.delete(name)
        if (after && !before) this.#topicNames.add(name)
      }
      if (this.#isActive) this.#followBrokers(delta.brokers, delta.image)
    }
    this.#isSettled = true
    return loaded
  }

  #followBrokers(ids: Iterable<number>, image: MetadataImage): void {
    for (const id of ids) {
      const broker = image.brokers.get(id)
      if (broker) this.heartbeats.register(broker)
      else this.heartbeats.remove(id)
    }
  }

  /** This node leads the quorum, and everything before its epoch was replayed. The records come before any request's. */
  activate(nowMs: number): ControllerResult<null> {
    if (this.#isActive || !this.#isSettled) throw new Error('the controller is activated twice, or amid a batch')
    this.#isActive = true
    this.heartbeats.activate(this.image.brokers.values(), nowMs)
    return activationRecords(this.options, this.#loader.stableImage, this.hasOpenTransaction)
  }

  /** Goes on as a standby from a committed image. */
  reset(image: MetadataImage): void {
    this.#isActive = false
    this.#isSettled = true
    this.heartbeats.deactivate()
    this.#loader.reset(image)
    this.#partitions = PartitionIndex.of(image)
    this.#topicNames = TopicNameIndex.of(image)
    this.#registrationOffsets.clear()
    for (const id of image.brokers.keys()) this.#registrationOffsets.set(id, image.provenance.offset)
  }

  /** When `expire` has something to do; monotonic, Infinity for never. */
  nextDeadlineMs(): number {
    return this.#isActive ? this.heartbeats.nextDeadlineMs() : Number.POSITIVE_INFINITY
  }

  /** Fences one broker that was not heard of in time; null once there is none. */
  expire(nowMs: number): ControllerResult<null> | null {
    return this.#isActive ? fenceSilentBroker(this, nowMs) : null
  }
}

interface Entry<Name extends ControllerApiName> {
  handle(
    state: ControllerState,
    request: ControllerRequest<Name>,
    scope: RequestScope,
  ): ControllerResult<ControllerResponse<Name>>
  failed(request: ControllerRequest<Name>, outcome: ReturnType<typeof failure>): ControllerResponse<Name>
}
