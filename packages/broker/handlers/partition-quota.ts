/**
 * What makes and deletes partitions counts against controller_mutation_rate (KIP-599). Who has used it up is refused, in
 * versions that know the error, and not heard for a while in all of them.
 */
import type { ControllerRequest, ControllerResponse } from '../controller/index.ts'
import type { Services } from '../services.ts'
import type { RequestContext } from './handler.ts'

type Name = 'createTopics' | 'createPartitions' | 'deleteTopics'

export async function changePartitions<N extends Name>(
  name: N,
  request: ControllerRequest<N>,
  strictSince: number,
  context: RequestContext,
  { controller, quotas, world }: Services,
): Promise<ControllerResponse<N> & { readonly throttleTimeMs: number }> {
  const { apiVersion, quotaClient } = context
  const quota = quotas.partitions.forRequest(quotaClient, apiVersion >= strictSince, world.clock.monotonic())
  const response = await controller.request(name, request, apiVersion, { quota })
  const throttleTimeMs = quota.pauseMs(world.clock.monotonic())
  context.throttle(throttleTimeMs, quotas.partitions)
  return { ...response, throttleTimeMs }
}
