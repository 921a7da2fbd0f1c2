/**
 * One node: broker and controller in one process. This file wires the rooms; what happens in them is theirs.
 *
 *     disk    → logs     → quorum (metadata log) → controller → image → publisher ┐
 *     network → server → router → handlers → replicas, coordinators, controller ◄─┘
 *
 * Starting is in the order in which things need each other: the log dirs, the metadata log in one of them, the
 * controller, the ports (they have to be known when the broker registers), the other logs, the coordinators. Clients are
 * accepted when all of that is done. Stopping is the way back.
 */
import type { World } from '@ottla/io'
import { LogDirError, LogManager } from '@ottla/log'
import { AutoTopics } from './auto-topics.ts'
import type { BrokerConfig, Endpoint } from './config/index.ts'
import { Coordinators } from './coordinators.ts'
import { DirectoryAssignments } from './directory-assignments.ts'
import { ApiError } from './errors.ts'
import { GroupConfigs } from './group-configs.ts'
import { advertised } from './handlers/api-versions.ts'
import type { Handler } from './handlers/handler.ts'
import { BROKER_HANDLERS, CONTROLLER_HANDLERS, TELEMETRY_HANDLERS } from './handlers/index.ts'
import { ConfigResourceType, configsOf, directoryOf, type MetadataImage, Since } from './image/index.ts'
import { BrokerLifecycle, type RegisteredListener } from './lifecycle.ts'
import { LOGGERS, type LoggerName, nameLoggers } from './loggers.ts'
import { MetadataCache } from './metadata-cache.ts'
import { BrokerMetrics } from './monitoring/broker-metrics.ts'
import { BrokerState, type Health, liveness, readiness } from './monitoring/health.ts'
import { Monitoring, metricsWindows } from './monitoring/monitoring.ts'
import { Publisher } from './publisher.ts'
import { readBootstrapRecords } from './quorum/bootstrap.ts'
import { ControllerDriver } from './quorum/controller-driver.ts'
import { formatIfNeeded } from './quorum/format.ts'
import { SingleVoterQuorum } from './quorum/single-voter.ts'
import { ipConnectionRates, Quotas } from './quota/index.ts'
import { FetchSessionCache } from './replica/fetch-session.ts'
import { ReplicaManager } from './replica/replica-manager.ts'
import { cleanerConfig, logManagerOptions, partOf, quotaOptions, serverOptions } from './room-options.ts'
import { connectionLimits, resolvedIpRates } from './server/connection-limits.ts'
import { Router } from './server/router.ts'
import { Server } from './server/server.ts'
import type { Services } from './services.ts'
import { ShareServices } from './share-services.ts'
import { StreamsTopics } from './streams-topics.ts'
import { TopicConfigs } from './topic-configs.ts'

export interface BrokerOptions {
  readonly world: World
  readonly config: BrokerConfig
  /** With which log dirs that are not formatted yet are; a random one if null. */
  readonly clusterId?: string | null
  /** Whether clients may push metrics of theirs (KIP-714); default: yes. Nobody does until there is a subscription. */
  readonly clientTelemetry?: boolean
  /** Called before anything is started, so that it can be watched how it starts. */
  readonly onCreated?: (broker: Broker) => void
}

const SECURITY_PROTOCOL_CODES = { PLAINTEXT: 0, SSL: 1, SASL_PLAINTEXT: 2, SASL_SSL: 3 } as const

export class Broker implements AsyncDisposable {
  readonly nodeId: number
  readonly clusterId: string
  /** All that can be measured of this node. */
  readonly metrics: BrokerMetrics
  /** Rejects never; resolves with the reason if the broker can't go on. */
  readonly failed: Promise<Error>
  readonly #world: World
  readonly #logs: LogManager
  readonly #metadata: MetadataCache
  readonly #topicConfigs: TopicConfigs
  readonly #groupConfigs: GroupConfigs
  readonly #replicas: ReplicaManager
  readonly #coordinators: Coordinators
  readonly #autoTopics: AutoTopics
  readonly #shares: ShareServices
  readonly #publisher: Publisher
  readonly #quotas: Quotas
  readonly #server: Server
  readonly #monitoring: Monitoring
  readonly #fetchSessions: FetchSessionCache
  readonly #handlers: readonly Handler[]
  readonly #listeners = new Map<string, { readonly host: string; readonly port: number }>()
  #config: BrokerConfig
  /** Advertised for listeners on all addresses that are given no name. */
  #hostName = 'localhost'
  #controller: ControllerDriver | null = null
  #lifecycle: BrokerLifecycle | null = null
  #assignments: DirectoryAssignments | null = null
  #routers: ReadonlyMap<string, Router> = new Map()
  #failure: Error | null = null
  #onFailed!: (error: Error) => void
  #closing: Promise<void> | null = null

