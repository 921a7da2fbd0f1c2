/**
 * For tests: a controller behind commands that a transcript can hold.
 *
 *     activate                            becomes active, on an empty log the first time
 *     createTopics v7 {"topics": [...]}   any API by name, the request as JSON with defaults left out, and a minute as its time
 *     broker 2 rack=r dirs=a,b            registers a broker, a new incarnation each time, and unfences it
 *     time 9001                           moves the clock on, in ms
 *     expire                              fences whoever was not heard of in time
 *     quota 3                             of partitions, with which a request may begin one change more than it has
 *     restart                             goes on from the image, as a new leader would
 *     topics | image                      what the image says: partitions, or all of it as records
 *     config name=value ...               of the node, before anything else
 *     levels name=level ...               that it was formatted with, if they are others
 *
 * Requests and responses pass through the codec in the version that is given, so that they are what a peer sends and
 * gets. Ids are counted (`A`, `B`, ... as UUIDs), chance is a fixed sequence.
 */
import assert from 'node:assert/strict'
import {
  decodeFromBytes,
  decodeMetadataRecord,
  encodeMetadataRecord,
  encodeToBytes,
  errorName,
  type Message,
  type MetadataRecord,
  type Shape,
} from '@ottla/protocol'
import * as clusterMetadata from '@ottla/protocol/logrecords/cluster-metadata'
import * as allocateProducerIds from '@ottla/protocol/messages/allocate-producer-ids'
import * as alterClientQuotas from '@ottla/protocol/messages/alter-client-quotas'
import * as alterConfigs from '@ottla/protocol/messages/alter-configs'
import * as alterPartition from '@ottla/protocol/messages/alter-partition'
import * as alterPartitionReassignments from '@ottla/protocol/messages/alter-partition-reassignments'
import * as alterUserScramCredentials from '@ottla/protocol/messages/alter-user-scram-credentials'
import * as assignReplicasToDirs from '@ottla/protocol/messages/assign-replicas-to-dirs'
import * as brokerHeartbeat from '@ottla/protocol/messages/broker-heartbeat'
import * as brokerRegistration from '@ottla/protocol/messages/broker-registration'
import * as controllerRegistration from '@ottla/protocol/messages/controller-registration'
import * as createPartitions from '@ottla/protocol/messages/create-partitions'
import * as createTopics from '@ottla/protocol/messages/create-topics'
import * as deleteTopics from '@ottla/protocol/messages/delete-topics'
import * as electLeaders from '@ottla/protocol/messages/elect-leaders'
import * as incrementalAlterConfigs from '@ottla/protocol/messages/incremental-alter-configs'
import * as listPartitionReassignments from '@ottla/protocol/messages/list-partition-reassignments'
import * as unregisterBroker from '@ottla/protocol/messages/unregister-broker'
import * as updateFeatures from '@ottla/protocol/messages/update-features'
import { resolveBrokerConfig } from '../../config/index.ts'
import { metadataRecord, registeredFeatures, snapshotRecords } from '../../image/index.ts'
import type { Run } from '../../testing/transcript.ts'
import type { ControllerApiName } from '../apis.ts'
import { Controller } from '../controller.ts'
import { type ControllerResult, FULL_ACCESS } from '../state.ts'

const MESSAGES: Record<ControllerApiName, Record<string, unknown>> = {
  updateFeatures,
  listPartitionReassignments,
  electLeaders,
  alterUserScramCredentials,
  alterPartitionReassignments,
  alterClientQuotas,
  allocateProducerIds,
  alterConfigs,
  alterPartition,
  assignReplicasToDirs,
  brokerHeartbeat,
  brokerRegistration,
  controllerRegistration,
  createPartitions,
  createTopics,
  deleteTopics,
  incrementalAlterConfigs,
  unregisterBroker,
}

const UUID = /"@(\w+)"/g

/** `@dir1` stands for a UUID that reads like it. */
function expandIds(json: string): string {
  return json.replace(UUID, (_, name: string) => `"${idOf(name)}"`)
}

export function idOf(name: string): string {
  return `${name.padEnd(21, '_')}A`
}

function shortenIds(text: string): string {
  return text.replace(/"(\w+?)_+A"/g, (match, name: string) => (match.length === 24 ? `"@${name}"` : match))
}

const NODE = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  listeners: 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
  'controller.listener.names': 'CONTROLLER',
  'controller.quorum.bootstrap.servers': 'localhost:9093',
}

const FORMATTED = { 'metadata.version': 30, 'eligible.leader.replicas.version': 1, 'kraft.version': 1 }

