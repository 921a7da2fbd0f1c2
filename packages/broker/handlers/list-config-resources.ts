/** ListConfigResources (key 74), versions 0 to 1: names of what has configs; 0 only client metrics, 1 any types (KIP-1142). */
import { ErrorCode } from '@ottla/protocol'
import { ListConfigResourcesRequest, ListConfigResourcesResponse } from '@ottla/protocol/messages/list-config-resources'
import { ConfigResourceType } from '../image/index.ts'
import type { Services } from '../services.ts'
import { defineHandler } from './handler.ts'

const { TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP } = ConfigResourceType
const TYPES: readonly number[] = [GROUP, CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC]

export const listConfigResources = defineHandler({
  request: ListConfigResourcesRequest,
  response: ListConfigResourcesResponse,
  handle({ resourceTypes }, { apiVersion, listenerName }, services) {
    const supported = apiVersion === 0 ? [CLIENT_METRICS] : TYPES
    if (resourceTypes.some(type => !supported.includes(type))) return { errorCode: ErrorCode.UNSUPPORTED_VERSION }
    const wanted = resourceTypes.length === 0 ? supported : supported.filter(type => resourceTypes.includes(type))
    const configResources = wanted.flatMap(resourceType =>
      Array.from(names(resourceType, listenerName, services), resourceName => ({ resourceName, resourceType })),
    )
    return { configResources }
  },
})

/** Topics and brokers are all there; groups and client metrics, where something is set. */
function* names(type: number, listenerName: string, { metadata }: Services): Generator<string, void> {
  if (type === TOPIC) for (const { name } of metadata.topics()) yield name
  else if (type === BROKER || type === BROKER_LOGGER)
    for (const { nodeId } of metadata.brokers(listenerName)) yield String(nodeId)
  else for (const config of metadata.image.configs.values()) if (config.type === type) yield config.name
}