  /** Resolves when clients are accepted. */
  static async start(options: BrokerOptions): Promise<Broker> {
    const early: { onLogDirFailure: (dir: string, error: Error) => void } = { onLogDirFailure: () => undefined }
    const logs = await openLogs(options, (dir, error) => early.onLogDirFailure(dir, error))
    const broker = new Broker(options, logs)
    early.onLogDirFailure = (dir, error) => broker.#onLogDirFailure(dir, error)
    options.onCreated?.(broker)
    try {
      await broker.#start()
    } catch (error) {
      await broker.close().catch(() => undefined)
      // What followed from it says less.
      throw broker.#failure ?? error
    }
    return broker
  }

  private constructor({ world, config, clientTelemetry = true }: BrokerOptions, logs: LogManager) {
    nameLoggers(world.logger)
    this.#world = partOf(world, LOGGERS.broker)
    this.#config = config
    this.#monitoring = new Monitoring(config, world.random, world.logger.named(LOGGERS.metadata))
    this.#fetchSessions = new FetchSessionCache(config.maxIncrementalFetchSessionCacheSlots, world.random)
    this.#handlers = clientTelemetry
      ? BROKER_HANDLERS
      : BROKER_HANDLERS.filter(handler => !TELEMETRY_HANDLERS.includes(handler))
    this.#logs = logs
    this.nodeId = config.nodeId
    this.clusterId = logs.clusterId
    this.failed = new Promise(resolve => {
      this.#onFailed = resolve
    })
    this.#metadata = new MetadataCache(logs.clusterId, config.unstableFeatureVersionsEnable)
    this.#topicConfigs = new TopicConfigs(config, () => this.#metadata.image)
    this.#groupConfigs = new GroupConfigs(config, () => this.#metadata.image)
    this.#replicas = new ReplicaManager({
      nodeId: config.nodeId,
      logs,
      logger: world.logger.named(LOGGERS.replica),
      topicMetrics: this.#monitoring.topics,
      onPlaced: (topicId, partition, directoryId, onAccepted) => {
        if (this.#assignments && this.#isSince(Since.DIRECTORY_ASSIGNMENT))
          this.#assignments.add(topicId, partition, directoryId, onAccepted)
        // A controller that knows of no log dirs need not be told.
        else onAccepted?.()
      },
      moves: {
        clock: world.clock,
        bytesPerSecond: () => alterLogDirsRate(this.#metadata.image, config.nodeId),
        concurrency: config.numReplicaAlterLogDirsThreads ?? config.logDirs.length,
        onReplacing: partition => this.#publisher.setCoordinating(partition, false),
        onReplaced: partition => this.#publisher.setCoordinating(partition, true),
      },
    })
    this.#autoTopics = this.#makeAutoTopics()
    this.#shares = this.#makeShares()
    this.#coordinators = this.#makeCoordinators()
    this.#quotas = new Quotas(quotaOptions(config))
    this.#publisher = this.#makePublisher()
    const { telemetry } = this.#monitoring
    const onDisconnected = (connectionId: number) => telemetry.onDisconnected(connectionId)
    this.#server = new Server({ ...serverOptions(partOf(world, LOGGERS.server), config), onDisconnected })
    this.metrics = this.#makeMetrics()
  }

