/**
 * AlterConfigs and IncrementalAlterConfigs: for topics, brokers (one, or `''` for all), groups and client metrics. A
 * resource is changed as a whole or not at all. Which keys there are and what values they take
 * is for `config/` to say.
 */
import type { Init } from '@ottla/protocol'
import type { AlterConfigsRequest, AlterConfigsResponse } from '@ottla/protocol/messages/alter-configs'
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/incremental-alter-configs'
import { ApiError } from '../errors.ts'
import {
  ConfigOperation,
  type ConfigResource,
  ConfigResourceType,
  configKey,
  configsOf,
  type MetadataRecord,
  metadataRecord,
  Since,
} from '../image/index.ts'
import { defaultConfig, isListConfig } from './config-rules.ts'
import { checkRecordCount, failure, outcomeOf } from './outcome.ts'
import { type ControllerResult, type ControllerState, isElrEnabled, metadataVersion } from './state.ts'
import { topicNameError } from './topic-names.ts'

const { TOPIC, BROKER, CLIENT_METRICS, GROUP } = ConfigResourceType

export const MIN_INSYNC_REPLICAS = 'min.insync.replicas'
const CORDONED_LOG_DIRS = 'cordoned.log.dirs'
/** Of a string in a record. Kafka counts characters here, and fails to write what is in between. */
const MAX_VALUE_BYTES = 32_767

/** null removes the key. */
type Changes = ReadonlyMap<string, string | null>

export function incrementalAlterConfigs(
  state: ControllerState,
  request: IncrementalAlterConfigsRequest,
): ControllerResult<Init<typeof IncrementalAlterConfigsResponse>> {
  return alterResources(state, request, ({ configs }, resource) => {
    const current = configsOf(state.image, resource)
    const changes = new Map<string, string | null>()
    const empty = configs.find(config => config.value === null && config.configOperation !== ConfigOperation.DELETE)
    if (empty) throw new ApiError('INVALID_REQUEST', `A null value is not supported for: ${empty.name}`)
    for (const { name, value, configOperation } of configs) {
      changes.set(name, changedValue(resource, name, configOperation, value, current.get(name) ?? null))
    }
    return alterationRecords(state, resource, changes, new Set())
  })
}

export function alterConfigs(
  state: ControllerState,
  request: AlterConfigsRequest,
): ControllerResult<Init<typeof AlterConfigsResponse>> {
  return alterResources(state, request, ({ configs }, resource) => {
    const missing = configs.filter(config => config.value === null).map(config => config.name)
    if (missing.length > 0) {
      throw new ApiError('INVALID_REQUEST', `A null value is not supported for: ${missing.join(', ')}`)
    }
    const changes = new Map(configs.map(({ name, value }) => [name, value]))
    const others = [...configsOf(state.image, resource).keys()].filter(name => !changes.has(name))
    return alterationRecords(state, resource, changes, new Set(others))
  })
}

/** Of a topic that the same request creates. */
export function newResourceConfigs(
  state: ControllerState,
  resource: ConfigResource,
  configs: ReadonlyMap<string, string>,
): MetadataRecord[] {
  if (configs.size === 0) return []
  checkChanges(state, resource, configs, new Set())
  const records = [...configs].map(([name, value]) => configRecord(resource, name, value))
  return [...records, ...clearElrRecords(state, records)]
}

/** Of others it is told before their configs are looked at. */
const HAVE_CONFIGS: ReadonlySet<number> = new Set(Object.values(ConfigResourceType))

interface ResourceRequest {
  readonly resourceType: number
  readonly resourceName: string
  readonly configs: readonly { readonly name: string }[]
}

/** One result a resource, in the order of the request. */
function alterResources<R extends ResourceRequest>(
  state: ControllerState,
  { resources, validateOnly }: { readonly resources: readonly R[]; readonly validateOnly: boolean },
  alter: (request: R, resource: ConfigResource) => MetadataRecord[],
) {
  const records: MetadataRecord[] = []
  const times = new Map<string, number>()
  for (const { resourceType: type, resourceName: name } of resources) {
    times.set(configKey({ type, name }), (times.get(configKey({ type, name })) ?? 0) + 1)
  }
  const responses = resources.map(request => {
    const { resourceType, resourceName, configs } = request
    const resource = { type: resourceType, name: resourceName }
    if (times.get(configKey(resource)) !== 1) {
      const outcome = failure('INVALID_REQUEST', 'Each resource must appear at most once.')
      return { resourceType, resourceName, ...outcome }
    }
    const outcome = outcomeOf(() => {
      if (new Set(configs.map(config => config.name)).size < configs.length) {
        throw new ApiError('INVALID_REQUEST', 'Error due to duplicate config keys')
      }
      if (!HAVE_CONFIGS.has(resourceType)) checkResource(resource)
      records.push(...alter(request, resource))
    })
    return { resourceType, resourceName, ...outcome }
  })
  records.push(...clearElrRecords(state, records))
  checkRecordCount(records)
  return { records: validateOnly ? [] : records, isAtomic: true, response: { responses } }
}

function changedValue(
  resource: ConfigResource,
  name: string,
  operation: number,
  value: string | null,
  current: string | null,
): string | null {
  if (operation === ConfigOperation.SET) return value
  if (operation === ConfigOperation.DELETE) return null
  if (operation !== ConfigOperation.APPEND && operation !== ConfigOperation.SUBTRACT) {
    throw new ApiError('INVALID_REQUEST', `There is no config operation ${operation}.`)
  }
  const isAppend = operation === ConfigOperation.APPEND
  if (!isListConfig(resource, name)) {
    const verb = isAppend ? 'APPEND' : 'SUBTRACT'
    throw new ApiError('INVALID_CONFIG', `Can't ${verb} to key ${name} because its type is not LIST.`)
  }
  const items = (current ?? defaultConfig(resource, name) ?? '').split(',').filter(item => item !== '')
  const given = value!.split(',')
  const changed = isAppend ? [...new Set([...items, ...given])] : items.filter(item => !given.includes(item))
  return changed.join(',')
}

