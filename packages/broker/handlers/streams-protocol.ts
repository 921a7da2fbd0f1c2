/** Whether streams groups are on in this cluster. */
import { ApiError } from '../errors.ts'
import { featureLevel } from '../image/index.ts'
import type { Services } from '../services.ts'

/** Throws an ApiError with UNSUPPORTED_VERSION if not. */
export function checkStreamsProtocol({ config, metadata }: Services): void {
  if (!config.groupCoordinatorRebalanceProtocols.includes('streams'))
    throw new ApiError('UNSUPPORTED_VERSION', 'group.coordinator.rebalance.protocols does not have streams')
  if (featureLevel(metadata.image, 'streams.version') < 1)
    throw new ApiError('UNSUPPORTED_VERSION', 'streams.version is 0 in this cluster')
}
