/** Whether the cluster has share groups: share.version is finalized at 1 or more. Without it no client is served. */
import { ApiError } from '../errors.ts'
import type { Services } from '../services.ts'

const SHARE_VERSION = 'share.version'

/** Throws an ApiError. What is to be said of it is up to the API: most of Kafka's say nothing. */
export function checkShareVersion({ metadata }: Services, message = ''): void {
  if ((metadata.image.features.get(SHARE_VERSION) ?? 0) > 0) return
  throw new ApiError('UNSUPPORTED_VERSION', message)
}
