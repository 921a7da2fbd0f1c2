/** Topics, requests, connections and quotas. */
import { errorName } from '@ottla/protocol'
import { type ApiMetrics, type Labels, type Sample, sample, type TopicCounterName } from '../metrics/index.ts'
import type { AcceptReading, ClientQuota, QuotaReading, QuotaResource } from '../quota/index.ts'
import type { ClientConnection } from '../server/connection.ts'
import type { ListenerTraffic } from '../server/listener-traffic.ts'
import type { CONNECTIONS, QUOTAS, REQUESTS, TOPICS } from './catalog.ts'
import type { Collectors } from './collectors.ts'
import type { Sources } from './sources.ts'

export const collectTopics: Collectors<typeof TOPICS> = {
  messagesIn: sources => byTopic(sources, 'messagesIn'),
  bytesIn: sources => byTopic(sources, 'bytesIn'),
  bytesOut: sources => byTopic(sources, 'bytesOut'),
  bytesRejected: sources => byTopic(sources, 'bytesRejected'),
  produceRequests: sources => byTopic(sources, 'produceRequests'),
  failedProduceRequests: sources => byTopic(sources, 'failedProduceRequests'),
  fetchRequests: sources => byTopic(sources, 'fetchRequests'),
  failedFetchRequests: sources => byTopic(sources, 'failedFetchRequests'),
  shareFetchRequests: sources => bySharedTopic(sources, 'shareFetchRequests'),
  failedShareFetchRequests: sources => bySharedTopic(sources, 'failedShareFetchRequests'),
  shareAcknowledgementRequests: sources => bySharedTopic(sources, 'shareAcknowledgementRequests'),
  failedShareAcknowledgementRequests: sources => bySharedTopic(sources, 'failedShareAcknowledgementRequests'),
  replicationBytesOut: ({ topics }) => [sample(topics.all.replicationBytesOut)],
  invalidMessageCrcRecords: ({ topics }) => [sample(topics.all.invalidMessageCrcRecords)],
}

/** Without a topic first: of all, those that have been deleted included. */
function* byTopic({ topics }: Sources, name: TopicCounterName): Iterable<Sample> {
  yield sample(topics.all[name])
  for (const { topic, own } of topics.meters) yield sample(own[name], { topic })
}

/** As `byTopic`, of those that a share group has ever read: most topics are not for any. */
function* bySharedTopic({ topics }: Sources, name: TopicCounterName): Iterable<Sample> {
  yield sample(topics.all[name])
  for (const { topic, own } of topics.meters) {
    if (own.shareFetchRequests + own.shareAcknowledgementRequests > 0) yield sample(own[name], { topic })
  }
}

export const collectRequests: Collectors<typeof REQUESTS> = {
  *requests({ requests }) {
    for (const { name, byVersion } of requests.apis) {
      for (const [version, count] of byVersion.entries()) if (count) yield sample(count, { request: name, version })
    }
  },
  *requestErrors({ requests }) {
    for (const { name, errors } of requests.apis) {
      for (const [code, count] of errors.entries()) yield sample(count, { request: name, error: errorName(code) })
    }
  },
  totalTimeMs: sources => byApi(sources, 'totalTimeMs'),
  localTimeMs: sources => byApi(sources, 'localTimeMs'),
  remoteTimeMs: sources => byApi(sources, 'remoteTimeMs'),
  responseSendTimeMs: sources => byApi(sources, 'responseSendTimeMs'),
  throttleTimeMs: sources => byApi(sources, 'throttleTimeMs'),
  requestBytes: sources => byApi(sources, 'requestBytes'),
  purgatorySize: ({ shares }, { replicas: { uncommitted, waiters } }) => {
    const shareFetch = shares.partitions.metrics.awaitedPartitions
    // Each of these is waited for in the partition itself, too, unless that is just being removed.
    return delayed({ produce: uncommitted, fetch: Math.max(0, waiters - shareFetch), shareFetch })
  },
  delayedOperations: ({ waitingFetches, shares }, { replicas }) =>
    delayed({
      produce: replicas.uncommitted,
      fetch: waitingFetches.count,
      shareFetch: shares.partitions.metrics.waitingFetches,
    }),
  expiredFetches: ({ waitingFetches: { expired } }) => [
    sample(expired.consumer, { fetcherType: 'consumer' }),
    sample(expired.follower, { fetcherType: 'follower' }),
  ],
  fetchSessions: ({ fetchSessions }) => [sample(fetchSessions.size)],
  fetchSessionPartitions: ({ fetchSessions }) => [sample(fetchSessions.partitionCount)],
  fetchSessionEvictions: ({ fetchSessions }) => [sample(fetchSessions.evictionCount)],
}

type SummaryName = {
  [Name in keyof ApiMetrics]: ApiMetrics[Name] extends ApiMetrics['totalTimeMs'] ? Name : never
}[keyof ApiMetrics]

function* byApi({ requests, clock }: Sources, name: SummaryName): Iterable<Sample> {
  const nowMs = clock.monotonic()
  for (const api of requests.apis) if (api[name].count > 0) yield* api[name].samples({ request: api.name }, nowMs)
}

interface Delayed {
  readonly produce: number
  readonly fetch: number
  readonly shareFetch: number
}

function delayed({ produce, fetch, shareFetch }: Delayed): Sample[] {
  return [
    sample(produce, { delayedOperation: 'Produce' }),
    sample(fetch, { delayedOperation: 'Fetch' }),
    sample(shareFetch, { delayedOperation: 'ShareFetch' }),
  ]
}