  /** Whether this process is of any use. */
  get liveness(): Health {
    return liveness(this.#failure)
  }

  /** Whether clients should come here. */
  get readiness(): Health {
    const isFenced = this.#metadata.image.brokers.get(this.nodeId)?.fenced ?? true
    return readiness(this.#monitoring.state, isFenced, this.#failure)
  }

  /** `host:port` of each listener for clients, separated by commas. */
  get bootstrapServers(): string {
    return this.#config.listeners.advertisedBroker
      .map(({ name, host }) => `${host ?? this.#hostName}:${this.#listeners.get(name)!.port}`)
      .join(',')
  }

  /** Stops in order: no new clients, leaderships handed over, everything flushed. May be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // --------------------------------------------------------------------------------------------------------- starting

  async #start(): Promise<void> {
    const { advertisedBroker, advertisedController } = this.#config.listeners
    // Not otherwise: a name service may take its time.
    if ([...advertisedBroker, ...advertisedController].some(({ host }) => host === null))
      this.#hostName = await this.#world.network.hostName()
    // Bound first, so that the ports are known; nobody is read from before `serve`.
    for (const endpoint of this.#config.listeners.all) await this.#listen(endpoint)
    await this.#limitConnections()
    const controller = await this.#startController()
    this.#routers = this.#makeRouters(controller)
    const lifecycle = this.#makeLifecycle(controller)
    this.#lifecycle = lifecycle
    // Whatever broker of this node has a session is gone: this process holds the locks of its log dirs.
    controller.endSession(this.nodeId)
    if (this.#isSince(Since.CONTROLLER_REGISTRATION)) await lifecycle.registerController()
    await lifecycle.register()
    this.#monitoring.state = BrokerState.RECOVERY
    await this.#loadLogs()
    this.#assignments = this.#makeAssignments(controller)
    this.#publisher.begin()
    await lifecycle.unfence()
    this.#server.serve()
    this.#monitoring.state = BrokerState.RUNNING
  }

  async #listen({ name, host, port }: Endpoint): Promise<void> {
    const address = host ?? '::'
    const router = () => this.#routers.get(name)!
    const actual = await this.#server.listen({ name, role: this.#roleOf(name), host: address, port, router })
    this.#listeners.set(name, { host: address, port: actual })
  }

  #roleOf(listenerName: string) {
    const { controller } = this.#config.listeners
    return controller.some(({ name }) => name === listenerName) ? 'controller' : 'broker'
  }

  /** Rejects with what is wrong with max.connections.per.ip.overrides. */
  async #limitConnections(): Promise<void> {
    const config = this.#config
    const limits = await connectionLimits(config, this.#world.network)
    if (config === this.#config) this.#server.limit(limits)
  }

  /** Once the names of hosts are looked up; what has changed meanwhile comes by itself. */
  async #limitIps(): Promise<void> {
    const quotas = this.#metadata.image.clientQuotas
    const { rates, unknown } = await resolvedIpRates(ipConnectionRates(quotas.values()), this.#world.network)
    if (quotas !== this.#metadata.image.clientQuotas) return
    for (const host of unknown) this.#world.logger.warn('a quota is for a host that has no address', { host })
    this.#server.limitIps(rates)
  }

  async #startController(): Promise<ControllerDriver> {
    const config = this.#config
    const { metadataLogDir: logDir, controllerQuorumVoters: staticVoters, nodeId } = config
    const worldOf = (logger: LoggerName) => partOf(this.#world, logger)
    const endpoints = config.listeners.advertisedController.map(endpoint => this.#registered(endpoint))
    const hasStaticVoters = staticVoters.length > 0
    await formatIfNeeded({
      world: worldOf(LOGGERS.format),
      logs: this.#logs,
      logDir,
      nodeId,
      endpoints,
      hasStaticVoters,
    })
    const quorum = await SingleVoterQuorum.open({
      world: worldOf(LOGGERS.quorum),
      logs: this.#logs,
      logDir,
      nodeId,
      staticVoters,
      endpoints,
      segmentBytes: config.metadataLogSegmentBytes,
      segmentMs: config.metadataLogSegmentMs,
      retentionBytes: config.metadataMaxRetentionBytes,
      retentionMs: config.metadataMaxRetentionMs,
    })
    this.#metadata.activeControllerId = nodeId
    this.#metadata.kraftVersion = () => quorum.kraftVersion
    this.#controller = await ControllerDriver.start({
      world: worldOf(LOGGERS.controller),
      config,
      clusterId: this.clusterId,
      quorum,
      bootstrapRecords: await readBootstrapRecords(this.#world, logDir),
      onPublished: delta => {
        this.#publisher.publish(delta)
        this.#monitoring.onPublished(delta)
      },
      onFailure: error => this.#fail(error),
    })
    return this.#controller
  }

  /** From here on replicas are opened as the metadata says; until now it has only been read. */
  async #loadLogs(): Promise<void> {
    await this.#logs.load({
      defaults: this.#topicConfigs.get(''),
      configOf: topic => this.#topicConfigs.get(topic),
      isStray: log => log.topicId !== null && !this.#metadata.topicById(log.topicId),
      isAssignedTo: ({ topicId, partition }, directoryId) => {
        const registration = topicId === null ? undefined : this.#metadata.topicById(topicId)?.partitions[partition]
        return registration !== undefined && directoryOf(registration, this.nodeId) === directoryId
      },
    })
  }

  #makeRouters(driver: ControllerDriver): ReadonlyMap<string, Router> {
    const { broker, controller } = this.#config.listeners
    const services = this.#makeServices(driver)
    const forClients = new Router(this.#handlers, services, this.#monitoring.requests)
    const forControllers = new Router(CONTROLLER_HANDLERS, services, this.#monitoring.requests)
    return new Map([
      ...broker.map(({ name }) => [name, forClients] as const),
      ...controller.map(({ name }) => [name, forControllers] as const),
    ])
  }

  #makeServices(driver: ControllerDriver): Services {
    const current = () => this.#config
    const onController = new Set(this.#config.listeners.controller.map(({ name }) => name))
    const unstable = this.#config.unstableApiVersionsEnable
    const brokerApis = advertised(this.#handlers, unstable)
    const controllerApis = advertised(CONTROLLER_HANDLERS, unstable)
    return {
      world: partOf(this.#world, LOGGERS.requests),
      get config() {
        return current()
      },
      metadata: this.#metadata,
      topicConfigs: this.#topicConfigs,
      controller: driver,
      describeQuorum: () => driver.describeQuorum(),
      replicas: this.#replicas,
      fetchSessions: this.#fetchSessions,
      waitingFetches: this.#monitoring.waitingFetches,
      telemetry: this.#monitoring.telemetry,
      quotas: this.#quotas,
      groups: this.#coordinators.groups,
      transactions: this.#coordinators.transactions,
      transactionVerifier: this.#coordinators.transactionVerifier,
      txnMarkers: this.#coordinators.txnMarkers,
      streamsTopics: new StreamsTopics(
        request => driver.request('createTopics', request, 7),
        this.#world.clock,
        this.#world.logger,
      ),
      groupConfigs: this.#groupConfigs,
      shares: this.#shares,
      autoTopics: this.#autoTopics,
      apis: listener => (onController.has(listener) ? controllerApis : brokerApis),
      isControllerListener: listener => onController.has(listener),
    }
  }

  #makeAutoTopics(): AutoTopics {
    const create: ConstructorParameters<typeof AutoTopics>[1] = async (request, quota) => {
      if (!this.#controller) throw new ApiError('NOT_CONTROLLER', 'the controller is not there yet')
      return this.#controller.request('createTopics', request, 7, { quota })
    }
    return new AutoTopics(() => this.#config, create, this.#world.logger)
  }

  #makeShares(): ShareServices {
    return new ShareServices({
      worldOf: logger => partOf(this.#world, logger),
      config: this.#config,
      metadata: this.#metadata,
      replicas: this.#replicas,
      topicConfigs: this.#topicConfigs,
      groupConfigs: this.#groupConfigs,
      autoTopics: this.#autoTopics,
      metricsWindows: metricsWindows(this.#config),
    })
  }

  #makeCoordinators(): Coordinators {
    return new Coordinators({
      nodeId: this.nodeId,
      worldOf: logger => partOf(this.#world, logger),
      config: () => this.#config,
      metricsWindows: metricsWindows(this.#config),
      metadata: this.#metadata,
      replicas: this.#replicas,
      topicConfigs: this.#topicConfigs,
      groupConfigs: this.#groupConfigs,
      shares: this.#shares,
      allocateProducerIds: () => this.#allocateProducerIds(),
    })
  }

  #makeMetrics(): BrokerMetrics {
    const { topics, requests, tally, telemetry, waitingFetches } = this.#monitoring
    return new BrokerMetrics({
      quotas: this.#quotas,
      shares: this.#shares,
      clock: this.#world.clock,
      disk: this.#world.disk,
      topics,
      requests,
      tally,
      telemetry,
      waitingFetches,
      server: this.#server,
      replicas: this.#replicas,
      logs: this.#logs,
      topicConfigs: this.#topicConfigs,
      fetchSessions: this.#fetchSessions,
      groups: this.#coordinators.groups,
      transactions: this.#coordinators.transactions,
      transactionVerifier: this.#coordinators.transactionVerifier,
      metadata: this.#metadata,
      controller: () => this.#controller,
      assignmentCount: () => this.#assignments?.size ?? 0,
      state: () => this.#monitoring.state,
    })
  }

  #cordon(logDirs: readonly string[]): void {
    if (this.#logs.cordon(logDirs)) this.#lifecycle?.hurry()
  }

  #makePublisher(): Publisher {
    return new Publisher({
      nodeId: this.nodeId,
      logger: this.#world.logger.named(LOGGERS.metadata),
      metadata: this.#metadata,
      replicas: this.#replicas,
      topicConfigs: this.#topicConfigs,
      groupConfigs: this.#groupConfigs,
      config: this.#config,
      onCoordinatorPartition: (topic, partition, leaderEpoch) =>
        this.#coordinators.onLeadership(topic, partition, leaderEpoch),
      onTopicsDeleted: topics => this.#coordinators.onTopicsDeleted(topics),
      onTopicsChanged: topics => this.#coordinators.groups.onTopicsChanged(topics),
      onMetadataVersion: () => {
        this.#registerAgain().catch(error => this.#world.logger.error('the registration is as it was', { error }))
      },
      onQuotasChanged: delta => {
        if (!this.#quotas.apply(delta)) return
        this.#limitIps().catch(error => this.#world.logger.error('quotas of addresses are as they were', { error }))
      },
      onReconfigured: config => {
        this.#config = config
        this.#cordon(config.cordonedLogDirs)
        this.#logs.reconfigure({
          transactionPartitionVerificationEnable: config.transactionPartitionVerificationEnable,
        })
        this.#limitConnections().catch(error => this.#world.logger.error('limits are as they were', { error }))
        void this.#logs.cleaner.reconfigure(cleanerConfig(config))
      },
    })
  }

  #makeAssignments(controller: ControllerDriver): DirectoryAssignments {
    return new DirectoryAssignments({
      world: this.#world,
      controller,
      nodeId: this.nodeId,
      brokerEpoch: () => this.#lifecycle!.brokerEpoch,
      isWanted: (topicId, partition) =>
        this.#metadata.topicById(topicId)?.partitions[partition]?.replicas.includes(this.nodeId) ?? false,
    })
  }

  #makeLifecycle(controller: ControllerDriver): BrokerLifecycle {
    const { listeners, brokerRack, brokerHeartbeatIntervalMs, logDirFailureTimeoutMs, unstableFeatureVersionsEnable } =
      this.#config
    return new BrokerLifecycle({
      world: partOf(this.#world, LOGGERS.lifecycle),
      controller,
      nodeId: this.nodeId,
      clusterId: this.clusterId,
      unstableFeatures: unstableFeatureVersionsEnable,
      rack: brokerRack,
      listeners: listeners.advertisedBroker.map(endpoint => this.#registered(endpoint)),
      controllerListeners: listeners.advertisedController.map(endpoint => this.#registered(endpoint)),
      logDirs: () => [...this.#logs.directoryIds.values()],
      offlineLogDirs: () => [...this.#logs.offlineLogDirs.keys()].flatMap(dir => this.#logs.directoryIdOf(dir) ?? []),
      cordonedLogDirs: () => this.#config.cordonedLogDirs.flatMap(dir => this.#logs.directoryIdOf(dir) ?? []),
      logDirFailureTimeoutMs,
      onFailure: error => this.#fail(error),
      previousBrokerEpoch: this.#logs.previousBrokerEpoch,
      heartbeatIntervalMs: brokerHeartbeatIntervalMs,
      metadataOffset: () => this.#metadata.image.provenance.offset,
    })
  }

  /** What is advertised, with the port that was found where the configuration leaves it open. */
  #registered({ name, host, port, protocol }: Endpoint): RegisteredListener {
    return {
      name,
      host: host ?? this.#hostName,
      port: port === 0 ? this.#listeners.get(name)!.port : port,
      securityProtocol: SECURITY_PROTOCOL_CODES[protocol],
    }
  }

  // ---------------------------------------------------------------------------------------------------------- running

  #isSince(level: number): boolean {
    const { metadataVersion } = this.#metadata.image
    return metadataVersion !== null && metadataVersion >= level
  }

  /** What there was no record for when this node registered. */
  async #registerAgain(): Promise<void> {
    const { controllers, brokers } = this.#metadata.image
    if (this.#isSince(Since.CONTROLLER_REGISTRATION) && !controllers.has(this.nodeId))
      await this.#lifecycle?.registerController()
    const hasNoDirs = brokers.get(this.nodeId)?.logDirs.length === 0
    if (this.#isSince(Since.DIRECTORY_ASSIGNMENT) && hasNoDirs) await this.#lifecycle?.register()
  }

  async #allocateProducerIds() {
    const controller = this.#controller
    if (!controller) throw new ApiError('COORDINATOR_LOAD_IN_PROGRESS', 'the controller is not there yet')
    const {
      producerIdStart = 0,
      producerIdLen = 0,
      errorCode = 0,
    } = await controller.request(
      'allocateProducerIds',
      { brokerId: this.nodeId, brokerEpoch: this.#lifecycle!.brokerEpoch },
      0,
    )
    if (errorCode !== 0) throw new ApiError('COORDINATOR_LOAD_IN_PROGRESS', 'the controller gives no producer ids now')
    return { producerIdStart, producerIdLen }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#onFailed(this.#failure)
  }

  /** The rest of the node goes on, if there is one, and if it still can say what happens to it. */
  #onLogDirFailure(dir: string, error: Error): void {
    this.#replicas.failLogDir(dir, error)
    const { logDirs, metadataLogDir } = this.#config
    const isLast = logDirs.every(path => this.#logs.offlineLogDirs.has(path))
    if (isLast || dir === metadataLogDir) {
      const code = isLast ? 'ERR_ALL_LOG_DIRS_OFFLINE' : 'ERR_METADATA_LOG_DIR_OFFLINE'
      const which =
        logDirs.length === 1 ? '' : isLast ? ', the last that was online,' : ', which holds the metadata log,'
      this.#fail(new LogDirError(code, `log dir ${dir}${which} has failed: ${error.message}`, { cause: error }))
      return
    }
    const directoryId = this.#logs.directoryIdOf(dir)
    if (directoryId !== null) this.#lifecycle?.reportLogDirFailure(directoryId)
  }

  // --------------------------------------------------------------------------------------------------------- stopping

  async #close(): Promise<void> {
    this.#monitoring.state = BrokerState.PENDING_CONTROLLED_SHUTDOWN
    await this.#server.stopAccepting()
    await this.#lifecycle?.leave()
    this.#monitoring.state = BrokerState.SHUTTING_DOWN
    this.#assignments?.close()
    await this.#server.close()
    this.#coordinators.close()
    await this.#replicas.moves.close()
    this.#shares.close()
    await this.#controller?.close()
    await this.#logs.close(this.#lifecycle?.brokerEpoch ?? -1)
    this.#monitoring.state = BrokerState.NOT_RUNNING
  }
}

/** Log dirs that belong to nobody are given to the cluster that was named, or to a new one. */
async function openLogs(
  { world, config, clusterId = null }: BrokerOptions,
  onLogDirFailure: (dir: string, error: Error) => void,
): Promise<LogManager> {
  const options = { ...logManagerOptions(world, config), onLogDirFailure }
  try {
    return await LogManager.open({ ...options, clusterId })
  } catch (error) {
    if (!(error instanceof LogDirError && error.code === 'ERR_NOT_FORMATTED')) throw error
    return await LogManager.open({ ...options, clusterId: world.random.uuid() })
  }
}

/** Bytes a second; a config that a broker has only while it runs. */
function alterLogDirsRate(image: MetadataImage, nodeId: number): number {
  const name = 'replica.alter.log.dirs.io.max.bytes.per.second'
  const own = configsOf(image, { type: ConfigResourceType.BROKER, name: String(nodeId) }).get(name)
  const all = configsOf(image, { type: ConfigResourceType.BROKER, name: '' }).get(name)
  return Number(own ?? all ?? Number.POSITIVE_INFINITY)
}