/** Node 1 of a cluster named `cluster`, formatted with ELR on; ids and chance are counted. */
export function testController(
  overrides: ReadonlyMap<string, string> = new Map(),
  levels: Readonly<Record<keyof typeof FORMATTED, number>> = FORMATTED,
): Controller {
  let ids = 0
  let chance = 0
  const raw = new Map([...Object.entries(NODE), ...overrides].map(([name, value]) => [name, { value, origin: 'test' }]))
  const bootstrap = ['metadata.version', 'eligible.leader.replicas.version'] as const
  return new Controller({
    config: resolveBrokerConfig(raw),
    clusterId: 'cluster',
    random: { integer: bound => chance++ % bound, uuid: () => idOf(`id${++ids}`) },
    bootstrapRecords: bootstrap
      .filter(name => levels[name] > 0)
      .map(name => metadataRecord('FeatureLevelRecord', 0, { name, featureLevel: levels[name] })),
    kraftVersion: () => levels['kraft.version'],
    scramKeys: (mechanism, saltedPassword) => ({
      storedKey: Uint8Array.of(mechanism, ...saltedPassword),
      serverKey: Uint8Array.from(saltedPassword).reverse(),
    }),
    isVoter: id => id === 1,
  })
}

export function startScenario(): Run {
  const scenario = new Scenario()
  return text => shortenIds(scenario.run(text))
}

class Scenario {
  readonly #config = new Map<string, string>()
  readonly #levels = { ...FORMATTED }
  #controller: Controller | null = null
  #nowMs = 0
  #partitionsLeft = Number.POSITIVE_INFINITY
  #nextOffset = 1

