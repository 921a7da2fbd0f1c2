/** The cluster's image as directories and files, with the names and texts that Apache Kafka's metadata shell gives them. */
import {
  type ClientQuotaImage,
  type ConfigImage,
  type MetadataImage,
  metadataVersionByLevel,
  type PartitionRegistration,
  type PersistentMap,
  type Provenance,
  ScramMechanism,
  scramKey,
  type TopicImage,
} from '@ottla/broker/image'
import type { DelegationTokenRecord } from '@ottla/protocol'
import { doubleText } from '../java/format.ts'
import { KAFKA_VERSION } from '../run.ts'
import { aclText, brokerText, controllerText, partitionText, scramText } from './image-text.ts'
import { type Directory, directory, file, type Node } from './nodes.ts'

export function rootNode(image: MetadataImage): Directory {
  return directory({ local: localNode, image: () => imageNode(image) })
}

/** Of the shell itself. */
function localNode(): Node {
  return directory({ version: () => file(() => KAFKA_VERSION), commitId: () => file(() => 'unknown') })
}

function imageNode(image: MetadataImage): Node {
  return directory({
    provenance: () => file(() => provenanceText(image.provenance)),
    features: () => featuresNode(image),
    cluster: () => clusterNode(image),
    topics: () => directory({ byName: () => topicsNode(image.topicsByName), byId: () => topicsNode(image.topicsById) }),
    configs: () => mapped(named(image.configs, configName), configNode),
    clientQuotas: () => mapped(named(image.clientQuotas, quotaName), quotaNode),
    producerIds: () => directory({ nextProducerId: () => file(() => String(image.nextProducerId)) }),
    acls: () => directory({ byId: () => leaves(image.acls, aclText) }),
    scram: () => scramNode(image),
    delegationToken: () => leaves(image.delegationTokens, tokenText),
  })
}

/** As Java's shell says it, brackets and all. */
function tokenText(token: DelegationTokenRecord): string {
  const { tokenId, owner, requester, renewers, issueTimestamp, maxTimestamp, expirationTimestamp } = token
  return (
    `DelegationTokenDatatokenId=${tokenId}(owner=${owner}(tokenRequester=${requester}` +
    `(renewers=${renewers.join(' ')}, issueTimestamp=${issueTimestamp}, maxTimestamp=${maxTimestamp})` +
    `, expiryTimestamp=${expirationTimestamp}`
  )
}

function provenanceText({ offset, epoch, timestampMs }: Provenance): string {
  const time = new Date(timestampMs).toISOString().replace(/\.?0+Z$/, 'Z')
  return `offset ${offset}, epoch ${epoch}, time ${time}[UTC]`
}

const FINALIZED = 'finalized_'

function featuresNode({ metadataVersion, features }: MetadataImage): Node {
  const version = metadataVersion === null ? null : metadataVersionByLevel(metadataVersion)
  return {
    kind: 'directory',
    names: () => ['metadataVersion', ...[...features.keys()].map(name => FINALIZED + name)],
    child: name => {
      if (name === 'metadataVersion') return file(() => (version ? `Optional[${version.name}]` : 'Optional.empty'))
      if (!name.startsWith(FINALIZED)) return null
      return file(() => String(features.get(name.slice(FINALIZED.length)) ?? 0))
    },
  }
}

function clusterNode({ brokers, controllers }: MetadataImage): Node {
  const byId = <T>(registrations: ReadonlyMap<number, T>, text: (registration: T) => string): Node => ({
    kind: 'directory',
    names: () => [...registrations.keys()].map(String),
    child: name => {
      const registration = registrations.get(integer(name))
      return registration ? file(() => text(registration)) : null
    },
  })
  return directory({
    brokers: () => byId(brokers, brokerText),
    controllers: () => byId(controllers, controllerText),
  })
}

/** NaN: it is none. */
function integer(name: string): number {
  return /^[+-]?\d+$/.test(name) ? Number(name) : Number.NaN
}

function topicsNode(topics: PersistentMap<TopicImage>): Node {
  return {
    kind: 'directory',
    names: () => topics.keys(),
    child: name => {
      const topic = topics.get(name)
      return topic ? topicNode(topic) : null
    },
  }
}

function topicNode({ name, id, partitions }: TopicImage): Node {
  return {
    kind: 'directory',
    names: () => ['name', 'id', ...partitions.map((_, partition) => String(partition))],
    child: asked => {
      if (asked === 'name') return file(() => name)
      if (asked === 'id') return file(() => id)
      const partition: PartitionRegistration | undefined = partitions[integer(asked)]
      return partition ? file(() => partitionText(partition)) : null
    },
  }
}

function leaves<T>(values: PersistentMap<T>, text: (value: T) => string): Node {
  return {
    kind: 'directory',
    names: () => values.keys(),
    child: name => {
      const value = values.get(name)
      return value === undefined ? null : file(() => text(value))
    },
  }
}

/** By names that are not the keys of the image. */
function named<T>(values: PersistentMap<T>, nameOf: (value: T) => string): ReadonlyMap<string, T> {
  const found = new Map<string, T>()
  for (const value of values.values()) found.set(nameOf(value), value)
  return found
}

function mapped<T>(values: ReadonlyMap<string, T>, nodeOf: (value: T) => Node): Node {
  return {
    kind: 'directory',
    names: () => values.keys(),
    child: name => {
      // What has no name, as the default of a quota, is listed and can't be asked for: as in Java's shell.
      const value = name === '' ? undefined : values.get(name)
      return value === undefined ? null : nodeOf(value)
    },
  }
}

const RESOURCE_TYPES: Readonly<Record<number, string>> = {
  2: 'TOPIC',
  4: 'BROKER',
  8: 'BROKER_LOGGER',
  16: 'CLIENT_METRICS',
  32: 'GROUP',
}

function configName({ type, name }: ConfigImage): string {
  const shown = RESOURCE_TYPES[type] ?? 'UNKNOWN'
  return name === '' ? shown : `${shown}:${name}`
}

function configNode({ values }: ConfigImage): Node {
  return texts(values, value => value)
}

function texts<T>(values: ReadonlyMap<string, T>, text: (value: T) => string): Node {
  return {
    kind: 'directory',
    names: () => values.keys(),
    child: name => {
      const value = values.get(name)
      return value === undefined ? null : file(() => text(value))
    },
  }
}

const QUOTA_TYPES = { 'client-id': 'clientId', ip: 'ip', user: 'user' } as const

/** Of a default there is no name to show. */
function quotaName({ entity }: ClientQuotaImage): string {
  return Object.entries(QUOTA_TYPES)
    .flatMap(([type, shown]) => {
      const name = entity.find(part => part.entityType === type)?.entityName ?? null
      return name === null ? [] : `${shown}(${name.replaceAll(/[\\()]/g, '\\$&')})`
    })
    .join('_')
}

function quotaNode({ values }: ClientQuotaImage): Node {
  return texts(values, doubleText)
}

const MECHANISMS = { 'SCRAM-SHA-256': ScramMechanism.SCRAM_SHA_256, 'SCRAM-SHA-512': ScramMechanism.SCRAM_SHA_512 }

function scramNode({ scram }: MetadataImage): Node {
  const children = Object.entries(MECHANISMS).map(([shown, mechanism]) => {
    const node: Node = {
      kind: 'directory',
      names: () => [...scram.values()].filter(one => one.mechanism === mechanism).map(one => one.name),
      child: user => {
        const credential = scram.get(scramKey(mechanism, user))
        return credential ? file(() => scramText(credential)) : null
      },
    }
    return [shown, () => node] as const
  })
  return directory(Object.fromEntries(children))
}
