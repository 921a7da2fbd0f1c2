/**
 * What the client knows of the cluster: brokers, topics, leaders, coordinators; and one connection to each broker in use.
 * A stale leader or coordinator is forgotten by whoever got the error, with `forget…`, and looked up again.
 */
import type { World } from '@ottla/io'
import { DescribeClusterRequest, DescribeClusterResponse } from '@ottla/protocol/messages/describe-cluster'
import { FindCoordinatorRequest, FindCoordinatorResponse } from '@ottla/protocol/messages/find-coordinator'
import { MetadataRequest, MetadataResponse } from '@ottla/protocol/messages/metadata'
import { type BrokerAddress, BrokerConnection } from './connection.ts'
import { ConnectionError, check, KafkaError } from './errors.ts'
import { retry } from './retry.ts'

export interface ClusterOptions {
  readonly world: World
  readonly bootstrapServers: readonly BrokerAddress[]
  readonly clientId?: string
  readonly requestTimeoutMs?: number
  /** The bootstrap servers are controllers: what is asked of any node is asked of the active one (KIP-919). */
  readonly areControllers?: boolean
}

export type TopicMetadata = MetadataResponse['topics'][number]

export interface ClusterNode extends BrokerAddress {
  readonly id: number
  readonly rack: string | null
}

const describeClusterApi = { request: DescribeClusterRequest, response: DescribeClusterResponse }
const CONTROLLERS = 2
const metadataApi = { request: MetadataRequest, response: MetadataResponse }
const findCoordinatorApi = { request: FindCoordinatorRequest, response: FindCoordinatorResponse }
/** Who coordinates what, by Kafka's number. */
const COORDINATOR_KINDS = { group: 0, transaction: 1, share: 2 } as const
export type CoordinatorKind = keyof typeof COORDINATOR_KINDS
/** FindCoordinator asks for many at once from this version on, and only so. */
const BATCHED_SINCE = 4

export class Cluster implements AsyncDisposable {
  readonly world: World
  readonly #options: ClusterOptions
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  /** Those of them that are there. */
  readonly #open = new Map<string, BrokerConnection>()
  readonly #brokers = new Map<number, ClusterNode>()
  readonly #topics = new Map<string, TopicMetadata>()
  readonly #coordinators = new Map<string, number>()
  clusterId: string | null = null

  constructor(options: ClusterOptions) {
    this.world = options.world
    this.#options = options
  }

  get bootstrapServers(): readonly BrokerAddress[] {
    return this.#options.bootstrapServers
  }

  get areControllers(): boolean {
    return this.#options.areControllers ?? false
  }

  /** Any broker: a known one, else the first of the bootstrap servers that answers. */
  async any(): Promise<BrokerConnection> {
    const connection = await this.#first()
    if (!this.areControllers) return connection
    const found = await connection.send(describeClusterApi, { endpointType: CONTROLLERS })
    check(found.errorCode, 'find the active controller', found.errorMessage)
    const active = found.brokers.find(({ brokerId }) => brokerId === found.controllerId)
    return active ? this.#connect({ host: active.host, port: active.port }) : connection
  }

  async #first(): Promise<BrokerConnection> {
    const failures: string[] = []
    for (const address of [...this.#brokers.values(), ...this.#options.bootstrapServers]) {
      try {
        return await this.#connect(address)
      } catch (error) {
        failures.push((error as Error).message)
      }
    }
    throw new ConnectionError(`no broker can be reached: ${[...new Set(failures)].join('; ')}`)
  }

