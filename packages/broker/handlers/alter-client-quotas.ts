/** AlterClientQuotas (key 49), versions 0 to 1 (KIP-546): limits of users, client ids and addresses. */

import { NetworkError, type World } from '@ottla/io'
import { AlterClientQuotasRequest, AlterClientQuotasResponse } from '@ottla/protocol/messages/alter-client-quotas'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { QuotaEntityType } from '../image/index.ts'
import { defineHandler } from './handler.ts'

export const alterClientQuotas = defineHandler({
  request: AlterClientQuotasRequest,
  response: AlterClientQuotasResponse,
  async handle(request, context, { controller, world }) {
    const hosts = new Set<string>()
    for (const { entity } of request.entries) {
      for (const { entityType, entityName } of entity)
        if (entityType === QuotaEntityType.ip && entityName) hosts.add(entityName)
    }
    const unknownHosts = await withoutAddress(hosts, world)
    return controller.request('alterClientQuotas', { ...request, unknownHosts }, context.apiVersion)
  },
  failed: CONTROLLER_APIS.alterClientQuotas.failed,
})

/** One after the other: a name service is nobody's to flood. */
async function withoutAddress(hosts: Iterable<string>, { network }: World): Promise<ReadonlySet<string>> {
  const unknown = new Set<string>()
  for (const host of hosts) {
    try {
      await network.resolve(host)
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      unknown.add(host)
    }
  }
  return unknown
}