  run(text: string): string {
    const [, command, rest] = /^(\w+)\s*([\s\S]*)$/.exec(text)!
    switch (command) {
      case 'config':
        for (const [, name, value] of rest!.matchAll(/(\S+?)=(\S*)/g)) this.#config.set(name!, value!)
        return ''
      case 'levels':
        for (const [, name, value] of rest!.matchAll(/(\S+?)=(\S*)/g))
          this.#levels[name as 'kraft.version'] = Number(value)
        return ''
      case 'activate':
        return this.#apply(this.#get().activate(this.#nowMs))
      case 'broker':
        return this.#broker(rest!)
      case 'time':
        this.#nowMs += Number(rest)
        return `${this.#nowMs} ms`
      case 'quota':
        this.#partitionsLeft = Number(rest)
        return ''
      case 'expire':
        return this.#expire()
      case 'restart':
        this.#get().reset(this.#get().image)
        return this.#apply(this.#get().activate(this.#nowMs))
      case 'topics':
        return this.#topics()
      case 'image':
        return [...snapshotRecords(this.#get().image)].map(printRecord).join('\n')
      default:
        return this.#request(command as ControllerApiName, rest!)
    }
  }

  readonly #spend = (count: number): boolean => {
    if (this.#partitionsLeft < 0) return false
    this.#partitionsLeft -= count
    return true
  }

  #get(): Controller {
    this.#controller ??= testController(this.#config, this.#levels)
    return this.#controller
  }

  #broker(text: string): string {
    const [id] = text.split(' ')
    const options = Object.fromEntries([...text.matchAll(/(\w+)=(\S*)/g)].map(([, name, value]) => [name, value]))
    const brokerId = Number(id)
    const registration = this.#request(
      'brokerRegistration',
      JSON.stringify({
        brokerId,
        clusterId: 'cluster',
        incarnationId: idOf(`inc${this.#nextOffset}`),
        features: registeredFeatures(this.#get().options.config.unstableFeatureVersionsEnable),
        rack: options.rack ?? null,
        logDirs: (options.dirs ?? `dir${id}`).split(',').map(idOf),
        previousBrokerEpoch: Number(options.previousEpoch ?? -1),
      }),
    )
    const broker = this.#get().image.brokers.get(brokerId)
    if (!broker?.fenced) return registration
    const beat = { brokerId, brokerEpoch: broker.epoch, currentMetadataOffset: this.#nextOffset, cordonedLogDirs: [] }
    return `${registration}\n${this.#request('brokerHeartbeat', JSON.stringify(beat))}`
  }

  /** `$epoch2` stands for the epoch that broker 2 has now. */
  #expand(json: string): string {
    const epochOf = (id: string) => String(this.#get().image.brokers.get(Number(id))?.epoch)
    return expandIds(json).replace(/\$epoch(\d+)/g, (_, id: string) => epochOf(id))
  }

  #expire(): string {
    const printed: string[] = [`next deadline: ${this.#get().nextDeadlineMs()} ms`]
    for (let result = this.#get().expire(this.#nowMs); result; result = this.#get().expire(this.#nowMs)) {
      printed.push(this.#apply(result))
    }
    return printed.join('\n')
  }

  #request(name: ControllerApiName, rest: string): string {
    const [, version, json] = /^(?:v(\d+)\s+)?([\s\S]*)$/.exec(rest)!
    const [request, response] = schemasOf(name)
    const apiVersion = version === undefined ? request.versions.max : Number(version)
    const time = 'timeoutMs' in request.fields ? { timeoutMs: 60_000 } : {}
    const wanted = { ...time, ...JSON.parse(this.#expand(json!), withBytes) }
    const asSent = decodeFromBytes(request, apiVersion, encodeToBytes(request, apiVersion, wanted))
    const scope = {
      nowMs: this.#nowMs,
      apiVersion,
      nextOffset: this.#nextOffset,
      access: FULL_ACCESS,
      spendPartitions: this.#spend,
    }
    const result = this.#get().handle(name, asSent as never, scope)
    const asReceived = decodeFromBytes(response, apiVersion, encodeToBytes(response, apiVersion, result.response))
    const printed = JSON.stringify(withoutDefaults(response.fields, asReceived))
    return `${this.#apply(result)}\n${result.isAtomic ? '=>' : '->'} ${printed}`.trimStart()
  }

  /** Prints what goes into the log, and replays what comes out of it. */
  #apply({ records, kraftVersion }: ControllerResult<unknown>): string {
    const isUpgrade = kraftVersion !== undefined
    if (isUpgrade) this.#levels['kraft.version'] = kraftVersion
    const firstOffset = this.#nextOffset
    for (const record of records) {
      const decoded = decodeMetadataRecord(encodeMetadataRecord(record))
      assert.deepEqual(decoded, record, 'a record is what a reader decodes')
      this.#get().replay(decoded, this.#nextOffset++)
    }
    const provenance = { offset: this.#nextOffset - 1, epoch: 1, timestampMs: this.#nowMs, isBatchAligned: true }
    this.#get().settle(provenance)
    const printed = records.map((record, i) => `${firstOffset + i} ${printRecord(record)}`)
    return [...(isUpgrade ? [`kraft.version ${kraftVersion}`] : []), ...printed].join('\n')
  }

  #topics(): string {
    const topics = [...this.#get().image.topicsByName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    return topics
      .flatMap(({ name, partitions }) =>
        partitions.map((p, id) => {
          const elr =
            p.elr.length > 0 || p.lastKnownElr.length > 0 ? ` elr [${p.elr}] last known [${p.lastKnownElr}]` : ''
          const recovering = p.leaderRecoveryState === 1 ? ' recovering' : ''
          return `${name}-${id} leader ${p.leader} epoch ${p.leaderEpoch}/${p.partitionEpoch} replicas [${p.replicas}] isr [${p.isr}]${elr}${recovering}`
        }),
      )
      .join('\n')
  }
}

/** `hex:0aff` stands for bytes. */
function withBytes(_name: string, value: unknown): unknown {
  return typeof value === 'string' && value.startsWith('hex:') ? Buffer.from(value.slice(4), 'hex') : value
}

function schemasOf(name: ControllerApiName): [Message, Message] {
  const messages = Object.values(MESSAGES[name]) as Message[]
  return [
    messages.find(message => message.name.endsWith('Request'))!,
    messages.find(message => message.name.endsWith('Response'))!,
  ]
}

const ALL_FEATURES = /"features":\[\{[^\]]*"streams.version"[^\]]*\]/

const RECORDS: Record<string, Message> = { ...clusterMetadata }

function printRecord({ type, version, value }: MetadataRecord): string {
  const text = JSON.stringify(withoutDefaults(RECORDS[type]!.fields, value))
  return `${type} v${version} ${text.replace(ALL_FEATURES, '"features":"all"')}`
}

function withoutDefaults(fields: Shape, value: object): object {
  const shown = Object.entries(value).flatMap(([name, item]) => {
    const { kind, element, defaultValue } = fields[name]!
    const isDefault = kind === 'array' && defaultValue === undefined ? item?.length === 0 : item === defaultValue
    if (item instanceof Uint8Array) return [[name, `hex:${Buffer.from(item).toString('hex')}`]]
    if (isDefault && name !== 'errorCode') return []
    if (name === 'errorCode') return [[name, errorName(item)]]
    if (kind !== 'array' || item === null || !element?.fields) return [[name, item]]
    return [[name, item.map((each: object) => withoutDefaults(element.fields!, each))]]
  })
  return Object.fromEntries(shown)
}