  async broker(id: number): Promise<BrokerConnection> {
    if (!this.#brokers.has(id)) await this.metadata([])
    const address = this.#brokers.get(id)
    if (!address) throw new ConnectionError(`broker ${id} is not in the cluster's metadata`)
    return this.#connect(address)
  }

  async brokerIds(): Promise<number[]> {
    return (await this.nodes()).map(({ id }) => id)
  }

  /** All brokers that are up, by their ids. */
  async nodes(): Promise<ClusterNode[]> {
    if (this.#brokers.size === 0) await this.metadata([])
    return [...this.#brokers.values()].sort((a, b) => a.id - b.id)
  }

  /** Asks a broker; null means all topics. */
  async metadata(topics: readonly string[] | null, allowAutoTopicCreation = false): Promise<MetadataResponse> {
    const connection = await this.any()
    const response = await connection.send(metadataApi, {
      topics: topics?.map(name => ({ name })) ?? null,
      allowAutoTopicCreation,
    })
    this.clusterId = response.clusterId
    this.#brokers.clear()
    for (const { nodeId, host, port, rack } of response.brokers)
      this.#brokers.set(nodeId, { id: nodeId, host, port, rack })
    for (const topic of response.topics) {
      if (topic.name !== null && topic.errorCode === 0) this.#topics.set(topic.name, topic)
    }
    return response
  }

  /** What is known of a topic without asking. */
  knownTopic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name)
  }

  /** Metadata of one topic that exists, or is created by asking if the cluster does that; waits for its leaders. */
  async topic(name: string, allowAutoTopicCreation = false): Promise<TopicMetadata> {
    const known = this.#topics.get(name)
    if (known) return known
    return retry(
      this.world.clock,
      async () => {
        const { topics } = await this.metadata([name], allowAutoTopicCreation)
        const topic = topics[0]!
        check(topic.errorCode, `topic '${name}'`)
        for (const partition of topic.partitions)
          check(partition.errorCode, `partition ${name}-${partition.partitionIndex}`)
        return topic
      },
      allowAutoTopicCreation ? ['UNKNOWN_TOPIC_OR_PARTITION'] : [],
    )
  }

  async leader(topic: string, partition: number): Promise<BrokerConnection> {
    const metadata = await this.topic(topic)
    const leader = metadata.partitions.find(({ partitionIndex }) => partitionIndex === partition)
    if (!leader) throw new KafkaError(3, `partition ${topic}-${partition}`)
    return this.broker(leader.leaderId)
  }

  /** The connection to the leader, as far as it is known and open. */
  knownLeader(topic: string, partition: number): BrokerConnection | null {
    const known = this.#topics.get(topic)?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
    const address = known && this.#brokers.get(known.leaderId)
    const connection = address && this.#open.get(nameOf(address))
    return connection && !connection.isClosed ? connection : null
  }

  forgetTopic(name: string): void {
    this.#topics.delete(name)
  }

  groupCoordinator(groupId: string): Promise<BrokerConnection> {
    return this.coordinator('group', groupId)
  }

  forgetCoordinator(groupId: string, kind: CoordinatorKind = 'group'): void {
    this.#coordinators.delete(`${kind} ${groupId}`)
  }

  async coordinator(kind: CoordinatorKind, key: string): Promise<BrokerConnection> {
    return this.broker((await this.coordinatorNode(kind, key)).id)
  }

  /** Asked for until there is one. */
  async coordinatorNode(kind: CoordinatorKind, key: string): Promise<ClusterNode> {
    const id = this.#coordinators.get(`${kind} ${key}`)
    const known = id === undefined ? undefined : this.#brokers.get(id)
    if (known) return known
    return retry(this.world.clock, async () => {
      const connection = await this.any()
      const isBatched = connection.versionOf(FindCoordinatorRequest) >= BATCHED_SINCE
      const asked = isBatched ? { coordinatorKeys: [key] } : { key }
      const response = await connection.send(findCoordinatorApi, { keyType: COORDINATOR_KINDS[kind], ...asked })
      const found = response.coordinators[0] ?? response
      check(found.errorCode, `coordinator of ${kind} '${key}'`, found.errorMessage)
      const { nodeId, host, port } = found
      const node = { id: nodeId, host, port, rack: this.#brokers.get(nodeId)?.rack ?? null }
      this.#coordinators.set(`${kind} ${key}`, nodeId)
      this.#brokers.set(nodeId, node)
      return node
    })
  }

  async close(): Promise<void> {
    const connections = await Promise.allSettled(this.#connections.values())
    for (const result of connections) if (result.status === 'fulfilled') result.value.close()
    this.#connections.clear()
    this.#open.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #connect(address: BrokerAddress): Promise<BrokerConnection> {
    const key = nameOf(address)
    for (;;) {
      const known = this.#connections.get(key)
      if (!known) break
      const connection = await known
      if (!connection.isClosed) return connection
      // Of all who find it closed the first makes the next one.
      if (this.#connections.get(key) === known) this.#connections.delete(key)
    }
    const made = BrokerConnection.connect({
      ...address,
      world: this.world,
      clientId: this.#options.clientId ?? 'ottla',
      requestTimeoutMs: this.#options.requestTimeoutMs,
    })
    this.#connections.set(key, made)
    made.then(
      connection => this.#open.set(key, connection),
      () => {
        if (this.#connections.get(key) === made) this.#connections.delete(key)
      },
    )
    return made
  }
}

function nameOf({ host, port }: BrokerAddress): string {
  return `${host}:${port}`
}
