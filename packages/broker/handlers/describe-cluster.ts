/** DescribeCluster (key 60), versions 0 to 2: brokers, or on a controller listener controllers; 2 shows fenced brokers (KIP-1073). */
import { ErrorCode } from '@ottla/protocol'
import { DescribeClusterRequest, DescribeClusterResponse } from '@ottla/protocol/messages/describe-cluster'
import { ApiError } from '../errors.ts'
import { Since } from '../image/index.ts'
import type { Services } from '../services.ts'
import { CLUSTER_OPERATIONS } from './authorized-operations.ts'
import { defineHandler } from './handler.ts'

const EndpointType = { brokers: 1, controllers: 2 } as const

export const describeCluster = defineHandler({
  request: DescribeClusterRequest,
  response: DescribeClusterResponse,
  handle(request, context, services) {
    const onController = services.isControllerListener(context.listenerName)
    if (onController) checkControllersKnown(services)
    const serves = onController ? EndpointType.controllers : EndpointType.brokers
    if (request.endpointType !== serves) return refuse(request.endpointType, onController)
    const nodes = onController
      ? services.metadata.controllers(context.listenerName)
      : services.metadata
          .brokers(context.listenerName)
          .filter(broker => request.includeFencedBrokers || !broker.isFenced)
    const alive = services.metadata.aliveBrokers(context.listenerName)
    return {
      endpointType: serves,
      clusterId: services.metadata.clusterId,
      controllerId: onController
        ? services.metadata.activeControllerId
        : (alive[services.world.random.integer(Math.max(1, alive.length))]?.nodeId ?? -1),
      brokers: nodes.map(({ nodeId, host, port, rack, isFenced }) => ({
        brokerId: nodeId,
        host,
        port,
        rack,
        isFenced,
      })),
      ...(request.includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: CLUSTER_OPERATIONS } : {}),
    }
  },
})

/** Controllers register from metadata.version 3.7-IV0 on (KIP-919); before, nobody could be told of them all. */
function checkControllersKnown({ metadata }: Services): void {
  if ((metadata.image.metadataVersion ?? 0) >= Since.CONTROLLER_REGISTRATION) return
  const message = 'Direct-to-controller communication is not supported with the current MetadataVersion.'
  throw new ApiError('UNSUPPORTED_VERSION', message)
}

function refuse(endpointType: number, onController: boolean) {
  if (endpointType !== EndpointType.brokers && endpointType !== EndpointType.controllers) {
    return { errorCode: ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, errorMessage: `no endpoint type ${endpointType}` }
  }
  const [here, there] = onController ? ['CONTROLLER', 'BROKER'] : ['BROKER', 'CONTROLLER']
  return {
    errorCode: ErrorCode.MISMATCHED_ENDPOINT_TYPE,
    errorMessage: `The request was sent to an endpoint of type ${here}, but we wanted an endpoint of type ${there}`,
  }
}