/** Throws unless all of it is fine. A broker gets a record also where nothing changes: it reloads files then (KAFKA-14136). */
function alterationRecords(
  state: ControllerState,
  resource: ConfigResource,
  changes: Changes,
  implicitlyDeleted: ReadonlySet<string>,
): MetadataRecord[] {
  const current = configsOf(state.image, resource)
  const isChange = ([name, value]: [string, string | null]) => (current.get(name) ?? null) !== value
  const written = [...changes].filter(change => isChange(change) || resource.type === BROKER)
  checkChanges(state, resource, new Map(written), implicitlyDeleted)
  checkExists(state, resource)
  return [
    ...written.map(([name, value]) => configRecord(resource, name, value)),
    ...[...implicitlyDeleted].map(name => configRecord(resource, name, null)),
  ]
}

function configRecord(
  { type, name: resourceName }: ConfigResource,
  name: string,
  value: string | null,
): MetadataRecord {
  return metadataRecord('ConfigRecord', 0, { resourceType: type, resourceName, name, value })
}

function checkResource({ type, name }: ConfigResource): void {
  const refuse = (message: string) => new ApiError('INVALID_REQUEST', message)
  switch (type) {
    case TOPIC: {
      if (name === '') throw refuse('There are no defaults for all topics: the topic name must not be empty.')
      const invalid = topicNameError(name)
      if (invalid !== null) throw new ApiError('INVALID_TOPIC_EXCEPTION', invalid)
      break
    }
    case BROKER:
      if (!/^(-?\d+)?$/.test(name)) throw refuse(`A broker is named by its id, not '${name}'.`)
      if (Number(name) < 0) throw refuse(`There are no negative broker ids: ${name}.`)
      break
    case GROUP:
      if (name === '') throw refuse('There are no defaults for all groups: the group id must not be empty.')
      break
    case CLIENT_METRICS:
      if (name === '') throw refuse('The name of a client metrics subscription must not be empty.')
      break
    case ConfigResourceType.BROKER_LOGGER:
      throw refuse('Log levels are not kept by the controller: ask the broker itself.')
    default:
      throw refuse(`There is no resource type ${type}.`)
  }
}

function checkExists({ image, options }: ControllerState, { type, name }: ConfigResource): void {
  if (type === TOPIC && !image.topicsByName.has(name)) {
    throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`)
  }
  if (type !== BROKER || name === '') return
  const id = Number(name)
  if (!image.brokers.has(id) && !image.controllers.has(id) && !options.isVoter(id)) {
    throw new ApiError('BROKER_ID_NOT_REGISTERED', `There is no node with id ${id}.`)
  }
}

function checkChanges(
  state: ControllerState,
  resource: ConfigResource,
  changes: Changes,
  implicitlyDeleted: ReadonlySet<string>,
): void {
  const all = new Map(configsOf(state.image, resource))
  for (const [name, value] of changes) {
    if (value === null) all.delete(name)
    else all.set(name, value)
  }
  for (const name of implicitlyDeleted) all.delete(name)
  const validate = () => state.nodeConfig.validate(state.image, resource, all)
  // Of brokers in Kafka the one that is asked looks first, and then the controller.
  if (resource.type === BROKER) validate()
  for (const [name, value] of changes) {
    checkSpecialConfig(state, resource, name, value)
    if (value !== null && Buffer.byteLength(value) > MAX_VALUE_BYTES)
      throw new ApiError('INVALID_CONFIG', `The value of ${name} has more than ${MAX_VALUE_BYTES} bytes.`)
  }
  for (const name of implicitlyDeleted) checkSpecialConfig(state, resource, name, null)
  checkResource(resource)
  if (resource.type !== BROKER) validate()
}

/** ELR needs one min.insync.replicas for the whole cluster: not per broker, and always set. */
function checkSpecialConfig(
  state: ControllerState,
  { type, name: broker }: ConfigResource,
  name: string,
  value: string | null,
): void {
  if (type !== BROKER) return
  const refuse = (message: string) => new ApiError('INVALID_CONFIG', message)
  if (name === MIN_INSYNC_REPLICAS && isElrEnabled(state)) {
    if (broker !== '') throw refuse(`${name} cannot be set for one broker while ELR is enabled.`)
    if (value === null) throw refuse(`${name} cannot be removed from the cluster while ELR is enabled.`)
  }
  if (name === CORDONED_LOG_DIRS && metadataVersion(state) < Since.CORDONED_LOG_DIRS) {
    throw refuse(`${name} cannot be set: it needs metadata.version 4.3-IV0.`)
  }
}

/** With another minimum, who is eligible has to be found out anew. */
function clearElrRecords(state: ControllerState, records: readonly MetadataRecord[]): MetadataRecord[] {
  if (!isElrEnabled(state)) return []
  return records.flatMap(record => {
    if (record.type !== 'ConfigRecord' || record.value.name !== MIN_INSYNC_REPLICAS) return []
    const topicName = record.value.resourceType === TOPIC ? record.value.resourceName : ''
    return [metadataRecord('ClearElrRecord', 0, { topicName })]
  })
}
