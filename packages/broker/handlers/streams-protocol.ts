/** Whether streams groups are on in this cluster. */
import { ApiError } from '../errors.ts'
import { featureLevel } from '../image/index.ts'
import type { Services } from '../services.ts'

/** Throws an ApiError with UNSUPPORTED_VERSION if not, without a message, as Kafka has none. */
export function checkStreamsProtocol({ config, metadata }: Services): void {
  const isOn = config.groupCoordinatorRebalanceProtocols.includes('streams')
  if (!isOn || featureLevel(metadata.image, 'streams.version') < 1) throw new ApiError('UNSUPPORTED_VERSION', '')
}