export const collectConnections: Collectors<typeof CONNECTIONS> = {
  connections: sources =>
    byListener(sources, ({ connectionsCreated, connectionsClosed }) => connectionsCreated - connectionsClosed),
  connectionsCreated: sources => byListener(sources, traffic => traffic.connectionsCreated),
  connectionsClosed: sources => byListener(sources, traffic => traffic.connectionsClosed),
  connectionsExpired: ({ server }) => [sample(server.expiredCount)],
  connectionsRefused: sources => byListener(sources, traffic => traffic.connectionsRefused),
  connectionAcceptRate: sources => [
    ...byAccept(sources, ({ rate }) => rate),
    ...sources.server.quotas.broker
      .byAddress(sources.clock.monotonic())
      .map(({ address, rate }) => sample(rate, { ip: address })),
  ],
  brokerConnectionAcceptRate: ({ server, clock }) => [sample(server.quotas.broker.acceptRate(clock.monotonic()))],
  connectionAcceptThrottleTime: sources => byAccept(sources, ({ throttleTimeMs }) => throttleTimeMs),
  ipConnectionAcceptThrottleTime: sources => byAccept(sources, ({ ipThrottleTimeMs }) => ipThrottleTimeMs),
  connectionsBySoftware: ({ server }) => bySoftware(server.connections),
  incomingBytes: sources => byListener(sources, traffic => traffic.incomingBytes),
  outgoingBytes: sources => byListener(sources, traffic => traffic.outgoingBytes),
  requestsReceived: sources => byListener(sources, traffic => traffic.requests),
  responsesSent: sources => byListener(sources, traffic => traffic.responses),
  requestMemoryUsed: ({ server }) => [sample(server.memory.usedBytes)],
  requestMemoryAvailable: ({ server }) => [sample(Math.max(0, server.memory.availableBytes))],
  requestMemoryWaiting: ({ server }) => [sample(server.memory.waitingCount)],
}

function* byListener({ server }: Sources, measure: (traffic: ListenerTraffic) => number): Iterable<Sample> {
  for (const traffic of server.traffic) yield sample(measure(traffic), { listener: traffic.listenerName })
}

function byAccept({ server, clock }: Sources, measure: (reading: AcceptReading) => number): Sample[] {
  const readings = Object.values(server.quotas).flatMap(quotas => quotas.byListener(clock.monotonic()))
  return readings.map(reading => sample(measure(reading), { listener: reading.listener }))
}

const MAX_KINDS = 100
const MAX_NAME_LENGTH = 100

/** Names come from clients: there may be as many as there are connections. */
function bySoftware(connections: Iterable<ClientConnection>): Sample[] {
  const kinds = new Map<string, { labels: Labels; count: number }>()
  for (const { software, listenerName } of connections) {
    const name = (software.name || 'unknown').slice(0, MAX_NAME_LENGTH)
    const version = (software.version || 'unknown').slice(0, MAX_NAME_LENGTH)
    const isKnown = kinds.has([listenerName, name, version].join(' '))
    const [of, at] = isKnown || kinds.size < MAX_KINDS ? [name, version] : ['other', 'other']
    const key = [listenerName, of, at].join(' ')
    const kind = kinds.get(key)
    const labels = { clientSoftwareName: of, clientSoftwareVersion: at, listener: listenerName }
    if (kind) kind.count++
    else kinds.set(key, { labels, count: 1 })
  }
  return [...kinds.values()].map(({ labels, count }) => sample(count, labels))
}

export const collectQuotas: Collectors<typeof QUOTAS> = {
  quotaByteRate: sources => byClient(sources, ['Produce', 'Fetch'], ({ rate }) => rate),
  quotaRequestTime: sources => byClient(sources, ['Request'], ({ rate }) => rate),
  quotaMutationRate: sources => byClient(sources, ['ControllerMutation'], ({ rate }) => rate),
  quotaTokens: sources => byClient(sources, ['ControllerMutation'], ({ tokens }) => tokens),
  quotaThrottleTime: sources =>
    byClient(sources, [...sources.quotas.byResource.keys()], ({ throttleTimeMs }) => throttleTimeMs),
  produceQueueSize: ({ quotas }) => [sample(quotas.produce.throttles.now)],
  fetchQueueSize: ({ quotas }) => [sample(quotas.fetch.throttles.now)],
  requestQueueSize: ({ quotas }) => [sample(quotas.request.throttles.now)],
  controllerMutationQueueSize: ({ quotas }) => [sample(quotas.partitions.throttles.now)],
  quotaThrottles: sources => byResource(sources, ({ throttles }) => throttles.total),
  quotaClients: sources => byResource(sources, quota => quota.measuredCount(sources.clock.monotonic())),
}

/** null: there is no such thing of this client. Of a part that clients are not told apart by there is no label, as in JMX. */
function* byClient(
  { quotas, clock }: Sources,
  resources: readonly QuotaResource[],
  measure: (reading: QuotaReading) => number | null,
): Iterable<Sample> {
  for (const resource of resources) {
    // All at once: who is seen meanwhile changes its place among them.
    for (const reading of quotas.byResource.get(resource)!.readings(clock.monotonic())) {
      const value = measure(reading)
      if (value === null) continue
      const { user, clientId } = reading
      yield sample(value, { resource, ...(user === null ? {} : { user }), ...(clientId === null ? {} : { clientId }) })
    }
  }
}

function* byResource({ quotas }: Sources, measure: (quota: ClientQuota) => number): Iterable<Sample> {
  for (const [resource, quota] of quotas.byResource) yield sample(measure(quota), { resource })
}
