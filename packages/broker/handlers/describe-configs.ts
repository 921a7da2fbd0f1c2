/**
 * DescribeConfigs (key 32), versions 1 to 4: the configuration of topics, brokers, groups and client metrics, each value
 * with where it comes from; 3 with documentation.
 */
import { DescribeConfigsRequest, DescribeConfigsResponse } from '@ottla/protocol/messages/describe-configs'
import {
  type DescribedConfig,
  describeBroker,
  describeClientMetrics,
  describeClusterDefaults,
  describeGroup,
  describeTopic,
} from '../config/index.ts'
import { ApiError, errorCodeOf, isExpected, messageOf } from '../errors.ts'
import { ConfigResourceType, configsOf } from '../image/index.ts'
import type { Services } from '../services.ts'
import { defineHandler } from './handler.ts'
import { describeLoggers } from './loggers.ts'
import { requireThisBroker } from './own-configs.ts'
import { isValidTopicName } from './topic-names.ts'

const HAVE_CONFIGS: ReadonlySet<number> = new Set(Object.values(ConfigResourceType))

type Resource = DescribeConfigsRequest['resources'][number]

export const describeConfigs = defineHandler({
  request: DescribeConfigsRequest,
  response: DescribeConfigsResponse,
  handle(request, _context, services) {
    // One of a type that nobody knows, and all are refused.
    const odd = request.resources.find(({ resourceType }) => !HAVE_CONFIGS.has(resourceType))
    if (odd) throw new ApiError('INVALID_REQUEST', `no configuration of resource type ${odd.resourceType}`)
    return { results: request.resources.map(resource => describe(resource, request, services)) }
  },
  failed({ resources }, failure) {
    return {
      results: resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, ...failure })),
    }
  },
})

function describe(resource: Resource, request: DescribeConfigsRequest, services: Services) {
  const { resourceType, resourceName, configurationKeys } = resource
  try {
    const wanted = configurationKeys && configurationKeys.length > 0 ? new Set(configurationKeys) : null
    const configs = configsFor(resource, services).filter(({ name }) => !wanted || wanted.has(name))
    return { errorCode: 0, resourceType, resourceName, configs: configs.map(config => entry(config, request)) }
  } catch (error) {
    if (!isExpected(error))
      services.world.logger.error('describe configs failed', { resource: resourceName, error: error as Error })
    return { errorCode: errorCodeOf(error), errorMessage: messageOf(error), resourceType, resourceName, configs: [] }
  }
}

function configsFor({ resourceType, resourceName }: Resource, services: Services): DescribedConfig[] {
  const stored = configsOf(services.metadata.image, { type: resourceType, name: resourceName })
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      if (!isValidTopicName(resourceName))
        throw new ApiError('INVALID_TOPIC_EXCEPTION', `'${resourceName}' is no name for a topic`)
      if (!services.metadata.topic(resourceName)) throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', '')
      return describeTopic(services.config, stored)
    case ConfigResourceType.BROKER:
      if (resourceName === '') return describeClusterDefaults(services.config)
      requireThisBroker(resourceName, services)
      return describeBroker(services.config)
    case ConfigResourceType.GROUP:
      if (resourceName === '') throw new ApiError('INVALID_REQUEST', 'a group has a name')
      return describeGroup(services.config, stored)
    case ConfigResourceType.CLIENT_METRICS:
      if (resourceName === '') throw new ApiError('INVALID_REQUEST', 'a client metrics subscription has a name')
      return describeClientMetrics(stored)
    case ConfigResourceType.BROKER_LOGGER:
      requireThisBroker(resourceName, services)
      return describeLoggers(services.world.logger.levels)
    default:
      throw new ApiError('INVALID_REQUEST', `no configuration of resource type ${resourceType}`)
  }
}

function entry(config: DescribedConfig, { includeSynonyms, includeDocumentation }: DescribeConfigsRequest) {
  return {
    name: config.name,
    value: config.value,
    readOnly: config.readOnly,
    configSource: config.source,
    isSensitive: config.isSensitive,
    synonyms: includeSynonyms ? [...config.synonyms] : [],
    configType: config.type,
    // Of loggers there is none, and that is told even to those who don't want any.
    documentation: includeDocumentation || config.documentation === '' ? config.documentation : null,
  }
}
