/**
 * ApiVersions (key 18), versions 0 to 4: what this listener serves, and the cluster's features.
 *
 * 3 client software name, features (KIP-511, KIP-584) · 4 features whose lowest level is 0 (KAFKA-17492)
 */
import { ErrorCode } from '@ottla/protocol'
import { ApiVersionsRequest, ApiVersionsResponse } from '@ottla/protocol/messages/api-versions'
import { defineHandler, type Handler } from './handler.ts'

/** What a client may call itself: KIP-511. */
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

export const apiVersions = defineHandler({
  request: ApiVersionsRequest,
  response: ApiVersionsResponse,
  handle(request, context, services) {
    const named = context.apiVersion >= 3
    if (
      named &&
      !(SOFTWARE_NAME.test(request.clientSoftwareName) && SOFTWARE_NAME.test(request.clientSoftwareVersion))
    ) {
      return { errorCode: ErrorCode.INVALID_REQUEST }
    }
    if (named) {
      context.clientSoftware.name = request.clientSoftwareName
      context.clientSoftware.version = request.clientSoftwareVersion
    }
    const { supported, finalized, finalizedEpoch } = services.metadata.features()
    return {
      apiKeys: services.apis(context.listenerName),
      supportedFeatures: context.apiVersion >= 4 ? supported : supported.filter(feature => feature.minVersion > 0),
      finalizedFeaturesEpoch: finalizedEpoch,
      finalizedFeatures: finalized.map(({ name, level }) => ({ name, minVersionLevel: level, maxVersionLevel: level })),
    }
  },
})

/** The answer, in version 0, to a version that is not served: the client finds the right one in it. */
export function unsupportedApiVersions() {
  const { key, versions } = ApiVersionsRequest
  return {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: key, minVersion: versions.min, maxVersion: versions.max }],
  }
}

/** The ranges that a listener with these handlers tells its clients. */
export function advertised(handlers: readonly Handler[], unstableVersions: boolean) {
  return handlers.map(({ request, advertisedMinVersion }) => {
    const hidden = request.latestVersionUnstable && !unstableVersions ? 1 : 0
    return {
      apiKey: request.key,
      minVersion: advertisedMinVersion ?? request.versions.min,
      maxVersion: request.versions.max - hidden,
    }
  })
}
